//! The whole decision, over values and instants that are handed in.

use std::time::{Duration, Instant};

use crate::container_exit::Evidence;

/// A process table that could not be read for so long says nothing of Spark's JVM any more.
const FORGOTTEN: Duration = Duration::from_mins(2);

/// What a scrape saw of Spark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// Spark's JVM in the process table.
    pub jvm: Jvm,
    /// Whether Spark answered or pushed.
    pub answered: bool,
}

/// Spark's JVM in the process table of the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jvm {
    /// It runs.
    Runs,
    /// The table was read, and it is not there.
    Absent,
    /// The table could not be read.
    Unknown,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Go on; look again at that time at the latest.
    Stay(Option<Instant>),
    /// End, with exit code 0.
    Leave(Why),
}

/// Why the sidecar ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A scrape took the last values.
    Taken,
    /// The linger time is over.
    LingerOver,
    /// There is nothing of Spark's to serve, or no port to serve it on.
    NothingToServe,
    /// A second signal, or Ctrl-C.
    Hurried,
}

/// What is known so far.
#[derive(Debug)]
pub struct ShutdownState {
    linger: Duration,
    /// Spark's JVM at the last look that could tell, and when; `Unknown` until it was seen once.
    jvm: (Jvm, Instant),
    told: Option<Instant>,
    hurried: bool,
    ended: Option<End>,
    /// Whether there is something of Spark's to serve at the end.
    keeps: bool,
    serves: bool,
}

/// The end of Spark.
#[derive(Debug, Clone, Copy)]
struct End {
    evidence: Evidence,
    /// Whether a scrape has had the last values.
    taken: bool,
}

impl ShutdownState {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(linger: Duration, now: Instant) -> Self {
        Self {
            linger,
            jvm: (Jvm::Unknown, now),
            told: None,
            hurried: false,
            ended: None,
            keeps: false,
            serves: false,
        }
    }

    /// A scrape has seen this.
    pub fn observe(&mut self, signs: Signs, now: Instant) {
        match (self.jvm.0, signs.jvm) {
            // An absent JVM that has not been seen yet may not have been started.
            (_, Jvm::Unknown) | (Jvm::Unknown, Jvm::Absent) => {}
            (_, seen) => self.jvm = (seen, now),
        }
        if signs.answered || signs.jvm == Jvm::Runs {
            self.keeps = true;
        }
        self.judge(now);
    }

    /// SIGTERM; the second one is taken for impatience.
    pub fn told(&mut self, now: Instant) {
        if self.told.is_some() {
            self.hurried = true;
        }
        self.told.get_or_insert(now);
        self.judge(now);
    }

    /// SIGINT: somebody sits at the terminal.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// A whole page that was made after the end has been sent.
    pub fn taken(&mut self) {
        if let Some(end) = &mut self.ended {
            end.taken = true;
        }
    }

    /// Somebody can reach the page from now on.
    pub fn serves(&mut self) {
        self.serves = true;
    }

    /// Whether Spark has ended, and how that is known.
    #[must_use]
    pub fn ended(&self) -> Option<Evidence> {
        self.ended.map(|end| end.evidence)
    }

    /// Whether Spark has been seen at all.
    #[must_use]
    pub fn has_seen_spark(&self) -> bool {
        self.keeps
    }

    /// What to do at this time.
    #[must_use]
    pub fn step(&mut self, now: Instant) -> Step {
        self.judge(now);
        if self.hurried {
            return Step::Leave(Why::Hurried);
        }
        // The kubelet restarts a native sidecar that leaves untold.
        let Some(told) = self.told else {
            return Step::Stay(None);
        };
        if !self.keeps || !self.serves {
            return Step::Leave(Why::NothingToServe);
        }
        if self.ended.is_some_and(|end| end.taken) {
            return Step::Leave(Why::Taken);
        }
        let limit = told + self.linger;
        if now >= limit { Step::Leave(Why::LingerOver) } else { Step::Stay(Some(limit)) }
    }

    /// Weighs the evidence anew: Spark may also come back.
    fn judge(&mut self, now: Instant) {
        self.ended = self.evidence(now).map(|evidence| match self.ended {
            Some(end) => End { evidence, ..end },
            None => End { evidence, taken: false },
        });
    }

    fn evidence(&self, now: Instant) -> Option<Evidence> {
        let jvm = match self.jvm {
            // Nothing can be read any more: what ran then says nothing of now.
            (Jvm::Runs, at) if now.duration_since(at) >= FORGOTTEN => Jvm::Unknown,
            (jvm, _) => jvm,
        };
        match jvm {
            Jvm::Runs => None,
            Jvm::Absent => Some(Evidence::ProcessGone),
            Jvm::Unknown => self.told.map(|_| Evidence::Sigterm),
        }
    }
}

#[cfg(test)]
mod tests;
