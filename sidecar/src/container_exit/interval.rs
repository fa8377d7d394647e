//! How much is read of a container's memory, and when.
//!
//! A container that has its memory full of page cache is at its limit all the time, as those of
//! Spark's that write shuffle files are, and the kernel then tells of a change of `memory.events` a
//! hundred times a second (`CGROUP_FILE_NOTIFY_MIN_INTV` of `kernel/cgroup/cgroup.c`). Only a kill
//! matters at once, so most of these changes cost one small file.

use std::time::{Duration, Instant};

use super::events::Wake;

/// How often memory is read whole, if nothing happens: the last reading before an end that comes
/// without warning.
const EVERY: Duration = Duration::from_secs(1);

/// The time between two whole readings, however much happens.
const AT_LEAST: Duration = Duration::from_millis(250);

/// What to read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All memory figures.
    Memory,
    /// The count of kills.
    OomKills,
}

/// When memory was last read whole.
#[derive(Debug)]
pub(super) struct ReadInterval {
    whole: Instant,
}

impl ReadInterval {
    /// Memory is read whole now.
    pub(super) const fn new(now: Instant) -> Self {
        Self { whole: now }
    }

    /// What to read after a wait that ended so.
    pub(super) fn extent(&mut self, wake: Wake, now: Instant) -> Extent {
        let between = if wake == Wake::Changed { AT_LEAST } else { EVERY };
        if now.duration_since(self.whole) < between {
            return Extent::OomKills;
        }
        self.whole = now;
        Extent::Memory
    }

    /// How long the next wait may last.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        EVERY.saturating_sub(now.duration_since(self.whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_at_its_limit_is_read_whole_four_times_a_second_and_no_more() {
        let start = Instant::now();
        let mut interval = ReadInterval::new(start);
        let extents: Vec<Extent> = (1..=1000)
            .map(|tenths| {
                interval.extent(Wake::Changed, start + Duration::from_millis(tenths * 10))
            })
            .collect();
        assert_eq!(extents.iter().filter(|extent| **extent == Extent::Memory).count(), 40);
        // A lone change is looked at in full.
        assert_eq!(interval.extent(Wake::Changed, start + Duration::from_secs(20)), Extent::Memory);
    }

    #[test]
    fn memory_is_read_every_second_whatever_happens() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut interval = ReadInterval::new(start);
        assert_eq!(interval.wait(start), EVERY);
        assert_eq!(interval.extent(Wake::Changed, at(200)), Extent::OomKills);
        assert_eq!(interval.wait(at(200)), Duration::from_millis(800));
        // A shorter wait, for another reason.
        assert_eq!(interval.extent(Wake::Nothing, at(300)), Extent::OomKills);
        assert_eq!(interval.extent(Wake::Nothing, at(1000)), Extent::Memory);
        assert_eq!(interval.wait(at(1000)), EVERY);
        assert_eq!(interval.wait(at(9000)), Duration::ZERO);
    }
}
