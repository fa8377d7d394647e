//! The container's count of out-of-memory kills, and whom each rise of it met.
//!
//! The kernel counts first and sends SIGKILL then (`__oom_kill_process` of `mm/oom_kill.c`), and a process
//! of a busy container may be stopped in between; a large one takes seconds to end. So a look at the JVM
//! right after a rise tells something only if it is being killed. That it goes on tells something later.

use std::time::{Duration, Instant};

use super::fate::Fate;
use super::verdict::{Count, Earlier};

/// A JVM that goes on so long after a kill was counted was not the one that it met.
const SURVIVED: Duration = Duration::from_secs(2);

/// What is known of the count so far.
#[derive(Debug)]
pub(super) struct Kills {
    /// As it was read last.
    count: Option<u64>,
    latest: Latest,
    earlier: Earlier,
}

/// The last rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Latest {
    /// There was none, or it met another process.
    Settled,
    /// It was seen at that time, and may have met the JVM.
    Open(Instant),
    /// It met the JVM.
    TheJvm,
}

impl Default for Kills {
    fn default() -> Self {
        Self { count: None, latest: Latest::Settled, earlier: Earlier::Nothing }
    }
}

impl Kills {
    /// The count was read, or could not be; whether it has risen. A control group is as old as its
    /// container: what was counted before the first reading was counted there too.
    pub(super) fn read(&mut self, count: Option<u64>, now: Instant) -> bool {
        let risen = count > self.count && count > Some(0);
        if risen && self.latest != Latest::TheJvm {
            self.latest = Latest::Open(now);
        }
        self.count = self.count.max(count);
        risen
    }

    /// The JVM was looked at, while it was in the process table.
    pub(super) fn look(&mut self, fate: Fate, now: Instant) {
        let Latest::Open(since) = self.latest else {
            return;
        };
        match fate {
            Fate::Killed => self.latest = Latest::TheJvm,
            Fate::GoesOn if now.duration_since(since) < SURVIVED => {}
            Fate::GoesOn | Fate::NotKilled => {
                self.latest = Latest::Settled;
                self.earlier = Earlier::Others;
            }
            Fate::Unknown => {}
        }
    }

    /// Whether a look at the JVM may tell whom the last kill met.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.latest, Latest::Open(_))
    }

    /// Whether the JVM may have been killed.
    pub(super) const fn may_be_the_jvms(&self) -> bool {
        !matches!(self.latest, Latest::Settled)
    }

    /// The highest count that was read.
    pub(super) const fn count(&self) -> Option<u64> {
        self.count
    }

    /// Whether other processes were killed.
    pub(super) const fn earlier(&self) -> Earlier {
        self.earlier
    }

    /// How the count stands; `None` if there is no rise to tell of.
    pub(super) const fn at_the_end(&self) -> Option<Count> {
        match self.latest {
            Latest::Settled => None,
            Latest::Open(_) => Some(Count::Risen),
            Latest::TheJvm => Some(Count::RisenForTheJvm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        use std::sync::LazyLock;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        *START + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_count_rises_once_for_each_kill_and_never_falls() {
        let mut kills = Kills::default();
        let counts = [None, Some(0), Some(1), Some(1), None, Some(1), Some(3)];
        let risen = counts.map(|count| kills.read(count, at(0)));
        assert_eq!(risen, [false, false, true, false, false, false, true]);
        assert_eq!(kills.count(), Some(3));
        assert!(Kills::default().read(Some(2), at(0)), "before the first reading");
    }

    #[test]
    fn a_jvm_that_runs_right_after_a_kill_may_still_be_the_one() {
        let mut kills = Kills::default();
        kills.read(Some(1), at(0));
        for milliseconds in [0, 50, 1900] {
            kills.look(Fate::GoesOn, at(milliseconds));
            assert_eq!(kills.at_the_end(), Some(Count::Risen), "{milliseconds}");
        }
        kills.look(Fate::Killed, at(1950));
        assert_eq!(kills.at_the_end(), Some(Count::RisenForTheJvm));
        // However long its end takes.
        kills.look(Fate::GoesOn, at(60_000));
        kills.read(Some(2), at(60_000));
        assert_eq!(kills.at_the_end(), Some(Count::RisenForTheJvm));
    }

    #[test]
    fn a_jvm_that_goes_on_was_not_the_one_until_the_next_kill() {
        let mut kills = Kills::default();
        kills.read(Some(1), at(0));
        kills.look(Fate::Unknown, at(5000));
        assert!(kills.is_open() && kills.may_be_the_jvms());
        kills.look(Fate::GoesOn, at(5000));
        assert!(!kills.is_open() && !kills.may_be_the_jvms());
        assert_eq!((kills.at_the_end(), kills.earlier()), (None, Earlier::Others));
        kills.read(Some(2), at(6000));
        kills.look(Fate::GoesOn, at(7000));
        assert_eq!((kills.at_the_end(), kills.earlier()), (Some(Count::Risen), Earlier::Others));
        kills.look(Fate::NotKilled, at(7000));
        assert_eq!(kills.at_the_end(), None);
    }
}
