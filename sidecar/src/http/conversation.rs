//! What is under way on one connection, and how long its client is waited for.
//!
//! Its socket tells what is read and written, its requests tell what is answered.
//!
//! ```text
//! Head ──request──> Answer ──first byte──> Write ──last byte gone──> Idle ──first byte──> Head
//! ```

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::delivery::Delivery;
use crate::scrape::Lease;

/// From the opening of the connection to the end of the first request's head, or from the first byte
/// of a later one.
const HEAD: Duration = Duration::from_secs(5);

/// From the head to the beginning of the answer: more than any scrape is allowed.
const ANSWER: Duration = Duration::from_secs(70);

/// From the beginning of the answer to its end, unless the client says that it waits longer.
/// Prometheus itself gives a scrape 10 s.
const WRITE: Duration = Duration::from_secs(10);

/// Between two requests. Scrapers keep their connections, and are known by them: Prometheus for five
/// minutes.
const IDLE: Duration = Duration::from_mins(10);

/// One connection, as its requests know it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// The connection's number.
    pub(super) connection: u64,
    /// The client's address.
    pub(super) address: IpAddr,
    /// What is under way.
    pub(super) conversation: Arc<Conversation>,
}

/// What the client is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Answer,
    Write,
    Idle,
}

/// How long the client is waited for as things stand.
#[derive(Debug, Clone)]
struct Patience {
    phase: Phase,
    since: Instant,
    until: Instant,
    /// Or until the text that it reads has to go.
    lease: Option<Lease>,
}

/// What is under way on one connection.
#[derive(Debug)]
pub(super) struct Conversation {
    patience: watch::Sender<Patience>,
    progress: Mutex<Progress>,
    /// Told when the client has become idle.
    idle: Arc<Notify>,
    /// Told when a page of last values was sent.
    sent: Notify,
}

#[derive(Debug, Default)]
struct Progress {
    /// Whether the next head is waited for.
    listens: bool,
    /// Whether the kernel has everything that was written.
    flushed: bool,
    page: LastValuesPage,
}

/// A page of last values on its way.
#[derive(Debug, Default)]
enum LastValuesPage {
    /// There is none.
    #[default]
    None,
    /// All of it is written, and some of it may not be with the kernel.
    Written,
    /// The kernel has all of it.
    Sent(Arc<Delivery>),
}

impl Conversation {
    /// A connection that was opened just now. `idle` is told whenever its client has become idle.
    pub(super) fn begin(idle: Arc<Notify>) -> Self {
        let patience = Patience::of(Phase::Head, Instant::now() + HEAD);
        let patience = watch::Sender::new(patience);
        Self { patience, progress: Mutex::default(), idle, sent: Notify::new() }
    }

    /// A request has come.
    pub(super) fn asked(&self) {
        self.progress().listens = false;
        self.patience.send_replace(Patience::of(Phase::Answer, Instant::now() + ANSWER));
    }

    /// Its answer begins; the client has said that it waits until then, or nothing.
    pub(super) fn answers(&self, deadline: Option<Instant>, lease: Option<Lease>) {
        let mut progress = self.progress();
        (progress.listens, progress.flushed) = (false, false);
        drop(progress);
        let until = (Instant::now() + WRITE).max(deadline.unwrap_or_else(Instant::now));
        self.patience.send_replace(Patience { lease, ..Patience::of(Phase::Write, until) });
    }

    /// Some bytes of a request were read.
    pub(super) fn heard(&self) {
        self.progress().listens = false;
        self.patience.send_if_modified(|patience| {
            let begins = patience.phase == Phase::Idle;
            if begins {
                *patience = Patience::of(Phase::Head, Instant::now() + HEAD);
            }
            begins
        });
    }

    /// Nothing is there to be read. While an answer is made and written, nobody looks.
    pub(super) fn listens(&self) {
        let mut progress = self.progress();
        progress.listens = true;
        self.settle(&progress);
    }

    /// Bytes are about to be written.
    pub(super) fn writes(&self) {
        self.progress().flushed = false;
    }

    /// All of a page of last values is written.
    pub(super) fn last_values_written(&self) {
        self.progress().page = LastValuesPage::Written;
    }

    /// The kernel has all that was written.
    pub(super) fn flushed(&self, delivery: impl FnOnce() -> Delivery) {
        let mut progress = self.progress();
        progress.flushed = true;
        if matches!(progress.page, LastValuesPage::Written) {
            progress.page = LastValuesPage::Sent(Arc::new(delivery()));
            self.sent.notify_one();
        }
        self.settle(&progress);
    }

    /// Who has its answer and is listened to is idle.
    fn settle(&self, progress: &Progress) {
        if !progress.listens || !progress.flushed {
            return;
        }
        let is_new = self.patience.send_if_modified(|patience| {
            let ends = patience.phase == Phase::Write;
            if ends {
                *patience = Patience::of(Phase::Idle, Instant::now() + IDLE);
            }
            ends
        });
        if is_new {
            self.idle.notify_one();
        }
    }

    /// Since when the client is idle, if it is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let patience = self.patience.borrow();
        (patience.phase == Phase::Idle).then_some(patience.since)
    }

    /// Returns when the client has taken too long.
    pub(super) async fn over(&self) {
        let mut changes = self.patience.subscribe();
        loop {
            let now = changes.borrow_and_update().clone();
            tokio::select! {
                () = now.over() => return,
                Ok(()) = changes.changed() => {}
            }
        }
    }

    /// A page of last values that was sent and of which it is not known yet whether it has arrived.
    pub(super) fn sent(&self) -> Option<Arc<Delivery>> {
        match &self.progress().page {
            LastValuesPage::Sent(delivery) => Some(Arc::clone(delivery)),
            LastValuesPage::None | LastValuesPage::Written => None,
        }
    }

    /// Returns when there is one.
    pub(super) async fn has_sent(&self) {
        while self.sent().is_none() {
            self.sent.notified().await;
        }
    }

    /// It is known of that one.
    pub(super) fn settled(&self, delivery: &Arc<Delivery>) {
        let page = &mut self.progress().page;
        if matches!(page, LastValuesPage::Sent(its) if Arc::ptr_eq(its, delivery)) {
            *page = LastValuesPage::None;
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patience {
    fn of(phase: Phase, until: Instant) -> Self {
        Self { phase, since: Instant::now(), until, lease: None }
    }

    /// Returns when it is over.
    async fn over(self) {
        let lease = async {
            match self.lease {
                Some(lease) => lease.over().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = tokio::time::sleep_until(self.until) => {}, () = lease => {} }
    }
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    /// Ours.
    pub(super) local: SocketAddr,
    /// The client's.
    pub(super) remote: SocketAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Conversation {
        Conversation::begin(Arc::default())
    }

    #[test]
    fn a_client_is_waited_for_as_long_as_what_it_has_to_do_may_take() {
        let conversation = conversation();
        let is_about = |expected: Duration| {
            let left = conversation.patience.borrow().until - Instant::now();
            assert!(left <= expected && left + Duration::from_secs(2) > expected, "{left:?}");
        };
        is_about(HEAD);
        conversation.asked();
        is_about(ANSWER);
        conversation.answers(None, None);
        is_about(WRITE);
        // As long as it says, but always as long as whoever says nothing.
        conversation.answers(Some(Instant::now() + Duration::from_mins(1)), None);
        is_about(Duration::from_mins(1));
        conversation.answers(Some(Instant::now()), None);
        is_about(WRITE);
        conversation.flushed(|| unreachable!());
        conversation.listens();
        assert!(conversation.idle_since().is_some());
        is_about(IDLE);
        conversation.heard();
        assert!(conversation.idle_since().is_none());
        is_about(HEAD);
    }

    #[test]
    fn whoever_does_not_read_its_answer_is_not_idle() {
        let conversation = conversation();
        conversation.listens();
        assert!(conversation.idle_since().is_none(), "it has not asked yet");
        conversation.asked();
        conversation.answers(None, None);
        conversation.writes();
        conversation.listens();
        assert!(conversation.idle_since().is_none(), "the kernel takes no more for it");
        conversation.flushed(|| unreachable!());
        assert!(conversation.idle_since().is_some());
    }
}
