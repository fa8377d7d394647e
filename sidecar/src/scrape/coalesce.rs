//! One source of the scrapes: whoever asks while it is being read gets that reading.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::lock::lock;
use crate::self_metrics::SelfMetrics;
use crate::sources::{Report, Source, report};

type UnderWay = watch::Receiver<Option<Arc<Report>>>;

/// A source that is read at most once at a time.
///
/// The reading is a task of its own: it goes on when those who wait for it have no more time. Its
/// result is forgotten once everybody has it.
#[derive(Debug)]
pub(super) struct Coalesced {
    source: Arc<dyn Source>,
    own: Arc<SelfMetrics>,
    under_way: Arc<Mutex<Option<UnderWay>>>,
}

impl Coalesced {
    /// That source; readings are counted there.
    pub(super) fn new(source: Arc<dyn Source>, own: Arc<SelfMetrics>) -> Self {
        Self { source, own, under_way: Arc::default() }
    }

    /// The source itself.
    pub(super) fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// What comes of the reading that is under way, or else of a new one, which begins now.
    pub(super) fn join(&self) -> impl Future<Output = Option<Arc<Report>>> + use<> {
        let mut result = self.under_way();
        async move { result.wait_for(Option::is_some).await.ok()?.clone() }
    }

    fn under_way(&self) -> UnderWay {
        let mut under_way = lock(&self.under_way);
        // One that was given up has dropped its sender.
        if let Some(result) = under_way.as_ref().filter(|result| result.has_changed().is_ok()) {
            return result.clone();
        }
        let (sender, result) = watch::channel(None);
        *under_way = Some(result.clone());
        let (source, own) = (Arc::clone(&self.source), Arc::clone(&self.own));
        let slot = Arc::clone(&self.under_way);
        tokio::spawn(async move {
            let report = report(source).await;
            own.report(&report);
            *lock(&slot) = None;
            sender.send_replace(Some(Arc::new(report)));
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;
    use crate::args::Role;
    use crate::sources::{Failure, Read};

    /// Fails, with the number of the reading, when it may go on.
    #[derive(Debug, Default)]
    struct Gated {
        readings: AtomicU32,
        go: Notify,
    }

    impl Source for Gated {
        fn name(&self) -> &'static str {
            "gated"
        }

        fn reasons(&self) -> &'static [&'static str] {
            &["counted"]
        }

        fn read(self: Arc<Self>) -> Read {
            Box::pin(async move {
                self.go.notified().await;
                let number = self.readings.fetch_add(1, Ordering::SeqCst) + 1;
                Err(Failure::new("counted", number))
            })
        }
    }

    fn gated() -> (Arc<Gated>, Coalesced) {
        let source = Arc::new(Gated::default());
        let own = Arc::new(SelfMetrics::new(Role::Driver));
        (Arc::clone(&source), Coalesced::new(source, own))
    }

    async fn number(join: impl Future<Output = Option<Arc<Report>>>) -> String {
        join.await.unwrap().result.as_ref().unwrap_err().sentence.clone()
    }

    #[tokio::test]
    async fn fifty_at_once_share_one_reading_and_the_next_one_begins_another() {
        let (source, coalesced) = gated();
        let joined: Vec<_> = (0..50).map(|_| coalesced.join()).collect();
        source.go.notify_one();
        for join in joined {
            assert_eq!(number(join).await, "1");
        }
        source.go.notify_one();
        assert_eq!(number(coalesced.join()).await, "2");
    }

    #[tokio::test]
    async fn a_reading_goes_on_when_the_one_who_began_it_has_no_more_time() {
        let (source, coalesced) = gated();
        drop(coalesced.join());
        tokio::task::yield_now().await;
        let second = coalesced.join();
        source.go.notify_one();
        assert_eq!(number(second).await, "1");
    }
}
