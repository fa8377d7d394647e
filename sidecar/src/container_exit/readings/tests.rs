use std::time::Duration;

use super::*;
use crate::sources::cgroup::Cpu;

mod sequences;

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

/// The group was read at the end.
fn read(used: u64, kills: Option<u64>, end: JvmEnd) -> Exit {
    let cpu = Cpu { usage_seconds: Some(9.0), ..Cpu::default() };
    let figures = Figures { memory: memory(used, kills), cpu, ..Figures::default() };
    Exit { figures: Some(Box::new(figures)), end, node_kills: None }
}

/// The group was gone.
fn missed(end: JvmEnd) -> Exit {
    Exit { figures: None, end, node_kills: None }
}

/// Readings at seconds, then the end at a second.
fn evidence(readings: &[(u64, Memory)], end: u64, exit: Exit) -> Evidence {
    let start = Instant::now();
    let at = |second| start + Duration::from_secs(second);
    let mut all = Readings::default();
    for (second, memory) in readings {
        all.reading(memory.clone(), at(*second));
    }
    all.ended(exit, at(end));
    all.evidence(Evidence::ProcessGone)
}

#[test]
fn whom_a_kill_met_shows_in_how_the_jvm_ended() {
    let calm = (1, memory(500, Some(0)));
    let killed = (2, memory(900, Some(1)));
    for (end, told) in [
        (JvmEnd::ByForce, Evidence::OomKill),
        (JvmEnd::ByItself, Evidence::ProcessOomKill),
        (JvmEnd::Unknown, Evidence::UnattributedOomKill),
    ] {
        let before = [calm.clone(), killed.clone()];
        assert_eq!(evidence(&before[..1], 2, read(100, Some(1), end)), told, "counted at the end");
        assert_eq!(evidence(&before, 3, missed(end)), told, "counted before, and gone");
        assert_eq!(evidence(&before, 3, read(0, Some(1), end)), told, "counted before");
        assert_eq!(evidence(&[], 1, read(100, Some(1), end)), told, "before the first reading");
    }
}

#[test]
fn without_a_kill_no_end_is_one() {
    for end in [JvmEnd::ByForce, JvmEnd::ByItself, JvmEnd::Unknown] {
        let short = [(1, memory(LIMIT / 100 * 96, Some(0)))];
        assert_eq!(evidence(&short, 2, read(0, Some(0), end)), Evidence::NoOomKill, "{end:?}");
        assert_eq!(evidence(&[], 1, read(100, Some(0), end)), Evidence::NoOomKill, "{end:?}");
    }
}

#[test]
fn where_the_count_was_missed_the_last_figures_speak_unless_the_jvm_left_by_itself() {
    let short = [(1, memory(LIMIT / 100 * 96, Some(0)))];
    let enough = [(1, memory(LIMIT / 100 * 90, Some(0)))];
    let unlimited = [(1, Memory { limit_bytes: None, ..memory(LIMIT, None) })];
    for end in [JvmEnd::ByForce, JvmEnd::Unknown] {
        assert_eq!(evidence(&short, 2, missed(end)), Evidence::MemoryAtLimit);
        assert_eq!(evidence(&enough, 2, missed(end)), Evidence::ProcessGone);
        assert_eq!(evidence(&unlimited, 2, missed(end)), Evidence::ProcessGone);
        assert_eq!(evidence(&[], 2, missed(end)), Evidence::ProcessGone);
    }
    assert_eq!(evidence(&short, 2, missed(JvmEnd::ByItself)), Evidence::NoOomKill);
}

#[test]
fn where_the_containers_count_was_missed_the_nodes_speaks() {
    let node = |before, after, end, used| {
        let start = Instant::now();
        let mut readings = Readings::default();
        readings.node_kills(before);
        readings.reading(memory(used, Some(0)), start);
        let exit = Exit { node_kills: after, ..missed(end) };
        readings.ended(exit, start + Duration::from_secs(1));
        readings.evidence(Evidence::ProcessGone)
    };
    let (enough, short) = (LIMIT / 100 * 45, LIMIT / 100 * 96);
    assert_eq!(node(Some(7), Some(8), JvmEnd::Unknown, enough), Evidence::NodeOomKill);
    assert_eq!(node(Some(7), Some(8), JvmEnd::ByForce, enough), Evidence::NodeOomKill);
    // It was another's.
    assert_eq!(node(Some(7), Some(8), JvmEnd::ByItself, enough), Evidence::NoOomKill);
    // There was none on the whole node, however short memory was.
    assert_eq!(node(Some(7), Some(7), JvmEnd::Unknown, short), Evidence::NoOomKill);
    assert_eq!(node(None, Some(7), JvmEnd::Unknown, short), Evidence::MemoryAtLimit);
    assert_eq!(node(None, None, JvmEnd::ByForce, enough), Evidence::ProcessGone);
}

#[test]
fn a_count_that_was_read_alone_is_evidence_too() {
    let start = Instant::now();
    let mut readings = Readings::default();
    readings.reading(memory(500, Some(0)), start);
    assert!(!readings.count(Some(0), start));
    assert!(readings.count(Some(1), start));
    assert!(!readings.count(None, start) && !readings.count(Some(1), start));
    readings.ended(missed(JvmEnd::ByForce), start);
    assert_eq!(readings.evidence(Evidence::ProcessGone), Evidence::OomKill);
}

#[test]
fn while_nothing_was_seen_to_end_it_is_as_the_scrapes_have_it() {
    assert_eq!(Readings::default().evidence(Evidence::Sigterm), Evidence::Sigterm);
}

#[test]
fn the_last_figures_have_counters_of_the_end_and_memory_of_before() {
    let start = Instant::now();
    let mut readings = Readings::default();
    readings.reading(memory(800, Some(0)), start);
    assert_eq!(readings.last_figures(None), None);
    readings.ended(read(3, Some(1), JvmEnd::ByForce), start);
    let figures = readings.last_figures(None).unwrap();
    assert_eq!(figures.memory, memory(800, Some(1)));
    assert_eq!(figures.cpu.usage_seconds, Some(9.0));

    let mut without = Readings::default();
    without.reading(memory(800, Some(0)), start);
    without.ended(missed(JvmEnd::Unknown), start);
    assert_eq!(without.last_figures(None), None);
    let before = Figures { memory: memory(5, Some(0)), ..Figures::default() };
    assert_eq!(without.last_figures(Some(&before)).unwrap().memory, memory(800, Some(0)));
}

#[test]
fn what_a_killed_process_gives_back_before_it_ends_does_not_hide_what_it_had() {
    let start = Instant::now();
    let at = |second| start + Duration::from_secs(second);
    let mut readings = Readings::default();
    readings.reading(memory(800, Some(0)), at(0));
    readings.reading(memory(400, Some(1)), at(1));
    readings.look(Fate::GoesOn, at(1));
    readings.reading(memory(100, Some(1)), at(2));
    readings.ended(missed(JvmEnd::ByForce), at(3));
    let before = Figures::default();
    let last =
        |readings: &Readings| readings.last_figures(Some(&before)).unwrap().memory.usage_bytes;
    assert_eq!(last(&readings), Some(800));
    // If it was another's, and the JVM goes on, the present counts again.
    readings.look(Fate::GoesOn, at(11));
    readings.reading(memory(100, Some(1)), at(11));
    assert_eq!(last(&readings), Some(100));
}

#[test]
fn a_kill_that_is_the_evidence_is_on_the_page_though_the_group_is_gone() {
    let start = Instant::now();
    let before = Figures { memory: memory(5, Some(0)), ..Figures::default() };
    let mut killed = Readings::default();
    killed.reading(memory(800, Some(0)), start);
    killed.reading(Memory { limit_hits: Some(33), ..memory(400, Some(1)) }, start);
    killed.ended(missed(JvmEnd::ByForce), start);
    assert_eq!(killed.evidence(Evidence::ProcessGone), Evidence::OomKill);
    let last = killed.last_figures(Some(&before)).unwrap().memory;
    assert_eq!((last.usage_bytes, last.oom_kills), (Some(800), Some(1)));
    assert_eq!(last.limit_hits, Some(33));

    let mut counted = Readings::default();
    counted.reading(memory(800, Some(0)), start);
    counted.count(Some(2), start);
    counted.ended(missed(JvmEnd::ByForce), start);
    let last = counted.last_figures(Some(&before)).unwrap().memory;
    assert_eq!((last.usage_bytes, last.oom_kills), (Some(800), Some(2)));
}
