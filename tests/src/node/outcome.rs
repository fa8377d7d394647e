//! How a job ended, and when: what is compared.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::sight::{Event, Sight};
use super::submission::Submitter;

/// Whether Emberscope is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Side {
    Without,
    With,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Without => "without",
            Self::With => "with",
        })
    }
}

/// How the driver ended, in Kubernetes' words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The pod's phase.
    pub phase: String,
    /// The exit code of Spark's container, if it has ended.
    #[serde(default)]
    pub exit: Option<i32>,
    /// Why it ended, or what it waits for.
    #[serde(default)]
    pub reason: Option<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.phase)?;
        if let Some(exit) = self.exit {
            write!(f, " {exit}")?;
        }
        self.reason.iter().try_for_each(|reason| write!(f, " {reason}"))
    }
}

/// Durations of one run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// From the driver's creation to its Spark container running.
    pub start: Option<Duration>,
    /// From the driver's creation to its terminal phase.
    pub whole: Option<Duration>,
    /// From the end of the driver's Spark container (whole seconds, by the kubelet) to the terminal phase.
    pub end: Option<Duration>,
}

/// One run, as it was seen.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whether the driver had Emberscope's sidecar.
    pub sidecar: bool,
    /// How the driver ended.
    pub verdict: Verdict,
    /// What the submitter said, and its own exit code.
    pub submitter: Verdict,
    /// `spark-submit`'s own exit code; none if it had to be ended.
    pub submit_exit: Option<i32>,
    /// What happened, in this order, up to the end of the driver's Spark container.
    pub order: Vec<Event>,
    /// How executors ended that were not asked to.
    pub executors: Vec<String>,
    /// How long it took.
    pub times: Times,
    /// What Prometheus has of it that is not so.
    pub untrue: Vec<String>,
}

impl Outcome {
    pub(super) fn new(sight: &Sight, submitter: &Submitter) -> Self {
        Self {
            sidecar: sight.has_sidecar(),
            verdict: sight.verdict(),
            submitter: submitter.verdict(),
            submit_exit: submitter.exit,
            order: sight.order(),
            executors: sight.failed_executors(),
            times: sight.times(),
            untrue: Vec::new(),
        }
    }

    /// In what it differs from the same job without Emberscope; times are not compared.
    #[must_use]
    pub fn differences(&self, without: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, with: String, without: String| {
            if with != without {
                found.push(format!("{what} is {with}, and without Emberscope {without}"));
            }
        };
        compare("the driver", self.verdict.to_string(), without.verdict.to_string());
        compare(
            "what the submitter says",
            self.submitter.to_string(),
            without.submitter.to_string(),
        );
        compare(
            "the submitter's exit code",
            format!("{:?}", self.submit_exit),
            format!("{:?}", without.submit_exit),
        );
        compare("the order of events", format!("{:?}", self.order), format!("{:?}", without.order));
        compare(
            "the executors' end",
            format!("{:?}", self.executors),
            format!("{:?}", without.executors),
        );
        found
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Option<Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64());
        write!(
            f,
            "{}; submitter: {} (exit {:?}); executors {:?}; start {:.1} s, whole {:.1} s, end {:.1} s; {:?}",
            self.verdict,
            self.submitter,
            self.submit_exit,
            self.executors,
            seconds(self.times.start),
            seconds(self.times.whole),
            seconds(self.times.end),
            self.order,
        )
    }
}
