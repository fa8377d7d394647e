//! Lives of containers, in which it is known whom each kill met, seen by a watcher that is late, may not
//! see everything, and must not tell what is not true.

use proptest::prelude::*;

use super::*;

/// The life of one container; times are in milliseconds.
#[derive(Debug, Clone)]
struct Life {
    /// When workers were killed.
    workers: Vec<u64>,
    end: End,
    /// When others of the node were killed.
    neighbours: Vec<u64>,
}

/// How the JVM's life ended.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The kernel counted its kill, sent SIGKILL so much later, and it took so long to die.
    Killed { counted: u64, signal: u64, dies: u64 },
    /// It began to leave, and took so long.
    Leaves { at: u64, takes: u64 },
    /// The kubelet's SIGKILL.
    Forced { at: u64, dies: u64 },
}

/// What the watcher can see.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // Each is seen or not, whatever the others are.
struct Sight {
    /// Exit codes in the process table.
    may_trace: bool,
    /// How the JVM ended, by one of the two ways.
    end: bool,
    /// The group, at the end.
    group: bool,
    node: bool,
    /// The time between its looks, of which each tenth reads the memory: as long as on a busy machine.
    delays: Vec<u64>,
}

impl Life {
    /// Until when the JVM is in the process table.
    fn length(&self) -> u64 {
        match self.end {
            End::Killed { counted, signal, dies } => counted + signal + dies,
            End::Leaves { at, takes } => at + takes,
            End::Forced { at, dies } => at + dies,
        }
    }

    fn was_killed(&self) -> bool {
        matches!(self.end, End::Killed { .. })
    }

    fn count(&self, at: u64) -> u64 {
        let jvm = matches!(self.end, End::Killed { counted, .. } if counted <= at);
        self.workers.iter().filter(|kill| **kill <= at).count() as u64 + u64::from(jvm)
    }

    fn node_count(&self, at: u64) -> u64 {
        self.count(at) + self.neighbours.iter().filter(|kill| **kill <= at).count() as u64
    }

    fn fate(&self, at: u64, may_trace: bool) -> Fate {
        let (ends, as_told) = match self.end {
            End::Killed { counted, signal, .. } => (counted + signal, Fate::Killed),
            End::Leaves { at, .. } => (at, Fate::NotKilled),
            End::Forced { at, .. } => (at, Fate::Killed),
        };
        match at {
            at if at < ends => Fate::GoesOn,
            _ if may_trace => as_told,
            _ => Fate::Unknown,
        }
    }

    /// What the watcher tells of it.
    fn told(&self, sight: &Sight) -> Evidence {
        let start = Instant::now();
        let mut readings = Readings::default();
        let mut now = 0;
        for (look, delay) in sight.delays.iter().cycle().enumerate() {
            now += delay;
            if now >= self.length() {
                break;
            }
            let instant = start + Duration::from_millis(now);
            if look % 10 == 0 {
                readings.node_kills(sight.node.then(|| self.node_count(now)));
                readings.reading(memory(500, Some(self.count(now))), instant);
            }
            if readings.asks_for_a_look() {
                readings.look(self.fate(now, sight.may_trace), instant);
            }
        }
        let end = match self.end {
            _ if !sight.end => JvmEnd::Unknown,
            End::Leaves { .. } => JvmEnd::ByItself,
            End::Killed { .. } | End::Forced { .. } => JvmEnd::ByForce,
        };
        let mut exit = if sight.group { read(0, Some(self.count(now)), end) } else { missed(end) };
        exit.node_kills = sight.node.then(|| self.node_count(now));
        readings.ended(exit, start + Duration::from_millis(now));
        readings.evidence(Evidence::ProcessGone)
    }
}

fn life() -> impl Strategy<Value = Life> {
    let end =
        prop_oneof![
            (0..20_000u64, 0..1500u64, 0..8000u64)
                .prop_map(|(counted, signal, dies)| End::Killed { counted, signal, dies }),
            (0..20_000u64, 0..3000u64).prop_map(|(at, takes)| End::Leaves { at, takes }),
            (0..20_000u64, 0..3000u64).prop_map(|(at, dies)| End::Forced { at, dies }),
        ];
    let times = || proptest::collection::vec(0..20_000u64, 0..3);
    (times(), end, times()).prop_map(|(mut workers, end, neighbours)| {
        // Nobody has the kubelet kill by force within seconds of a kill.
        let before = match end {
            End::Killed { counted, .. } => counted,
            End::Leaves { at, takes } => at + takes,
            End::Forced { at, .. } => at.saturating_sub(6000),
        };
        workers.retain(|kill| *kill < before);
        Life { workers, end, neighbours }
    })
}

fn sight() -> impl Strategy<Value = Sight> {
    let delays = proptest::collection::vec(50..300u64, 1..40);
    (any::<[bool; 4]>(), delays).prop_map(|([may_trace, end, group, node], delays)| Sight {
        may_trace,
        end,
        group,
        node,
        delays,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_told_is_true(life in life(), sight in sight()) {
        let told = life.told(&sight);
        let others = !life.workers.is_empty();
        match told {
            Evidence::OomKill => prop_assert!(life.was_killed()),
            Evidence::ProcessOomKill => prop_assert!(!life.was_killed() && others),
            Evidence::NoOomKill => {
                prop_assert!(!life.was_killed());
                // One that was not read in time may be missing.
                prop_assert!(!others || !sight.group);
            }
            Evidence::UnattributedOomKill => {
                prop_assert!(!sight.end && (life.was_killed() || others));
            }
            Evidence::NodeOomKill => prop_assert!(!sight.group && sight.node),
            Evidence::ProcessGone => {
                // The node's count says nothing if it was not read before.
                let was_read = life.length() > sight.delays.first().copied().unwrap_or(0);
                prop_assert!(!(sight.group || sight.node && was_read));
            }
            Evidence::MemoryAtLimit | Evidence::Sigterm => prop_assert!(false, "{told:?}"),
        }
    }

    #[test]
    fn where_count_and_end_are_seen_all_is_told(life in life(), sight in sight()) {
        let told = life.told(&Sight { end: true, group: true, ..sight });
        let truth = match life.end {
            End::Killed { .. } => Evidence::OomKill,
            _ if life.workers.is_empty() => Evidence::NoOomKill,
            _ => Evidence::ProcessOomKill,
        };
        prop_assert_eq!(told, truth);
    }
}
