//! The sources of a scrape, and what one of them gave.

use std::time::Duration;

use crate::exposition::Page;
use crate::sources::spark::Repairs;

/// Where figures come from; the `source` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Spark's page of the driver's own metrics.
    DriverPage,
    /// Spark's page of all executors, served by the driver.
    ExecutorsPage,
    /// What the `GraphiteSink` of the executor, or of the driver, pushes.
    Push,
    /// The control group of the Spark container.
    Cgroup,
    /// The processes of the pod.
    Processes,
}

impl Source {
    /// How many sources there are.
    pub const COUNT: usize = 5;

    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DriverPage => "driver_page",
            Self::ExecutorsPage => "executors_page",
            Self::Push => "push",
            Self::Cgroup => "cgroup",
            Self::Processes => "processes",
        }
    }

    /// Its place in arrays over all sources.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
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
}

impl Failure {
    /// A failure with its reason and an error that explains it.
    pub fn new(reason: &'static str, sentence: impl std::fmt::Display) -> Self {
        Self { reason, sentence: sentence.to_string(), repairs: None }
    }

    /// The same failure, with what was wrong with the lines that there were.
    #[must_use]
    pub fn with(self, repairs: Repairs) -> Self {
        Self { repairs: Some(Box::new(repairs)), ..self }
    }

    /// The source took longer than the scrape may.
    #[must_use]
    pub fn deadline() -> Self {
        Self::new("deadline", "not done when the answer was due")
    }

    /// The source's code panicked.
    #[must_use]
    pub fn panicked() -> Self {
        Self::new("panicked", "a defect in the sidecar; its message is above")
    }
}

/// What a source gave.
#[derive(Debug, Default)]
pub struct Figures {
    /// Its families.
    pub page: Page,
    /// The same families under Spark's own names, where they are wanted.
    pub servlet: Option<Page>,
    /// What had to be repaired or dropped to get them.
    pub repairs: Repairs,
    /// Samples that were left out because a later one is of the same series.
    pub duplicates: u64,
    /// Whether the figures show Spark at work; only then are they worth keeping for the end.
    pub show_spark: bool,
    /// The source whose figures, where any are kept, are older than these and say the same.
    pub supersedes: Option<Source>,
}

/// One source's part of a scrape.
#[derive(Debug)]
pub struct Report {
    /// Which source.
    pub source: Source,
    /// How long it took.
    pub took: Duration,
    /// What it gave, or why it did not.
    pub result: Result<Figures, Failure>,
}
