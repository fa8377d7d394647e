//! What was read of a container's memory, and what follows when its JVM has ended.

use std::time::{Duration, Instant};

use super::Evidence;
use super::fate::Fate;
use crate::sources::cgroup::{Figures, Memory};

/// A kill that was counted so long before the JVM's end belongs to it, unless it was seen to go on: a
/// large process takes seconds to give its memory back.
const KILL: Duration = Duration::from_secs(10);

/// A JVM that reports once more in order to end, ends so soon after.
const REPORT: Duration = Duration::from_secs(1);

/// A working set of so much of the limit is short of memory.
const SHORT: f64 = 0.95;

/// The readings of one container, from the first to the JVM's end.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The last one before the end: what is read after it has given memory back already.
    memory: Option<Memory>,
    kills: Option<u64>,
    /// The node's count of kills at that reading.
    node_kills: Option<u64>,
    /// When a kill was counted that may be the JVM's.
    killed: Option<Instant>,
    /// Whether one was counted that was another process's.
    others_killed: bool,
    /// Whether SIGKILL was seen on its way to the JVM.
    dies: bool,
    ended: Option<End>,
}

/// What was read when the JVM had ended.
#[derive(Debug)]
pub(super) struct Exit {
    /// The figures of the group; none if it was gone already.
    pub(super) figures: Option<Box<Figures>>,
    /// How the process table has it.
    pub(super) fate: Fate,
    /// The node's count of kills.
    pub(super) node_kills: Option<u64>,
}

#[derive(Debug)]
struct End {
    at: Instant,
    exit: Exit,
    /// Whether the node's count of kills rose in the last second; `None` if that is not known.
    node_killed: Option<bool>,
}

impl Verdict {
    /// A reading while the JVM runs; whether the count of kills has risen.
    pub(super) fn reading(&mut self, memory: Memory, now: Instant) -> bool {
        let risen = self.count(memory.oom_kills, now);
        // Who was killed gives its memory back before it ends: what was in use before that counts,
        // unless nobody ends.
        let was_killed = self.was_killed_before(now);
        match &mut self.memory {
            Some(last) if was_killed && memory.usage_bytes < last.usage_bytes => {
                take_counters(last, &memory);
            }
            last => *last = Some(memory),
        }
        risen
    }

    /// The node's count of kills while the JVM runs.
    pub(super) fn node_kills(&mut self, kills: Option<u64>) {
        self.node_kills = kills.or(self.node_kills);
    }

    /// The JVM has ended.
    pub(super) fn ended(&mut self, exit: Exit, now: Instant) {
        if let Some(figures) = &exit.figures {
            let kills = figures.memory.oom_kills;
            // Killed before the first reading: the group is as old as its container.
            let is_first = self.kills.is_none() && kills > Some(0);
            self.count(kills, now);
            if is_first {
                self.killed = Some(now);
            }
        }
        let node_killed = self.node_kills.zip(exit.node_kills).map(|(before, now)| now > before);
        self.ended = Some(End { at: now, exit, node_killed });
    }

    /// A reading of the count of kills alone, while the JVM runs; whether it has risen.
    pub(super) fn count(&mut self, kills: Option<u64>, now: Instant) -> bool {
        // Before the first reading there may have been another JVM's.
        let risen = kills > self.kills && self.kills.is_some();
        if risen {
            self.killed = Some(now);
        }
        self.kills = kills.or(self.kills);
        risen
    }

    /// What has become of the JVM since a kill was counted.
    pub(super) fn after_kill(&mut self, fate: Fate) {
        match fate {
            Fate::Killed => self.dies = true,
            Fate::GoesOn | Fate::NotKilled => {
                self.killed = None;
                self.others_killed = true;
            }
            Fate::Unknown => {}
        }
    }

    /// What is known of the end, given what the scrapes have seen of it, and when the JVM reported for
    /// the last time, if it did so in order to end.
    #[must_use]
    pub(super) fn evidence(&self, seen: Evidence, last_report: Option<Instant>) -> Evidence {
        let Some(End { at, exit, node_killed }) = &self.ended else {
            return seen;
        };
        let was_killed = self.was_killed_before(*at);
        let otherwise =
            if self.others_killed { Evidence::ProcessOomKill } else { Evidence::NoOomKill };
        let in_order = match exit.fate {
            Fate::Killed => false,
            Fate::NotKilled => true,
            Fate::GoesOn | Fate::Unknown => !self.dies && is_just_before(last_report, *at),
        };
        if in_order {
            return if was_killed { Evidence::ProcessOomKill } else { otherwise };
        }
        if was_killed || self.dies {
            return Evidence::OomKill;
        }
        let count = exit.figures.as_ref().and_then(|figures| figures.memory.oom_kills);
        match (count, node_killed) {
            (Some(_), _) | (None, Some(false)) => otherwise,
            (None, Some(true)) => Evidence::NodeOomKill,
            (None, None) if self.was_short() => Evidence::MemoryAtLimit,
            (None, None) => Evidence::ProcessGone,
        }
    }

    fn was_killed_before(&self, at: Instant) -> bool {
        self.killed.is_some_and(|killed| at.duration_since(killed) < KILL)
    }

    fn was_short(&self) -> bool {
        let Some(Memory { working_set_bytes: Some(used), limit_bytes: Some(limit), .. }) =
            self.memory
        else {
            return false;
        };
        used as f64 >= limit as f64 * SHORT
    }

    /// The last figures of the group: counters as they were at the end, memory in use as it was
    /// before. Nothing while the JVM runs, or if the group was never read.
    #[must_use]
    pub(super) fn last_figures(&self, before: Option<&Figures>) -> Option<Figures> {
        let end = self.ended.as_ref()?;
        let mut figures = match &end.exit.figures {
            Some(figures) => (**figures).clone(),
            None => before?.clone(),
        };
        if let Some(last) = &self.memory {
            let at_exit = std::mem::replace(&mut figures.memory, last.clone());
            take_counters(&mut figures.memory, &at_exit);
        }
        // It may have been read alone, with the group gone right after.
        let kills = &mut figures.memory.oom_kills;
        *kills = self.kills.max(*kills);
        Some(figures)
    }
}

/// Whether it was reported shortly before that moment, or is read after it.
fn is_just_before(report: Option<Instant>, end: Instant) -> bool {
    report.is_some_and(|report| end.saturating_duration_since(report) < REPORT)
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
mod tests {
    use super::*;
    use crate::sources::cgroup::Cpu;

    const LIMIT: u64 = 1_000_000_000;

    fn memory(used: u64, kills: Option<u64>) -> Memory {
        Memory {
            usage_bytes: Some(used),
            working_set_bytes: Some(used),
            peak_bytes: Some(used),
            limit_bytes: Some(LIMIT),
            oom_kills: kills,
            ..Memory::default()
        }
    }

    fn exit(figures: Option<Figures>, fate: Fate) -> Exit {
        Exit { figures: figures.map(Box::new), fate, node_kills: None }
    }

    /// The group was read, and the process was gone.
    fn read(used: u64, kills: Option<u64>) -> Exit {
        let cpu = Cpu { usage_seconds: Some(9.0), ..Cpu::default() };
        let figures = Figures { memory: memory(used, kills), cpu, ..Figures::default() };
        exit(Some(figures), Fate::Unknown)
    }

    /// Everything was gone.
    fn missed() -> Exit {
        exit(None, Fate::Unknown)
    }

    /// Readings at seconds, then the end at a second.
    fn evidence(readings: &[(u64, Memory)], end: u64, exit: Exit) -> Evidence {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut verdict = Verdict::default();
        for (second, memory) in readings {
            verdict.reading(memory.clone(), at(*second));
        }
        verdict.ended(exit, at(end));
        verdict.evidence(Evidence::ProcessGone, None)
    }

    #[test]
    fn a_kill_that_is_counted_at_the_end_or_shortly_before_is_the_reason() {
        let calm = (1, memory(500, Some(0)));
        assert_eq!(evidence(std::slice::from_ref(&calm), 2, read(100, Some(1))), Evidence::OomKill);
        let killed = (2, memory(900, Some(1)));
        assert_eq!(evidence(&[calm.clone(), killed.clone()], 5, missed()), Evidence::OomKill);
        assert_eq!(evidence(&[calm, killed], 5, read(0, Some(1))), Evidence::OomKill);
    }

    #[test]
    fn a_kill_of_long_ago_or_of_another_jvm_is_not() {
        let killed = [(1, memory(500, Some(0))), (2, memory(900, Some(1)))];
        assert_eq!(evidence(&killed, 60, read(100, Some(1))), Evidence::NoOomKill);
        let there_before = [(1, memory(500, Some(3)))];
        assert_eq!(evidence(&there_before, 2, read(100, Some(3))), Evidence::NoOomKill);
    }

    #[test]
    fn where_the_count_was_missed_the_last_figures_speak() {
        let short = [(1, memory(LIMIT / 100 * 96, Some(0)))];
        assert_eq!(evidence(&short, 2, missed()), Evidence::MemoryAtLimit);
        // But not against the count.
        assert_eq!(evidence(&short, 2, read(0, Some(0))), Evidence::NoOomKill);
        let enough = [(1, memory(LIMIT / 100 * 90, Some(0)))];
        assert_eq!(evidence(&enough, 2, missed()), Evidence::ProcessGone);
        let unlimited = Memory { limit_bytes: None, ..memory(LIMIT, None) };
        assert_eq!(evidence(&[(1, unlimited)], 2, missed()), Evidence::ProcessGone);
        assert_eq!(evidence(&[], 2, missed()), Evidence::ProcessGone);
    }

    #[test]
    fn a_count_that_was_read_alone_is_evidence_too() {
        let start = Instant::now();
        let mut verdict = Verdict::default();
        verdict.reading(memory(500, Some(0)), start);
        assert!(!verdict.count(Some(0), start));
        assert!(verdict.count(Some(1), start));
        assert!(!verdict.count(None, start) && !verdict.count(Some(1), start));
        verdict.ended(missed(), start);
        assert_eq!(verdict.evidence(Evidence::ProcessGone, None), Evidence::OomKill);
    }

    #[test]
    fn a_kill_before_the_first_reading_is_the_jvms() {
        assert_eq!(evidence(&[], 1, read(100, Some(1))), Evidence::OomKill);
        assert_eq!(evidence(&[], 1, read(100, Some(0))), Evidence::NoOomKill);
        let exited = Exit { fate: Fate::NotKilled, ..read(100, Some(1)) };
        assert_eq!(evidence(&[], 1, exited), Evidence::ProcessOomKill);
    }

    /// One reading, a kill that is counted at that second, what became of the JVM then, and the end.
    fn after_kill(kill: u64, fate: Fate, end: u64, exit: Exit) -> Evidence {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut verdict = Verdict::default();
        verdict.reading(memory(500, Some(0)), at(0));
        assert!(verdict.reading(memory(500, Some(1)), at(kill)));
        verdict.after_kill(fate);
        verdict.ended(exit, at(end));
        verdict.evidence(Evidence::ProcessGone, None)
    }

    #[test]
    fn a_jvm_that_went_on_after_a_kill_was_not_killed() {
        let process = Evidence::ProcessOomKill;
        assert_eq!(after_kill(1, Fate::GoesOn, 2, read(100, Some(1))), process);
        assert_eq!(after_kill(1, Fate::GoesOn, 3600, read(100, Some(1))), process);
        // Unless there is another kill at its end.
        assert_eq!(after_kill(1, Fate::GoesOn, 2, read(100, Some(2))), Evidence::OomKill);
        let exited = Exit { fate: Fate::NotKilled, ..read(100, Some(1)) };
        assert_eq!(after_kill(1, Fate::Unknown, 2, exited), process);
    }

    #[test]
    fn a_jvm_that_was_seen_to_be_killed_was_however_long_its_end_takes() {
        assert_eq!(after_kill(1, Fate::Killed, 60, missed()), Evidence::OomKill);
        assert_eq!(after_kill(1, Fate::Unknown, 2, missed()), Evidence::OomKill);
        // SIGKILL of the kubelet's, when the grace period is over.
        let killed = Exit { fate: Fate::Killed, ..read(100, Some(0)) };
        assert_eq!(evidence(&[(1, memory(500, Some(0)))], 2, killed), Evidence::NoOomKill);
    }

    #[test]
    fn a_jvm_that_reports_once_more_in_order_to_end_was_not_killed() {
        let start = Instant::now();
        let mut verdict = Verdict::default();
        verdict.reading(memory(500, Some(0)), start);
        let end = start + Duration::from_secs(20);
        verdict.ended(read(100, Some(1)), end);
        let evidence = |report: Option<u64>| {
            let report =
                report.map(|before| end.checked_sub(Duration::from_millis(before)).unwrap());
            verdict.evidence(Evidence::ProcessGone, report)
        };
        assert_eq!(evidence(None), Evidence::OomKill);
        assert_eq!(evidence(Some(1500)), Evidence::OomKill);
        assert_eq!(evidence(Some(300)), Evidence::ProcessOomKill);
        let read_late = Some(end + Duration::from_millis(50));
        assert_eq!(verdict.evidence(Evidence::ProcessGone, read_late), Evidence::ProcessOomKill);
    }

    #[test]
    fn where_the_containers_count_was_missed_the_nodes_speaks() {
        let node = |before, after, fate, used| {
            let start = Instant::now();
            let mut verdict = Verdict::default();
            verdict.node_kills(before);
            verdict.reading(memory(used, Some(0)), start);
            let exit = Exit { node_kills: after, fate, ..missed() };
            verdict.ended(exit, start + Duration::from_secs(1));
            verdict.evidence(Evidence::ProcessGone, None)
        };
        let (enough, short) = (LIMIT / 100 * 45, LIMIT / 100 * 96);
        assert_eq!(node(Some(7), Some(8), Fate::Unknown, enough), Evidence::NodeOomKill);
        assert_eq!(node(Some(7), Some(8), Fate::Killed, enough), Evidence::NodeOomKill);
        // It was another's.
        assert_eq!(node(Some(7), Some(8), Fate::NotKilled, enough), Evidence::NoOomKill);
        // There was none on the whole node, however short memory was.
        assert_eq!(node(Some(7), Some(7), Fate::Unknown, short), Evidence::NoOomKill);
        assert_eq!(node(None, Some(7), Fate::Unknown, short), Evidence::MemoryAtLimit);
        assert_eq!(node(None, None, Fate::Unknown, enough), Evidence::ProcessGone);
    }

    #[test]
    fn while_nothing_was_seen_to_end_it_is_as_the_scrapes_have_it() {
        let told = Verdict::default().evidence(Evidence::Sigterm, None);
        assert_eq!(told, Evidence::Sigterm);
    }

    #[test]
    fn the_last_figures_have_counters_of_the_end_and_memory_of_before() {
        let start = Instant::now();
        let mut verdict = Verdict::default();
        verdict.reading(memory(800, Some(0)), start);
        assert_eq!(verdict.last_figures(None), None);
        verdict.ended(read(3, Some(1)), start);
        let figures = verdict.last_figures(None).unwrap();
        assert_eq!(figures.memory, memory(800, Some(1)));
        assert_eq!(figures.cpu.usage_seconds, Some(9.0));

        let mut without = Verdict::default();
        without.reading(memory(800, Some(0)), start);
        without.ended(missed(), start);
        assert_eq!(without.last_figures(None), None);
        let before = Figures { memory: memory(5, Some(0)), ..Figures::default() };
        assert_eq!(without.last_figures(Some(&before)).unwrap().memory, memory(800, Some(0)));
    }

    #[test]
    fn what_a_killed_process_gives_back_before_it_ends_does_not_hide_what_it_had() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut verdict = Verdict::default();
        verdict.reading(memory(800, Some(0)), at(0));
        verdict.reading(memory(400, Some(1)), at(1));
        verdict.reading(memory(100, Some(1)), at(2));
        verdict.ended(missed(), at(3));
        let before = Figures::default();
        let last =
            |verdict: &Verdict| verdict.last_figures(Some(&before)).unwrap().memory.usage_bytes;
        assert_eq!(last(&verdict), Some(800));
        // If it was another's, and the JVM goes on, the present counts again.
        verdict.reading(memory(100, Some(1)), at(11));
        assert_eq!(last(&verdict), Some(100));
    }

    #[test]
    fn a_kill_that_is_the_evidence_is_on_the_page_though_the_group_is_gone() {
        let start = Instant::now();
        let before = Figures { memory: memory(5, Some(0)), ..Figures::default() };
        let mut killed = Verdict::default();
        killed.reading(memory(800, Some(0)), start);
        killed.reading(Memory { limit_hits: Some(33), ..memory(400, Some(1)) }, start);
        killed.ended(missed(), start);
        assert_eq!(killed.evidence(Evidence::ProcessGone, None), Evidence::OomKill);
        let last = killed.last_figures(Some(&before)).unwrap().memory;
        assert_eq!((last.usage_bytes, last.oom_kills), (Some(800), Some(1)));
        assert_eq!(last.limit_hits, Some(33));

        let mut counted = Verdict::default();
        counted.reading(memory(800, Some(0)), start);
        counted.count(Some(2), start);
        counted.ended(missed(), start);
        let last = counted.last_figures(Some(&before)).unwrap().memory;
        assert_eq!((last.usage_bytes, last.oom_kills), (Some(800), Some(2)));
    }

    #[test]
    fn each_evidence_has_a_word_of_its_own() {
        for one in Evidence::ALL {
            let same = Evidence::ALL.iter().filter(|other| other.as_str() == one.as_str());
            assert_eq!(same.count(), 1, "{}", one.as_str());
        }
    }
}
