//! What was read of a container's memory, and what follows when its JVM has ended.

use std::time::{Duration, Instant};

use super::Evidence;
use crate::sources::cgroup::{Figures, Memory};

/// A kill that was counted so long before the JVM's end belongs to it: a large process takes
/// seconds to give its memory back. One before that was another's, a Python worker's perhaps.
const KILL: Duration = Duration::from_secs(10);

/// A working set of so much of the limit is short of memory.
const SHORT: f64 = 0.95;

/// The readings of one container, from the first to the JVM's end.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The last one before the end: what is read after it has given memory back already.
    memory: Option<Memory>,
    kills: Option<u64>,
    /// When the count of kills was last seen to have risen.
    killed: Option<Instant>,
    ended: Option<End>,
}

/// What was read when the JVM had ended.
#[derive(Debug)]
pub(super) enum Exit {
    /// The group was still there.
    Read(Box<Figures>),
    /// It was gone already.
    Missed,
}

#[derive(Debug)]
struct End {
    at: Instant,
    exit: Exit,
}

impl Verdict {
    /// A reading while the JVM runs.
    pub(super) fn reading(&mut self, memory: Memory, now: Instant) {
        self.count(memory.oom_kills, now);
        // Who was killed gives its memory back before it ends: what was in use before that counts,
        // unless nobody ends.
        let was_killed = self.was_killed_before(now);
        match &mut self.memory {
            Some(last) if was_killed && memory.usage_bytes < last.usage_bytes => {
                take_counters(last, &memory);
            }
            last => *last = Some(memory),
        }
    }

    /// The JVM has ended.
    pub(super) fn ended(&mut self, exit: Exit, now: Instant) {
        if let Exit::Read(figures) = &exit {
            self.count(figures.memory.oom_kills, now);
        }
        self.ended = Some(End { at: now, exit });
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

    /// What is known of the end, given what the scrapes have seen of it.
    #[must_use]
    pub(super) fn evidence(&self, seen: Evidence) -> Evidence {
        let Some(end) = &self.ended else {
            return seen;
        };
        if self.was_killed_before(end.at) {
            return Evidence::OomKill;
        }
        match &end.exit {
            Exit::Read(figures) if figures.memory.oom_kills.is_some() => Evidence::NoOomKill,
            Exit::Read(_) | Exit::Missed if self.was_short() => Evidence::MemoryAtLimit,
            Exit::Read(_) | Exit::Missed => Evidence::ProcessGone,
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
        let mut figures = match &end.exit {
            Exit::Read(figures) => (**figures).clone(),
            Exit::Missed => before?.clone(),
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

    fn read(used: u64, kills: Option<u64>) -> Exit {
        let cpu = Cpu { usage_seconds: Some(9.0), ..Cpu::default() };
        let figures = Figures { memory: memory(used, kills), cpu, ..Figures::default() };
        Exit::Read(Box::new(figures))
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
        verdict.evidence(Evidence::ProcessGone)
    }

    #[test]
    fn a_kill_that_is_counted_at_the_end_or_shortly_before_is_the_reason() {
        let calm = (1, memory(500, Some(0)));
        assert_eq!(evidence(std::slice::from_ref(&calm), 2, read(100, Some(1))), Evidence::OomKill);
        let killed = (2, memory(900, Some(1)));
        assert_eq!(evidence(&[calm.clone(), killed.clone()], 5, Exit::Missed), Evidence::OomKill);
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
        assert_eq!(evidence(&short, 2, Exit::Missed), Evidence::MemoryAtLimit);
        // But not against the count.
        assert_eq!(evidence(&short, 2, read(0, Some(0))), Evidence::NoOomKill);
        let enough = [(1, memory(LIMIT / 100 * 90, Some(0)))];
        assert_eq!(evidence(&enough, 2, Exit::Missed), Evidence::ProcessGone);
        let unlimited = Memory { limit_bytes: None, ..memory(LIMIT, None) };
        assert_eq!(evidence(&[(1, unlimited)], 2, Exit::Missed), Evidence::ProcessGone);
        assert_eq!(evidence(&[], 2, Exit::Missed), Evidence::ProcessGone);
    }

    #[test]
    fn a_count_that_was_read_alone_is_evidence_too() {
        let start = Instant::now();
        let mut verdict = Verdict::default();
        verdict.reading(memory(500, Some(0)), start);
        assert!(!verdict.count(Some(0), start));
        assert!(verdict.count(Some(1), start));
        assert!(!verdict.count(None, start) && !verdict.count(Some(1), start));
        verdict.ended(Exit::Missed, start);
        assert_eq!(verdict.evidence(Evidence::ProcessGone), Evidence::OomKill);
    }

    #[test]
    fn while_nothing_was_seen_to_end_it_is_as_the_scrapes_have_it() {
        let told = Verdict::default().evidence(Evidence::Sigterm);
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

        let mut missed = Verdict::default();
        missed.reading(memory(800, Some(0)), start);
        missed.ended(Exit::Missed, start);
        assert_eq!(missed.last_figures(None), None);
        let before = Figures { memory: memory(5, Some(0)), ..Figures::default() };
        assert_eq!(missed.last_figures(Some(&before)).unwrap().memory, memory(800, Some(0)));
    }

    #[test]
    fn what_a_killed_process_gives_back_before_it_ends_does_not_hide_what_it_had() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut verdict = Verdict::default();
        verdict.reading(memory(800, Some(0)), at(0));
        verdict.reading(memory(400, Some(1)), at(1));
        verdict.reading(memory(100, Some(1)), at(2));
        verdict.ended(Exit::Missed, at(3));
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
        killed.ended(Exit::Missed, start);
        assert_eq!(killed.evidence(Evidence::ProcessGone), Evidence::OomKill);
        let last = killed.last_figures(Some(&before)).unwrap().memory;
        assert_eq!((last.usage_bytes, last.oom_kills), (Some(800), Some(1)));
        assert_eq!(last.limit_hits, Some(33));

        let mut counted = Verdict::default();
        counted.reading(memory(800, Some(0)), start);
        counted.count(Some(2), start);
        counted.ended(Exit::Missed, start);
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
