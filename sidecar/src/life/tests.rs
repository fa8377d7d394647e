use proptest::prelude::*;

use super::*;

const LINGER: Duration = Duration::from_secs(20);
const RUNS: Signs = Signs { jvm: Jvm::Runs, answered: true };
const GONE: Signs = Signs { jvm: Jvm::Absent, answered: false };
const BLIND: Signs = Signs { jvm: Jvm::Unknown, answered: false };
const ANSWERS: Signs = Signs { jvm: Jvm::Unknown, answered: true };

/// A life under a clock that the test turns.
struct Trial {
    life: Life,
    now: Instant,
}

impl Trial {
    fn new(kind: args::Life) -> Self {
        let now = Instant::now();
        let mut life = Life::new(kind, LINGER, now);
        life.serves();
        Self { life, now }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn sees(&mut self, signs: Signs) -> &mut Self {
        self.life.observe(signs, self.now);
        self
    }

    fn told(&mut self) -> &mut Self {
        self.life.told(self.now);
        self
    }

    fn beats(&mut self, touched: Option<u64>) -> &mut Self {
        let touched = touched.map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at));
        self.life.beat(touched, self.now);
        self
    }

    fn taken(&mut self) -> &mut Self {
        self.life.taken();
        self
    }

    #[track_caller]
    fn stays(&mut self, ended: Option<Evidence>) -> &mut Self {
        let step = self.life.step(self.now);
        assert!(matches!(step, Step::Stay(_)), "{step:?}");
        assert_eq!(self.life.ended(), ended);
        self
    }

    #[track_caller]
    fn leaves(&mut self, why: Why) {
        assert_eq!(self.life.step(self.now), Step::Leave(why));
    }
}

fn native() -> Trial {
    Trial::new(args::Life::Native)
}

fn classic() -> Trial {
    Trial::new(args::Life::Classic)
}

#[test]
fn native_leaves_when_told_and_the_last_values_are_taken() {
    native()
        .sees(RUNS)
        .after(60)
        .sees(GONE)
        .stays(Some(Evidence::ProcessGone))
        .after(2)
        .told()
        .stays(Some(Evidence::ProcessGone))
        .after(5)
        .taken()
        .leaves(Why::Taken);
}

#[test]
fn native_leaves_at_once_if_they_were_taken_before_it_is_told() {
    native()
        .sees(RUNS)
        .after(60)
        .sees(GONE)
        .taken()
        .after(600)
        .stays(Some(Evidence::ProcessGone))
        .told()
        .leaves(Why::Taken);
}

#[test]
fn native_leaves_when_the_linger_time_is_over() {
    native()
        .sees(ANSWERS)
        .told()
        .after(19)
        .stays(Some(Evidence::Told))
        .after(1)
        .leaves(Why::LingerOver);
}

#[test]
fn a_scrape_while_spark_still_runs_takes_no_last_values() {
    native()
        .sees(RUNS)
        .told()
        .sees(RUNS)
        .taken()
        .after(19)
        .stays(None)
        .after(1)
        .leaves(Why::LingerOver);
}

#[test]
fn with_nothing_to_serve_nobody_is_kept_waiting() {
    native().sees(BLIND).told().leaves(Why::NothingToServe);
    native().sees(GONE).told().leaves(Why::NothingToServe);
    let mut deaf = native();
    deaf.life.serves = false;
    deaf.sees(ANSWERS).told().leaves(Why::NothingToServe);
}

#[test]
fn the_second_signal_and_ctrl_c_are_obeyed_at_once() {
    native().sees(RUNS).told().told().leaves(Why::Hurried);
    let mut trial = classic();
    trial.sees(RUNS).life.hurry();
    trial.leaves(Why::Hurried);
}

#[test]
fn native_never_leaves_untold() {
    native().sees(RUNS).sees(GONE).taken().after(86_400).stays(Some(Evidence::ProcessGone));
    native().after(86_400).stays(None);
}

#[test]
fn classic_leaves_when_the_process_is_gone_and_the_values_are_taken() {
    classic()
        .sees(GONE)
        .stays(None)
        .after(3)
        .sees(RUNS)
        .after(3600)
        .sees(RUNS)
        .stays(None)
        .sees(GONE)
        .after(19)
        .stays(Some(Evidence::ProcessGone))
        .taken()
        .leaves(Why::Taken);
    classic().sees(RUNS).sees(GONE).after(20).leaves(Why::LingerOver);
}

#[test]
fn a_process_table_that_cannot_be_read_once_ends_nothing() {
    let mut trial = classic();
    trial.sees(RUNS).after(5).sees(BLIND).after(100).sees(BLIND).stays(None);
    trial.sees(RUNS).after(119).sees(BLIND).stays(None);
    // But if it stays unreadable, nobody will ever see the end.
    trial.after(1).stays(Some(Evidence::Silence)).after(20).leaves(Why::LingerOver);
}

#[test]
fn spark_may_come_back() {
    classic()
        .sees(RUNS)
        .sees(GONE)
        .taken()
        .sees(RUNS)
        .stays(None)
        .after(3600)
        .sees(RUNS)
        .sees(GONE)
        .stays(Some(Evidence::ProcessGone))
        .after(20)
        .leaves(Why::LingerOver);
}

#[test]
fn a_heartbeat_that_stops_is_the_end() {
    let mut trial = classic();
    for second in 0..30 {
        trial.sees(ANSWERS).beats(Some(second * 2)).after(2).stays(None);
    }
    trial.beats(Some(58)).after(13).stays(None);
    trial.after(1).stays(Some(Evidence::HeartbeatStale)).after(20).leaves(Why::LingerOver);
}

#[test]
fn a_heartbeat_file_that_is_deleted_is_the_end_and_one_that_never_was_is_not() {
    let mut trial = classic();
    trial.sees(ANSWERS).beats(None).after(60).beats(None).stays(None);
    trial.sees(ANSWERS).beats(Some(60)).after(2).beats(None);
    trial.stays(Some(Evidence::HeartbeatDeleted)).taken().leaves(Why::Taken);
}

#[test]
fn a_wall_clock_that_is_set_ends_nothing() {
    let mut trial = classic();
    trial.beats(Some(1_000_000)).after(2).beats(Some(5)).after(2).beats(Some(2_000_000));
    trial.stays(None);
}

#[test]
fn a_process_that_is_seen_outweighs_a_heartbeat_that_stalls() {
    classic().sees(RUNS).beats(Some(1)).after(60).sees(RUNS).stays(None);
}

#[test]
fn classic_that_sees_nothing_leaves_after_two_minutes() {
    classic().sees(BLIND).after(119).stays(None).after(1).leaves(Why::NothingToServe);
    classic()
        .after(100)
        .sees(ANSWERS)
        .after(119)
        .stays(None)
        .after(1)
        .stays(Some(Evidence::Silence))
        .after(20)
        .leaves(Why::LingerOver);
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Sees(Signs),
    Beats(Option<u64>),
    Taken,
    Passes(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let jvm = prop_oneof![Just(Jvm::Runs), Just(Jvm::Absent), Just(Jvm::Unknown)];
    prop_oneof![
        (jvm, any::<bool>()).prop_map(|(jvm, answered)| Event::Sees(Signs { jvm, answered })),
        proptest::option::of(0u64..4).prop_map(Event::Beats),
        Just(Event::Taken),
        (0u64..40).prop_map(Event::Passes),
    ]
}

fn play(trial: &mut Trial, events: &[Event]) {
    for event in events {
        match *event {
            Event::Sees(signs) => trial.sees(signs),
            Event::Beats(touched) => trial.beats(touched),
            Event::Taken => trial.taken(),
            Event::Passes(seconds) => trial.after(seconds),
        };
    }
}

proptest! {
    #[test]
    fn whatever_happened_sigterm_holds_up_the_pod_no_longer_than_the_linger_time(
        before in proptest::collection::vec(event(), 0..20),
        after in proptest::collection::vec(event(), 0..20),
        is_native: bool,
    ) {
        let mut trial = if is_native { native() } else { classic() };
        play(&mut trial, &before);
        trial.told();
        let limit = trial.now + LINGER;
        play(&mut trial, &after);
        trial.now = trial.now.max(limit);
        let step = trial.life.step(trial.now);
        prop_assert!(matches!(step, Step::Leave(_)), "{:?} in {:?}", step, trial.life);
    }

    #[test]
    fn whatever_happened_a_classic_sidecar_does_not_outstay_the_silence(
        before in proptest::collection::vec(event(), 0..20),
        spark_came_back in proptest::collection::vec(event(), 0..20),
    ) {
        let mut trial = classic();
        play(&mut trial, &before);
        let _ = trial.life.step(trial.now);
        play(&mut trial, &spark_came_back);
        // From here on nothing can be seen at all.
        trial.after(SILENCE.as_secs());
        let _ = trial.life.step(trial.now);
        trial.after(LINGER.as_secs());
        let step = trial.life.step(trial.now);
        prop_assert!(matches!(step, Step::Leave(_)), "{:?} in {:?}", step, trial.life);
    }
}
