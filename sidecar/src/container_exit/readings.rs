//! What was read of one container's memory, from the first reading to the JVM's end.

use std::time::Instant;

use super::Evidence;
use super::fate::Fate;
use super::kills::Kills;
use super::verdict::{Count, JvmEnd, NodeCount, Observed, Room, verdict};
use crate::sources::cgroup::{Figures, Memory};

/// A working set of so much of the limit leaves no room.
const SHORT: f64 = 0.95;

/// The readings of one container, from the first to the JVM's end.
#[derive(Debug, Default)]
pub(super) struct Readings {
    /// The last one before the end: what is read after it has given memory back already.
    memory: Option<Memory>,
    kills: Kills,
    /// The node's count of kills at that reading.
    node_kills: Option<u64>,
    exit: Option<Exit>,
}

/// What was read when the JVM had ended.
#[derive(Debug)]
pub(super) struct Exit {
    /// The figures of the group; none if it was gone already.
    pub(super) figures: Option<Box<Figures>>,
    pub(super) end: JvmEnd,
    /// The node's count of kills.
    pub(super) node_kills: Option<u64>,
}

impl Readings {
    /// A reading while the JVM runs.
    pub(super) fn reading(&mut self, memory: Memory, now: Instant) {
        self.kills.read(memory.oom_kills, now);
        // Who was killed gives its memory back before it ends: what was in use before that counts,
        // unless nobody ends.
        match &mut self.memory {
            Some(last) if self.kills.may_be_the_jvms() && memory.usage_bytes < last.usage_bytes => {
                take_counters(last, &memory);
            }
            last => *last = Some(memory),
        }
    }

    /// A reading of the count of kills alone, while the JVM runs; whether it has risen.
    pub(super) fn count(&mut self, kills: Option<u64>, now: Instant) -> bool {
        self.kills.read(kills, now)
    }

    /// The node's count of kills while the JVM runs.
    pub(super) fn node_kills(&mut self, kills: Option<u64>) {
        self.node_kills = kills.or(self.node_kills);
    }

    /// The JVM was looked at, while it was in the process table.
    pub(super) fn look(&mut self, fate: Fate, now: Instant) {
        self.kills.look(fate, now);
    }

    /// Whether a look at the JVM may tell whom a kill met.
    pub(super) const fn asks_for_a_look(&self) -> bool {
        self.kills.is_open()
    }

    /// The JVM has ended.
    pub(super) fn ended(&mut self, exit: Exit, now: Instant) {
        if let Some(figures) = &exit.figures {
            self.kills.read(figures.memory.oom_kills, now);
        }
        self.exit = Some(exit);
    }

    /// What is known of the end, given what the scrapes have seen of it.
    #[must_use]
    pub(super) fn evidence(&self, seen: Evidence) -> Evidence {
        self.exit.as_ref().map_or(seen, |exit| verdict(self.observed(exit)))
    }

    fn observed(&self, exit: &Exit) -> Observed {
        let count = exit.figures.as_ref().and_then(|figures| figures.memory.oom_kills);
        let count = match (self.kills.at_the_end(), count) {
            (Some(risen), _) => risen,
            (None, Some(_)) => Count::Stands,
            (None, None) => Count::Missed(self.node_count(exit), self.room()),
        };
        Observed { count, earlier: self.kills.earlier(), end: exit.end }
    }

    fn node_count(&self, exit: &Exit) -> NodeCount {
        match (self.node_kills, exit.node_kills) {
            (Some(before), Some(now)) if now > before => NodeCount::Risen,
            (Some(_), Some(_)) => NodeCount::Stands,
            (None, _) | (_, None) => NodeCount::Unknown,
        }
    }

    fn room(&self) -> Room {
        match self.memory {
            Some(Memory { working_set_bytes: Some(used), limit_bytes: Some(limit), .. })
                if used as f64 >= limit as f64 * SHORT =>
            {
                Room::None
            }
            _ => Room::Some,
        }
    }

    /// The last figures of the group: counters as they were at the end, memory in use as it was
    /// before. Nothing while the JVM runs, or if the group was never read.
    #[must_use]
    pub(super) fn last_figures(&self, before: Option<&Figures>) -> Option<Figures> {
        let exit = self.exit.as_ref()?;
        let mut figures = match &exit.figures {
            Some(figures) => (**figures).clone(),
            None => before?.clone(),
        };
        if let Some(last) = &self.memory {
            let at_exit = std::mem::replace(&mut figures.memory, last.clone());
            take_counters(&mut figures.memory, &at_exit);
        }
        // It may have been read alone, with the group gone right after.
        let kills = &mut figures.memory.oom_kills;
        *kills = self.kills.count().max(*kills);
        Some(figures)
    }
}

/// Takes what only rises from another reading.
fn take_counters(memory: &mut Memory, other: &Memory) {
    memory.peak_bytes = other.peak_bytes.max(memory.peak_bytes);
    memory.limit_hits = other.limit_hits.max(memory.limit_hits);
    memory.oom_kills = other.oom_kills.max(memory.oom_kills);
    memory.page_faults = other.page_faults.max(memory.page_faults);
    memory.major_page_faults = other.major_page_faults.max(memory.major_page_faults);
}

#[cfg(test)]
mod tests;
