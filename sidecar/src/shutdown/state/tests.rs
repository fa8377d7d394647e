use proptest::prelude::*;

use super::*;

const LINGER: Duration = Duration::from_secs(20);
/// The connection that Prometheus keeps.
const PROMETHEUS: u64 = 1;
const RUNS: Signs = Signs { jvm: Jvm::Runs, answered: true };
const GONE: Signs = Signs { jvm: Jvm::Absent, answered: false };
const BLIND: Signs = Signs { jvm: Jvm::Unknown, answered: false };
const ANSWERS: Signs = Signs { jvm: Jvm::Unknown, answered: true };

/// A state under a clock that the test turns.
struct Trial {
    state: ShutdownState,
    now: Instant,
}

impl Trial {
    fn new() -> Self {
        let now = Instant::now();
        let mut state = ShutdownState::new(Linger { at_most: LINGER, scrapers: 1 }, now);
        state.serves(now);
        Self { state, now }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    fn sees(&mut self, signs: Signs) -> &mut Self {
        self.state.observe(signs, self.now);
        self
    }

    fn told(&mut self) -> &mut Self {
        self.state.told(self.now);
        self
    }

    fn asked(&mut self) -> &mut Self {
        let asked = Asked {
            connection: PROMETHEUS,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            agent: "Prometheus/3.5.0",
            names_its_timeout: true,
        };
        self.state.asked(asked, self.now);
        self
    }

    /// Prometheus has scraped whatever there is.
    fn taken(&mut self) -> &mut Self {
        self.asked().state.taken(PROMETHEUS);
        self
    }

    #[track_caller]
    fn stays(&mut self, ended: Option<Evidence>) -> &mut Self {
        let step = self.state.step(self.now);
        assert!(matches!(step, Step::Stay(_)), "{step:?}");
        assert_eq!(self.state.ended(), ended);
        self
    }

    #[track_caller]
    fn leaves(&mut self, why: Why) {
        assert_eq!(self.state.step(self.now), Step::Leave(why));
    }
}

#[test]
fn it_leaves_when_told_and_the_last_values_are_taken() {
    Trial::new()
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
fn it_leaves_at_once_if_they_were_taken_before_it_is_told() {
    Trial::new()
        .sees(RUNS)
        .after(60)
        .sees(GONE)
        .taken()
        .after(2)
        .stays(Some(Evidence::ProcessGone))
        .told()
        .leaves(Why::Taken);
}

#[test]
fn it_leaves_when_the_linger_time_is_over() {
    Trial::new()
        .sees(ANSWERS)
        .told()
        .after(19)
        .stays(Some(Evidence::Sigterm))
        .after(1)
        .leaves(Why::LingerOver);
}

#[test]
fn a_scrape_while_spark_still_runs_takes_no_last_values() {
    Trial::new()
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
    Trial::new().sees(BLIND).told().leaves(Why::NothingToServe);
    Trial::new().sees(GONE).told().leaves(Why::NothingToServe);
    let mut deaf = Trial::new();
    deaf.state.serves = None;
    deaf.sees(ANSWERS).told().leaves(Why::NothingToServe);
}

#[test]
fn a_pod_that_nobody_scrapes_is_not_held_up() {
    Trial::new().sees(RUNS).after(300).sees(GONE).told().leaves(Why::NotScraped);
}

#[test]
fn the_second_signal_and_ctrl_c_are_obeyed_at_once() {
    Trial::new().sees(RUNS).told().told().leaves(Why::Hurried);
    let mut trial = Trial::new();
    trial.sees(RUNS).state.hurry();
    trial.leaves(Why::Hurried);
}

#[test]
fn it_never_leaves_untold() {
    Trial::new().sees(RUNS).sees(GONE).taken().after(86_400).stays(Some(Evidence::ProcessGone));
    Trial::new().after(86_400).stays(None);
}

#[test]
fn an_absent_jvm_has_ended_only_if_it_was_there() {
    let mut trial = Trial::new();
    trial.sees(GONE).stays(None).after(3).sees(RUNS).after(3600).sees(RUNS).stays(None);
    trial.sees(GONE).stays(Some(Evidence::ProcessGone));
}

#[test]
fn a_process_table_that_cannot_be_read_once_ends_nothing() {
    let mut trial = Trial::new();
    trial.sees(RUNS).after(5).sees(BLIND).after(100).sees(BLIND).told().stays(None);
    Trial::new().sees(RUNS).after(119).sees(BLIND).told().stays(None);
    // But if it stays unreadable, what ran once outweighs SIGTERM no longer.
    let mut trial = Trial::new();
    trial.sees(RUNS).after(119).asked().sees(BLIND).stays(None).after(1).stays(None);
    trial.told().stays(Some(Evidence::Sigterm)).after(20).leaves(Why::LingerOver);
}

#[test]
fn spark_may_come_back() {
    Trial::new()
        .sees(RUNS)
        .sees(GONE)
        .taken()
        .sees(RUNS)
        .stays(None)
        .after(3600)
        .asked()
        .sees(RUNS)
        .sees(GONE)
        .told()
        .stays(Some(Evidence::ProcessGone))
        .after(20)
        .leaves(Why::LingerOver);
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Sees(Signs),
    Taken,
    Passes(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let jvm = prop_oneof![Just(Jvm::Runs), Just(Jvm::Absent), Just(Jvm::Unknown)];
    prop_oneof![
        (jvm, any::<bool>()).prop_map(|(jvm, answered)| Event::Sees(Signs { jvm, answered })),
        Just(Event::Taken),
        (0u64..40).prop_map(Event::Passes),
    ]
}

fn play(trial: &mut Trial, events: &[Event]) {
    for event in events {
        match *event {
            Event::Sees(signs) => trial.sees(signs),
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
    ) {
        let mut trial = Trial::new();
        play(&mut trial, &before);
        trial.told();
        let limit = trial.now + LINGER;
        play(&mut trial, &after);
        trial.now = trial.now.max(limit);
        let step = trial.state.step(trial.now);
        prop_assert!(matches!(step, Step::Leave(_)), "{:?} in {:?}", step, trial.state);
    }

    #[test]
    fn whatever_happened_it_does_not_leave_untold(
        events in proptest::collection::vec(event(), 0..20),
    ) {
        let mut trial = Trial::new();
        play(&mut trial, &events);
        let step = trial.state.step(trial.now);
        prop_assert!(matches!(step, Step::Stay(None)), "{:?} in {:?}", step, trial.state);
    }
}
