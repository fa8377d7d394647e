//! When the sidecar ends: after Spark did, once the last values were taken, and never much later.
//!
//! [`Life`] is the whole decision, over values and instants that are handed in; [`Ending`] shares
//! it between the scrapes, which see Spark, and [`watch`](mod@watch), which hears signals and looks at clocks.
//!
//! How the end of Spark is known, the strongest evidence first:
//!
//! | evidence | needs | says ended |
//! |---|---|---|
//! | Spark's JVM | a shared PID namespace | seen before, and now gone |
//! | SIGTERM | native: the kubelet sends it after the Spark container ended | at once |
//! | heartbeat file | EMR on EKS, classic only | not touched for 15 s, or deleted |
//! | silence | nothing, classic only | nothing of the above and no answer from Spark for 120 s |
//!
//! A classic sidecar that sees nothing of Spark for 120 s after its last sign does not wait on: it
//! cannot tell an ended Spark from one that it cannot see, and the pod would never end. So a Spark
//! that is silent for as long before its first sign (a slow image, a long start) is given up too.

mod ending;
mod heartbeat;
mod watch;

use std::time::{Duration, Instant, SystemTime};

pub use ending::Ending;
pub use heartbeat::Heartbeat;
pub use watch::{Signals, watch};

use crate::args;

/// How long a classic sidecar waits for a sign of life when neither process nor heartbeat tell.
pub const SILENCE: Duration = Duration::from_mins(2);

/// What one round of the sources saw of Spark.
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

/// How the end of Spark became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Its JVM was there and is gone.
    ProcessGone,
    /// The kubelet asked the sidecar to end.
    Told,
    /// The heartbeat file is not touched any more.
    HeartbeatStale,
    /// The heartbeat file was there and is gone.
    HeartbeatDeleted,
    /// No sign of life for [`SILENCE`].
    Silence,
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

/// The sidecar's life so far.
#[derive(Debug)]
pub struct Life {
    kind: args::Life,
    linger: Duration,
    /// Spark's JVM at the last look that could tell, and when; `Unknown` until it was seen once.
    jvm: (Jvm, Instant),
    heartbeat: Heartbeat,
    last_sign: Instant,
    told: Option<Instant>,
    hurried: bool,
    ended: Option<End>,
    keeps: bool,
    serves: bool,
}

/// The end of Spark.
#[derive(Debug, Clone, Copy)]
struct End {
    at: Instant,
    evidence: Evidence,
    /// Whether a scrape has had the last values.
    taken: bool,
}

impl Life {
    /// A life that begins now.
    #[must_use]
    pub fn new(kind: args::Life, linger: Duration, now: Instant) -> Self {
        Self {
            kind,
            linger,
            jvm: (Jvm::Unknown, now),
            heartbeat: Heartbeat::Absent,
            last_sign: now,
            told: None,
            hurried: false,
            ended: None,
            keeps: false,
            serves: false,
        }
    }

    /// A round of the sources is over.
    pub fn observe(&mut self, signs: Signs, now: Instant) {
        match (self.jvm.0, signs.jvm) {
            // An absent JVM that has not been seen yet may not have been started.
            (_, Jvm::Unknown) | (Jvm::Unknown, Jvm::Absent) => {}
            (_, seen) => self.jvm = (seen, now),
        }
        if signs.answered || signs.jvm == Jvm::Runs {
            self.last_sign = now;
            self.keeps = true;
        }
        self.judge(now);
    }

    /// The heartbeat file was looked at: when it was last touched, or that it is not there.
    pub fn beat(&mut self, touched: Option<SystemTime>, now: Instant) {
        self.heartbeat.look(touched, now);
        if self.heartbeat.touched_at(now) {
            self.last_sign = now;
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
        let lingers_since = match self.kind {
            args::Life::Native => self.told,
            args::Life::Classic => {
                [self.told, self.ended.map(|end| end.at)].into_iter().flatten().min()
            }
        };
        let Some(since) = lingers_since else {
            return Step::Stay(None);
        };
        if !self.keeps || !self.serves {
            return Step::Leave(Why::NothingToServe);
        }
        if self.ended.is_some_and(|end| end.taken) {
            return Step::Leave(Why::Taken);
        }
        let limit = since + self.linger;
        if now >= limit { Step::Leave(Why::LingerOver) } else { Step::Stay(Some(limit)) }
    }

    /// Weighs the evidence anew: Spark may also come back.
    fn judge(&mut self, now: Instant) {
        self.ended = self.evidence(now).map(|evidence| match self.ended {
            Some(end) => End { evidence, ..end },
            None => End { at: now, evidence, taken: false },
        });
    }

    fn evidence(&self, now: Instant) -> Option<Evidence> {
        let jvm = match self.jvm {
            // Nothing can be read any more: what ran then says nothing of now.
            (Jvm::Runs, at) if now.duration_since(at) >= SILENCE => Jvm::Unknown,
            (jvm, _) => jvm,
        };
        match jvm {
            Jvm::Runs => None,
            Jvm::Absent => Some(Evidence::ProcessGone),
            Jvm::Unknown if self.told.is_some() => Some(Evidence::Told),
            Jvm::Unknown if self.kind == args::Life::Native => None,
            Jvm::Unknown => match self.heartbeat {
                Heartbeat::Absent => {
                    (now.duration_since(self.last_sign) >= SILENCE).then_some(Evidence::Silence)
                }
                Heartbeat::Deleted => Some(Evidence::HeartbeatDeleted),
                Heartbeat::Beats { .. } => {
                    self.heartbeat.is_stale(now).then_some(Evidence::HeartbeatStale)
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
