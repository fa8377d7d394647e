//! The answers that clients still read, so much of them and no more.
//!
//! A client that does not read keeps its answer in memory. When there is too much, the readers of
//! the oldest are cut off: they make no one else wait, and no number of them fills the container's
//! memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::watch;

use super::MergedPage;
use crate::exposition::Page;
use crate::lock::lock;

/// Samples of all answers but the newest, together: 24 bytes each, and their labels. Of pages with
/// so many thousands of executors, only the newest may be read.
const SAMPLES: usize = 100_000;

/// The answers that are being read.
#[derive(Debug, Default)]
pub(super) struct Unread {
    answers: Mutex<VecDeque<Answers>>,
}

/// Answers that are the same in memory but for a little: they share the largest of their pages.
#[derive(Debug)]
struct Answers {
    largest: Weak<Page>,
    unread: Vec<Weak<MergedPage>>,
    samples: usize,
    revoke: watch::Sender<bool>,
}

/// Tells the reader of an answer when its time is over.
#[derive(Debug, Clone)]
pub struct Lease(watch::Receiver<bool>);

impl Unread {
    /// Lends an answer; if there are too many then, the oldest leases are over.
    pub(super) fn lend(&self, page: &Arc<MergedPage>) -> Lease {
        let mut all = lock(&self.answers);
        for answers in all.iter_mut() {
            answers.unread.retain(|page| page.strong_count() > 0);
        }
        all.retain(|answers| !answers.unread.is_empty());
        let largest = page.largest();
        if let Some(same) = all.iter_mut().find(|answers| answers.largest.ptr_eq(&largest)) {
            same.unread.push(Arc::downgrade(page));
            return Lease(same.revoke.subscribe());
        }
        let mut samples: usize = all.iter().map(|answers| answers.samples).sum();
        while samples > SAMPLES {
            let Some(oldest) = all.pop_front() else {
                break;
            };
            samples -= oldest.samples;
            oldest.revoke.send_replace(true);
        }
        let (revoke, lease) = watch::channel(false);
        let unread = vec![Arc::downgrade(page)];
        all.push_back(Answers { largest, unread, samples: page.samples(), revoke });
        Lease(lease)
    }
}

impl Lease {
    /// Returns when the lease is over before the answer was read; never if it is read in time.
    pub async fn over(mut self) {
        if self.0.wait_for(|over| *over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exposition::{Kind, Part, PodLabels};
    use crate::scrape::MergeOptions;

    fn of(name: &'static str, samples: usize) -> Page {
        let mut page = Page::new();
        let (family, labels) = (page.family(name, Kind::Gauge, "A."), page.labels(&[]));
        (0..samples).for_each(|_| page.push(family, Part::Value, labels, 1.0));
        page
    }

    fn merged(pages: Vec<Arc<Page>>) -> Arc<MergedPage> {
        let options = MergeOptions { pod_labels: PodLabels::default(), max_series: usize::MAX };
        Arc::new(MergedPage::new(pages, Arc::new(options)))
    }

    fn page(samples: usize) -> Arc<MergedPage> {
        merged(vec![Arc::new(of("a", samples))])
    }

    async fn is_over(lease: &Lease) -> bool {
        tokio::time::timeout(Duration::ZERO, lease.clone().over()).await.is_ok()
    }

    #[tokio::test]
    async fn one_answer_too_many_cuts_off_the_oldest_ones_readers() {
        let unread = Unread::default();
        let answers: Vec<_> = (0..4).map(|_| page(SAMPLES / 2)).collect();
        let first = [unread.lend(&answers[0]), unread.lend(&answers[0])];
        let (second, third) = (unread.lend(&answers[1]), unread.lend(&answers[2]));
        assert!(!is_over(&first[0]).await);
        let fourth = unread.lend(&answers[3]);
        assert!(is_over(&first[0]).await && is_over(&first[1]).await);
        for lease in [second, third, fourth] {
            assert!(!is_over(&lease).await);
        }
    }

    #[tokio::test]
    async fn answers_that_share_their_large_page_take_the_room_of_one() {
        let unread = Unread::default();
        let large = Arc::new(of("large", SAMPLES + 1));
        let answers: Vec<_> =
            (0..9).map(|_| merged(vec![of("small", 1).into(), large.clone()])).collect();
        let leases: Vec<_> = answers.iter().map(|answer| unread.lend(answer)).collect();
        for lease in &leases {
            assert!(!is_over(lease).await);
        }
        let other = page(1);
        let last = unread.lend(&other);
        assert!(is_over(&leases[0]).await && is_over(&leases[8]).await && !is_over(&last).await);
    }

    #[tokio::test]
    async fn an_answer_that_was_read_takes_no_room() {
        let unread = Unread::default();
        let slow = page(1);
        let lease = unread.lend(&slow);
        for _ in 0..10 {
            let _ = unread.lend(&page(SAMPLES));
        }
        assert!(!is_over(&lease).await);
    }

    #[tokio::test]
    async fn of_answers_that_are_large_only_the_newest_is_lent() {
        let unread = Unread::default();
        let (first, second) = (page(SAMPLES + 1), page(SAMPLES + 1));
        let leases = (unread.lend(&first), unread.lend(&second));
        assert!(is_over(&leases.0).await && !is_over(&leases.1).await);
    }
}
