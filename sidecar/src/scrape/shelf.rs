//! The answers that clients still read, so many and no more.
//!
//! A client that does not read keeps its answer in memory. When too many answers lie about, the
//! oldest one's readers are cut off: they make no one else wait, and no number of them fills the
//! container's memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use super::Sheets;

/// Answers that may be read at the same time. Who reads the fourth-last page still is too late for
/// any use of it.
const ANSWERS: usize = 3;

/// Samples of all answers but the newest, together: 24 bytes each, and their labels. Of pages with
/// so many thousands of executors, only the newest may be read.
const SAMPLES: usize = 100_000;

/// Where answers lie while they are read.
#[derive(Debug, Default)]
pub struct Shelf {
    places: Mutex<VecDeque<Place>>,
}

#[derive(Debug)]
struct Place {
    sheets: Weak<Sheets>,
    samples: usize,
    revoke: watch::Sender<bool>,
}

/// Tells the readers of an answer when their time is over.
#[derive(Debug, Clone)]
pub struct Loan(watch::Receiver<bool>);

impl Shelf {
    /// Lends an answer to one more reader; if it makes one answer too many, the oldest loans are
    /// over.
    pub fn lend(&self, sheets: &Arc<Sheets>) -> Loan {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|place| place.sheets.strong_count() > 0);
        let of_these = Arc::downgrade(sheets);
        if let Some(place) = places.iter().find(|place| place.sheets.ptr_eq(&of_these)) {
            return Loan(place.revoke.subscribe());
        }
        let mut samples: usize = places.iter().map(|place| place.samples).sum();
        while places.len() >= ANSWERS || samples > SAMPLES {
            let Some(oldest) = places.pop_front() else {
                break;
            };
            samples -= oldest.samples;
            oldest.revoke.send_replace(true);
        }
        let (revoke, loan) = watch::channel(false);
        places.push_back(Place { sheets: of_these, samples: sheets.samples(), revoke });
        Loan(loan)
    }
}

impl Loan {
    /// Returns when the loan is over before the answer was read; never if it is read in time.
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
    use crate::exposition::{Kind, Page, Part, PodLabels};
    use crate::scrape::Frame;

    fn sheets(samples: usize) -> Arc<Sheets> {
        let mut page = Page::new();
        let (family, labels) = (page.family("a", Kind::Gauge, "A."), page.labels(&[]));
        (0..samples).for_each(|_| page.push(family, Part::Value, labels, 1.0));
        Arc::new(Sheets::merge(
            vec![Arc::new(page)],
            Arc::new(Frame { pod_labels: PodLabels::default(), max_series: usize::MAX }),
        ))
    }

    async fn is_over(loan: &Loan) -> bool {
        tokio::time::timeout(Duration::ZERO, loan.clone().over()).await.is_ok()
    }

    #[tokio::test]
    async fn one_answer_too_many_cuts_off_the_oldest_ones_readers() {
        let shelf = Shelf::default();
        let answers: Vec<_> = (0..4).map(|_| sheets(1)).collect();
        let first = [shelf.lend(&answers[0]), shelf.lend(&answers[0])];
        let (second, third) = (shelf.lend(&answers[1]), shelf.lend(&answers[2]));
        assert!(!is_over(&first[0]).await);
        let fourth = shelf.lend(&answers[3]);
        assert!(is_over(&first[0]).await && is_over(&first[1]).await);
        for loan in [second, third, fourth] {
            assert!(!is_over(&loan).await);
        }
    }

    #[tokio::test]
    async fn an_answer_that_was_read_takes_no_room() {
        let shelf = Shelf::default();
        let slow = sheets(1);
        let loan = shelf.lend(&slow);
        for _ in 0..10 {
            let _ = shelf.lend(&sheets(SAMPLES));
        }
        assert!(!is_over(&loan).await);
    }

    #[tokio::test]
    async fn of_answers_that_are_large_only_the_newest_is_lent() {
        let shelf = Shelf::default();
        let (first, second) = (sheets(SAMPLES + 1), sheets(SAMPLES + 1));
        let loans = (shelf.lend(&first), shelf.lend(&second));
        assert!(is_over(&loans.0).await && !is_over(&loans.1).await);
    }
}
