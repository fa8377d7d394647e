//! Where figures come from: a folder for each kind of source, one trait for all of them, and what
//! goes for every one of them said once, in [`report`].
//!
//! A new source is a file with a [`Source`] in it, and a line in `run.rs`.

pub mod cgroup;
pub mod processes;
mod repairs;
pub mod spark;

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

pub use repairs::{Reason, Repairs};

use crate::exposition::Page;

/// Something that is read once for each scrape.
pub trait Source: fmt::Debug + Send + Sync {
    /// The value of the `source` label.
    fn name(&self) -> &'static str;

    /// Begins to read; what the source gave comes later.
    ///
    /// Several scrapes may wait for one reading, each for as long as it has time: a reading knows
    /// no scrape's deadline, and ends by itself.
    fn read(self: Arc<Self>) -> Read;

    /// Every reason for which it may fail, but those that go for all sources.
    fn reasons(&self) -> &'static [&'static str];

    /// Whether it is to be asked at all: one that is not there is no failure.
    fn is_there(&self) -> bool {
        true
    }

    /// Whether its totals are told once more when Spark has done its work. Those of a source that is not
    /// are not served after the end: they stand where they were seen last, seconds before.
    fn tells_last_totals(&self) -> bool {
        true
    }

    /// Whether some of what Spark has said is still on its way into the source.
    fn is_receiving(&self) -> bool {
        false
    }

    /// What can be served in place of another source's figures, which are not to be had just now.
    fn in_place_of(&self, _source: &'static str) -> Option<Reading> {
        None
    }
}

/// A reading that is under way.
pub type Read = Pin<Box<dyn Future<Output = Result<Reading, Failure>> + Send>>;

/// There was an answer, and no sample in it.
pub const EMPTY: &str = "empty";

/// What a source gave.
#[derive(Debug, Default)]
pub struct Reading {
    /// Its families, each series once.
    pub page: Arc<Page>,
    /// Samples that were left out because a later one is of the same series.
    pub duplicates: u64,
    /// The same families under Spark's own names, where they are wanted.
    pub servlet: Option<Arc<Page>>,
    /// What had to be repaired or dropped to get them.
    pub repairs: Repairs,
    /// Whether the figures show Spark at work; only then are they worth keeping for the end.
    pub shows_spark: bool,
    /// Lines of the kernel's that were left out, by a source that reads such.
    pub unparsed_lines: Option<u64>,
}

impl Reading {
    /// A page that is written, and what was repaired before it was; what the page itself has mended
    /// or refused is added.
    #[must_use]
    pub fn new(mut page: Page, mut repairs: Repairs) -> Self {
        repairs.add_all(Reason::ImpossibleValue, page.impossible());
        repairs.add_all(Reason::LongLabel, page.cut_labels());
        let duplicates = page.drop_duplicates();
        page.close();
        Self { page: Arc::new(page), duplicates, repairs, ..Self::default() }
    }

    /// The same, or a failure where there is no sample in it.
    pub fn not_empty(self) -> Result<Self, Failure> {
        if self.page.is_empty() {
            return Err(Failure::new(EMPTY, "no sample in what it gave").with(self.repairs));
        }
        Ok(self)
    }
}

/// Why a source gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One word for the `reason` label.
    pub reason: &'static str,
    /// A sentence for the log.
    pub sentence: String,
    /// What was wrong with the lines, if there were any.
    pub repairs: Option<Box<Repairs>>,
    /// Lines of the kernel's that were left out, by a source that reads such.
    pub unparsed_lines: Option<u64>,
}

impl Failure {
    /// A failure with its reason and an error that explains it.
    pub fn new(reason: &'static str, sentence: impl fmt::Display) -> Self {
        Self { reason, sentence: sentence.to_string(), repairs: None, unparsed_lines: None }
    }

    /// The same failure, with what was wrong with the lines that there were.
    #[must_use]
    pub fn with(self, repairs: Repairs) -> Self {
        Self { repairs: Some(Box::new(repairs)), ..self }
    }

    /// The source's code panicked.
    #[must_use]
    pub fn panicked() -> Self {
        Self::new(PANICKED, "a defect in the sidecar; its message is above")
    }
}

/// The answer was due before there was anything.
const DEADLINE: &str = "deadline";

/// The source's code panicked.
const PANICKED: &str = "panicked";

/// The reasons for which any source may fail.
pub const REASONS_OF_ALL: [&str; 2] = [DEADLINE, PANICKED];

/// One source's part of a scrape.
#[derive(Debug)]
pub struct Report {
    /// Which source.
    pub source: &'static str,
    /// The reasons for which it may fail.
    pub reasons: &'static [&'static str],
    /// How long it took.
    pub took: Duration,
    /// What it gave, or why it did not.
    pub result: Result<Reading, Failure>,
}

impl Report {
    /// Of a source that is still being read when the answer is due.
    #[must_use]
    pub fn late(source: &'static str, took: Duration) -> Self {
        let failure = Failure::new(DEADLINE, "not done when the answer was due");
        Self { source, reasons: &[], took, result: Err(failure) }
    }

    /// Lines of the kernel's that were left out, by a source that reads such.
    #[must_use]
    pub const fn unparsed_lines(&self) -> Option<u64> {
        match &self.result {
            Ok(reading) => reading.unparsed_lines,
            Err(failure) => failure.unparsed_lines,
        }
    }

    /// Why there is nothing, if there is nothing.
    #[must_use]
    pub fn failure(&self) -> Option<&'static str> {
        self.result.as_ref().err().map(|failure| failure.reason)
    }
}

/// Reads a source: how long it takes is taken, and a panic in it is only its own.
pub async fn report(source: Arc<dyn Source>) -> Report {
    let (name, reasons, began) = (source.name(), source.reasons(), Instant::now());
    let mut read = pin!(async move { source.read().await });
    let result = poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| read.as_mut().poll(context)));
        poll.unwrap_or_else(|_| Poll::Ready(Err(Failure::panicked())))
    });
    let result = result.await;
    Report { source: name, reasons, took: began.elapsed(), result }
}

/// Reads files of the kernel's: on the one thread there is for that, one source after the other, in
/// the order in which they are asked.
///
/// Such a read may block for as long as the kernel is busy freeing memory, and a container at its
/// memory limit is when the sidecar must neither fall silent nor outstay its pod.
fn on_the_file_thread(read: impl FnOnce() -> Result<Reading, Failure> + Send + 'static) -> Read {
    let read = tokio::task::spawn_blocking(read);
    Box::pin(async { read.await.unwrap_or_else(|_| Err(Failure::panicked())) })
}

/// What a source of kernel files gave, or why it did not, with the lines that it left out.
fn with_unparsed_lines(result: Result<Reading, Failure>, lines: u64) -> Result<Reading, Failure> {
    let unparsed_lines = Some(lines);
    result
        .map(|reading| Reading { unparsed_lines, ..reading })
        .map_err(|failure| Failure { unparsed_lines, ..failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Panics;

    impl Source for Panics {
        fn name(&self) -> &'static str {
            "panics"
        }

        fn reasons(&self) -> &'static [&'static str] {
            &["unlucky"]
        }

        fn read(self: Arc<Self>) -> Read {
            Box::pin(async { panic!("on purpose") })
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_of_its_source() {
        let report = report(Arc::new(Panics)).await;
        assert_eq!((report.source, report.failure()), ("panics", Some("panicked")));
        assert_eq!(report.reasons, ["unlucky"]);
    }

    #[test]
    fn what_a_page_has_refused_and_mended_is_counted_whatever_its_source() {
        let mut page = Page::new();
        page.counter("a_total", "A.", &[], -1.0);
        page.counter("a_total", "A.", &[("x", &"y".repeat(8192))], 1.0);
        let repairs = Reading::new(page, Repairs::default()).repairs;
        let there: Vec<_> = repairs.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(there, [(Reason::LongLabel, 1), (Reason::ImpossibleValue, 1)]);
    }

    #[test]
    fn a_page_without_a_sample_says_what_became_of_its_lines() {
        let mut repairs = Repairs::default();
        repairs.add(Reason::Malformed);
        let failure = Reading::new(Page::new(), repairs.clone()).not_empty().unwrap_err();
        assert_eq!((failure.reason, failure.repairs.as_deref()), ("empty", Some(&repairs)));
    }
}
