//! One client that is connected: what it is doing, and for how long it has been waited for.
//!
//! ```text
//! Opening --first byte--> Sending --all of it--> Answering --answer--> Idle --first byte--> Sending ...
//!                          |   ^
//!                    Waiting for room
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntCounterVec;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Somebody who sends is looked at for so long before he is called slow.
pub(crate) const LOOKED_AT: Duration = Duration::from_millis(250);

/// Below this, in bytes a second, somebody who sends is slow. An API server, in the same network, sends
/// a thousand times as fast.
const SLOW: f64 = 256.0 * 1024.0;

/// What a peer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// Nothing of a request has come yet, or not even a handshake.
    Opening,
    /// Some of a request has come, or some of its answer was taken: it is the peer's turn.
    Sending,
    /// Its body is not read yet, since there is no room for it.
    Waiting,
    /// Its request is here, or what its handshake needs: it is our turn.
    Answering,
    /// Its answer is sent.
    Idle,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Sending => "sending",
            Self::Waiting => "waiting",
            Self::Answering => "answering",
            Self::Idle => "idle",
        }
    }
}

/// What a peer has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing yet.
    Newcomer,
    /// It has sent a whole request, and a good one.
    Proven,
}

/// One connection.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    state: Mutex<State>,
    leave: Notify,
    /// Where it is counted that a peer had to go.
    evictions: Option<IntCounterVec>,
}

#[derive(Debug)]
struct State {
    stage: Stage,
    since: Instant,
    standing: Standing,
    leaving: bool,
    speed: Speed,
}

/// Bytes per second, of late.
#[derive(Debug)]
struct Speed {
    since: Instant,
    bytes: usize,
    /// Of the time before that.
    before: Option<f64>,
}

impl Speed {
    fn new() -> Self {
        Self { since: Instant::now(), bytes: 0, before: None }
    }

    fn add(&mut self, bytes: usize) {
        let elapsed = self.since.elapsed();
        if elapsed >= LOOKED_AT {
            let before = Some(self.bytes as f64 / elapsed.as_secs_f64());
            *self = Self { before, ..Self::new() };
        }
        self.bytes += bytes;
    }

    /// None while it cannot be told.
    fn now(&self) -> Option<f64> {
        let elapsed = self.since.elapsed();
        if elapsed >= LOOKED_AT {
            return Some(self.bytes as f64 / elapsed.as_secs_f64());
        }
        self.before
    }
}

impl Default for State {
    fn default() -> Self {
        let (since, speed) = (Instant::now(), Speed::new());
        let (stage, standing) = (Stage::Opening, Standing::Newcomer);
        Self { stage, since, standing, leaving: false, speed }
    }
}

impl Peer {
    /// One that has just come; `evictions` counts those that had to go, by what they did.
    pub(crate) fn new(evictions: IntCounterVec) -> Arc<Self> {
        Arc::new(Self { evictions: Some(evictions), ..Self::default() })
    }

    /// So many bytes of it were read.
    pub(crate) fn received(&self, bytes: usize) {
        let mut state = self.lock();
        if matches!(state.stage, Stage::Opening | Stage::Idle) {
            state.enter(Stage::Sending);
        }
        state.speed.add(bytes);
    }

    /// It does something else from now on.
    pub(crate) fn enter(&self, stage: Stage) {
        self.lock().enter(stage);
    }

    /// Its request was good.
    pub(crate) fn prove(&self) {
        self.lock().standing = Standing::Proven;
    }

    /// What it has shown so far.
    pub(crate) fn standing(&self) -> Standing {
        self.lock().standing
    }

    /// Has to go.
    pub(crate) fn evict(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.leaving, true)
            && let Some(evictions) = &self.evictions
        {
            evictions.with_label_values(&[state.stage.name()]).inc();
        }
        self.leave.notify_one();
    }

    /// Returns once it has to go.
    pub(crate) async fn evicted(&self) {
        self.leave.notified().await;
    }

    /// If it is the peer's turn: at what, and since when.
    pub(crate) fn awaited(&self) -> Option<(Stage, Instant)> {
        let state = self.lock();
        let awaited = state.stage != Stage::Answering && !state.leaving;
        awaited.then_some((state.stage, state.since))
    }

    /// How fast it sends, if it sends and that is slow.
    pub(crate) fn slow(&self) -> Option<f64> {
        let state = self.lock();
        let sends = state.stage == Stage::Sending && !state.leaving;
        state.speed.now().filter(|speed| sends && *speed < SLOW)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.since = Instant::now();
        self.speed = Speed::new();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_sends_fast_is_not_slow_and_fast_once_is_not_fast_for_ever() {
        let peers = [100_000, 1_000, 10].map(|bytes| (bytes, Peer::default()));
        for _ in 0..20 {
            for (bytes, peer) in &peers {
                peer.received(*bytes);
            }
            advance(Duration::from_millis(50)).await;
        }
        let [fast, slow, slowest] = peers.each_ref().map(|(_, peer)| peer.slow());
        assert!(fast.is_none() && slowest < slow, "{fast:?} {slow:?} {slowest:?}");
        advance(Duration::from_secs(2)).await;
        assert!(peers[0].1.slow().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_awaited_while_it_is_our_turn() {
        let peer = Peer::default();
        assert_eq!(peer.awaited(), Some((Stage::Opening, Instant::now())));
        advance(Duration::from_secs(1)).await;
        peer.received(1);
        assert_eq!(peer.awaited(), Some((Stage::Sending, Instant::now())));
        peer.enter(Stage::Answering);
        assert_eq!(peer.awaited(), None);
        peer.enter(Stage::Idle);
        peer.evict();
        assert_eq!(peer.awaited(), None);
    }
}
