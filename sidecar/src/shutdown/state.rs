//! The whole decision, over values and instants that are handed in.

use std::time::{Duration, Instant};

use super::scrapers::{Asked, Pod, Scrapers, YOUNG};
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
    /// Every scraper has the last values.
    Taken,
    /// Nobody has come for them in time.
    LingerOver,
    /// Nobody scrapes this pod.
    NotScraped,
    /// There is nothing of Spark's to serve, or no port to serve it on.
    NothingToServe,
    /// A second signal, or Ctrl-C.
    Hurried,
}

/// Whom to wait for, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linger {
    /// Nobody is waited for any longer than this.
    pub at_most: Duration,
    /// How many scrapers there are; more of them show by themselves.
    pub scrapers: usize,
}

/// What is known so far.
#[derive(Debug)]
pub struct ShutdownState {
    linger: Linger,
    /// Spark's JVM at the last look that could tell, and when; `Unknown` until it was seen once.
    jvm: (Jvm, Instant),
    told: Option<Instant>,
    hurried: bool,
    ended: Option<Evidence>,
    /// Whether there is something of Spark's to serve at the end.
    keeps: bool,
    /// Since when the page can be had.
    serves: Option<Instant>,
    scrapers: Scrapers,
}

impl ShutdownState {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(linger: Linger, now: Instant) -> Self {
        Self {
            linger,
            jvm: (Jvm::Unknown, now),
            told: None,
            hurried: false,
            ended: None,
            keeps: false,
            serves: None,
            scrapers: Scrapers::default(),
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

    /// Somebody asks for the whole page.
    pub fn asked(&mut self, asked: Asked<'_>, now: Instant) {
        self.scrapers.asked(asked, now);
    }

    /// A whole page that was made after the end has reached who asked on that connection.
    pub fn taken(&mut self, connection: u64) {
        if self.ended.is_some() {
            self.scrapers.has_last_values(connection);
        }
    }

    /// A connection is closed.
    pub fn closed(&mut self, connection: u64) {
        self.scrapers.closed(connection);
    }

    /// The page can be had from now on.
    pub fn serves(&mut self, now: Instant) {
        self.serves.get_or_insert(now);
    }

    /// Whether Spark has ended, and how that is known.
    #[must_use]
    pub fn ended(&self) -> Option<Evidence> {
        self.ended
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
        let Some(serves) = self.serves.filter(|_| self.keeps) else {
            return Step::Leave(Why::NothingToServe);
        };
        let until = self.scrapers.wait(Pod {
            told,
            limit: told + self.linger.at_most,
            is_young: told.saturating_duration_since(serves) < YOUNG,
            scrapers: self.linger.scrapers,
        });
        match until {
            Some(until) if now < until => Step::Stay(Some(until)),
            Some(_) => Step::Leave(Why::LingerOver),
            None if self.scrapers.somebody_has_last_values() => Step::Leave(Why::Taken),
            None => Step::Leave(Why::NotScraped),
        }
    }

    /// Weighs the evidence anew: Spark may also come back.
    fn judge(&mut self, now: Instant) {
        self.ended = self.evidence(now);
        if self.ended.is_none() {
            self.scrapers.nobody_has_last_values();
        }
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
