use proptest::prelude::*;

use super::*;

const AFTER: Duration = Duration::from_secs(20);
const PAUSES: Pauses = Pauses { first: Duration::from_mins(1), longest: Duration::from_mins(5) };
const PULL: SidecarState = SidecarState::Fails(Failure::ErrImagePull);
const CRASH: SidecarState = SidecarState::Fails(Failure::CrashLoopBackOff);
use SidecarState::{NotItsTurn, Runs};

fn key(namespace: &str) -> FuseKey {
    FuseKey { namespace: namespace.into(), image: "i".into(), injected: "1-a".into() }
}

/// One replica, and a clock in seconds.
struct Replica {
    fuses: Fuses,
    start: Instant,
    second: u64,
}

impl Replica {
    fn new() -> Self {
        let mut fuses = Fuses::default();
        fuses.list_begins();
        fuses.list_ends();
        Self { fuses, start: Instant::now(), second: 0 }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.second)
    }

    fn sees(&mut self, pod: &str, state: SidecarState) {
        self.fuses.is_seen(key("a"), (pod, pod), state, AFTER, self.now());
    }

    /// So many seconds later; each second is looked at.
    fn wait(&mut self, seconds: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for _ in 0..seconds {
            self.second += 1;
            changes.extend(self.fuses.at(self.now(), AFTER, PAUSES, |_| true));
        }
        changes
    }

    fn tries(&self) -> Option<Tries> {
        self.fuses.blown().next().map(|fuse| fuse.tries)
    }

    fn take(&mut self) -> bool {
        self.fuses.take_turn(&key("a"), AFTER, self.now())
    }
}

fn whole(changes: &[Change]) -> Option<Closed> {
    changes.iter().find_map(|change| match change {
        Change::Whole { why, .. } => Some(*why),
        Change::Blown { .. } => None,
    })
}

#[test]
fn a_sidecar_that_fails_for_long_enough_blows_the_fuse_and_one_that_recovers_does_not() {
    let mut replica = Replica::new();
    replica.sees("p", PULL);
    assert_eq!(replica.wait(19), []);
    replica.sees("p", SidecarState::Fails(Failure::ImagePullBackOff));
    let [Change::Blown { failure, pod, .. }] = &replica.wait(1)[..] else {
        panic!("it is not blown");
    };
    assert_eq!((*failure, pod.0.as_str()), (Failure::ImagePullBackOff, "p"));

    let mut replica = Replica::new();
    replica.sees("p", PULL);
    replica.wait(10);
    replica.sees("p", Runs);
    assert_eq!(replica.wait(60), []);
    assert!(replica.fuses.is_idle());
}

#[test]
fn what_waiting_does_not_mend_blows_it_at_once() {
    for failure in Failure::ALL {
        let mut replica = Replica::new();
        replica.sees("p", SidecarState::Fails(failure));
        assert_eq!(replica.wait(1).is_empty(), failure.may_pass(), "{failure:?}");
    }
}

/// The kubelet starts it again between its pauses.
#[test]
fn a_sidecar_that_runs_for_moments_between_its_crashes_is_one_that_fails() {
    let mut replica = Replica::new();
    let mut changes = Vec::new();
    for _ in 0..5 {
        replica.sees("p", CRASH);
        changes.extend(replica.wait(4));
        replica.sees("p", Runs);
        changes.extend(replica.wait(1));
    }
    assert!(matches!(changes[..], [Change::Blown { .. }]), "{changes:?}");
    // And holds it while it seems to run.
    replica.sees("p", Runs);
    assert_eq!(replica.wait(18), []);
    assert_eq!(whole(&replica.wait(1)), Some(Closed::Runs));
}

#[test]
fn while_a_pod_waits_nobody_tries_however_long_that_is() {
    let mut replica = Replica::new();
    replica.sees("p", PULL);
    for _ in 0..100 {
        replica.wait(60);
        replica.sees("p", PULL);
        assert_eq!(replica.tries(), Some(Tries::Nobody));
        assert!(!replica.take());
    }
    replica.sees("p", Runs);
    assert_eq!(whole(&replica.wait(20)), Some(Closed::Runs));
    assert!(replica.fuses.is_idle());
}

#[test]
fn once_the_pods_are_gone_one_executor_tries_after_a_pause_that_grows() {
    let mut replica = Replica::new();
    replica.sees("p", PULL);
    replica.wait(21);
    replica.fuses.is_gone("p");
    for pause in [60, 120, 240, 300, 300] {
        replica.wait(pause);
        assert_eq!(replica.tries(), Some(Tries::Nobody), "{pause}");
        replica.wait(2);
        assert_eq!(replica.tries(), Some(Tries::OneExecutor), "{pause}");
        assert!(replica.take());
        assert!(!replica.take(), "two at once");
        replica.sees("try", NotItsTurn);
        replica.wait(3);
        replica.sees("try", PULL);
        replica.wait(25);
        assert_eq!(replica.tries(), Some(Tries::Nobody));
        replica.fuses.is_gone("try");
    }
    replica.wait(302);
    assert!(replica.take());
    replica.sees("try", NotItsTurn);
    replica.wait(3);
    replica.sees("try", Runs);
    assert_eq!(whole(&replica.wait(20)), Some(Closed::Runs));
    assert!(replica.fuses.is_idle());
}

#[test]
fn a_try_that_never_comes_to_anything_gives_the_turn_back() {
    let mut replica = Replica::new();
    replica.sees("p", PULL);
    replica.wait(21);
    replica.fuses.is_gone("p");
    replica.wait(62);
    assert!(replica.take());
    replica.wait(patience(AFTER).as_secs() + 60);
    assert_eq!(replica.tries(), Some(Tries::Nobody), "the pause is twice as long");
    replica.wait(62);
    assert!(replica.take());
}

#[test]
fn a_try_by_another_replica_takes_the_turn_here() {
    let mut replica = Replica::new();
    replica.sees("p", PULL);
    replica.wait(21);
    replica.fuses.is_gone("p");
    replica.wait(62);
    replica.sees("try", NotItsTurn);
    assert!(!replica.take());
    replica.sees("try", Runs);
    assert_eq!(whole(&replica.wait(20)), Some(Closed::Runs));
}

#[test]
fn pods_that_ran_before_prove_nothing() {
    let mut replica = Replica::new();
    replica.sees("p", PULL);
    replica.wait(21);
    replica.fuses.is_gone("p");
    replica.sees("elsewhere", Runs);
    assert_eq!(replica.wait(40), []);
    assert_eq!(replica.fuses.pods(), 0);
}

#[test]
fn another_configuration_is_another_fuse() {
    let mut replica = Replica::new();
    replica.sees("p", PULL);
    replica.wait(21);
    let is_current = |key: &FuseKey| key.injected == "2-b";
    let changes = replica.fuses.at(replica.now(), AFTER, PAUSES, is_current);
    assert_eq!(whole(&changes), Some(Closed::Reconfigured));
    assert_eq!(replica.fuses.at(replica.now(), AFTER, PAUSES, is_current), []);
    // What was wrong with it still is, when it comes back.
    assert!(matches!(replica.wait(1)[..], [Change::Blown { .. }]));
}

#[test]
fn what_fails_in_the_first_list_counts_at_once_and_in_later_ones_like_any_other() {
    let mut fuses = Fuses::default();
    let now = Instant::now();
    fuses.list_begins();
    fuses.is_seen(key("a"), ("p", "p"), PULL, AFTER, now);
    fuses.list_ends();
    assert_eq!(fuses.at(now, AFTER, PAUSES, |_| true).len(), 1);
    fuses.list_begins();
    fuses.is_seen(key("b"), ("q", "q"), PULL, AFTER, now);
    fuses.list_ends();
    assert_eq!(fuses.at(now, AFTER, PAUSES, |_| true), [], "a, which is not in it, stays blown");
    assert_eq!(fuses.pods(), 1);
}

#[test]
fn a_fuse_that_nobody_speaks_of_is_forgotten_and_there_are_only_so_many() {
    let mut replica = Replica::new();
    let now = replica.now();
    for image in 0..MOST + 5 {
        let key = FuseKey { image: image.to_string(), ..key("a") };
        let uid = image.to_string();
        replica.fuses.is_seen(key, (&uid, &uid), PULL, Duration::ZERO, now);
    }
    replica.wait(1);
    assert_eq!(replica.fuses.blown().count(), MOST);
    for image in 0..MOST + 5 {
        replica.fuses.is_gone(&image.to_string());
    }
    replica.second += FORGOTTEN.as_secs() + 1;
    replica.wait(1);
    assert!(replica.fuses.is_idle() && replica.fuses.keys.is_empty());
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Sees(u8, SidecarState),
    Gone(u8),
    Wait(u8),
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    let state = prop_oneof![
        Just(NotItsTurn),
        Just(Runs),
        (0..Failure::ALL.len()).prop_map(|index| SidecarState::Fails(Failure::ALL[index])),
    ];
    prop_oneof![
        4 => (0u8..5, state).prop_map(|(pod, state)| Step::Sees(pod, state)),
        1 => (0u8..5).prop_map(Step::Gone),
        3 => (1u8..100).prop_map(Step::Wait),
        1 => Just(Step::Take),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_pods_that_wait_hold_the_fuse_here_and_in_a_replica_that_is_started(
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let mut replica = Replica::new();
        let mut pods: HashMap<String, SidecarState> = HashMap::new();
        let mut taken = None;
        for step in steps {
            match step {
                Step::Sees(pod, state) => {
                    replica.sees(&pod.to_string(), state);
                    pods.insert(pod.to_string(), state);
                }
                Step::Gone(pod) => {
                    replica.fuses.is_gone(&pod.to_string());
                    pods.remove(&pod.to_string());
                }
                Step::Wait(seconds) => {
                    replica.wait(seconds.into());
                    let failing = pods.values().any(|state| matches!(state, SidecarState::Fails(_)));
                    if failing && u64::from(seconds) > AFTER.as_secs() {
                        prop_assert_eq!(replica.tries(), Some(Tries::Nobody));
                        let mut started = Fuses::default();
                        started.list_begins();
                        for (pod, state) in &pods {
                            started.is_seen(key("a"), (pod, pod), *state, AFTER, replica.now());
                        }
                        started.list_ends();
                        started.at(replica.now(), AFTER, PAUSES, |_| true);
                        prop_assert_eq!(started.blown().next().map(|fuse| fuse.tries), Some(Tries::Nobody));
                    }
                }
                Step::Take => {
                    let blown = replica.fuses.blown().next();
                    let was = blown.as_ref().map(|fuse| fuse.tries);
                    prop_assert_eq!(replica.take(), was == Some(Tries::OneExecutor));
                    if was == Some(Tries::OneExecutor) {
                        if let Some(before) = taken {
                            prop_assert!(replica.second - before >= PAUSES.first.as_secs());
                        }
                        taken = Some(replica.second);
                    }
                }
            }
            if replica.fuses.blown().next().is_none() {
                let kept = replica.fuses.pods.values();
                let healthy = kept.filter(|seen| matches!(seen.state, Progress::Awaited)).count();
                prop_assert_eq!(healthy, 0, "nothing is kept of pods that are well");
                taken = None;
            }
            prop_assert!(replica.fuses.pods() <= pods.len());
        }
    }
}
