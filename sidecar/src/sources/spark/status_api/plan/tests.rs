use super::*;

/// A plan, and the time of it.
struct Asking {
    plan: Plan,
    now: Instant,
    /// What each question takes.
    takes: fn(Question) -> Duration,
    answers: bool,
}

impl Asking {
    fn new(takes: fn(Question) -> Duration) -> Self {
        let now = Instant::now();
        Self { plan: Plan::new(now), now, takes, answers: true }
    }

    /// Goes on for so long; which questions were asked, and how long their answers took in all.
    fn goes_on(&mut self, time: Duration) -> (Vec<Question>, Duration) {
        let end = self.now + time;
        let (mut asked, mut took) = (Vec::new(), Duration::ZERO);
        while self.now < end {
            match self.plan.next(self.now, 0, []) {
                Next::Wait(until) => {
                    assert!(until > self.now, "it would never end");
                    self.now = until;
                }
                Next::Ask(question) => {
                    let takes = (self.takes)(question);
                    self.now += takes;
                    self.plan.asked(question, takes, self.answers, self.now);
                    if let Question::Stage(stage) = question {
                        self.plan.found(stage, Found::Nothing);
                    }
                    asked.push(question);
                    took += takes;
                }
            }
        }
        (asked, took)
    }
}

fn milliseconds(takes: u64) -> Duration {
    Duration::from_millis(takes)
}

#[test]
fn what_runs_is_asked_every_second_at_first_and_then_every_five() {
    let mut asking = Asking::new(|_| milliseconds(1));
    let running = |asked: &[Question]| asked.iter().filter(|it| **it == Question::Running).count();
    let (asked, _) = asking.goes_on(YOUTH);
    assert_eq!(asked[..3], [Question::Application, Question::Ended, Question::Running]);
    assert!((50..=60).contains(&running(&asked)), "{}", running(&asked));
    let (asked, _) = asking.goes_on(YOUTH);
    assert!((11..=13).contains(&running(&asked)), "{}", running(&asked));
}

#[test]
fn however_long_answers_take_they_are_a_hundredth_of_the_time() {
    for takes in [
        |_: Question| milliseconds(1),
        |_: Question| milliseconds(40),
        |_: Question| milliseconds(4000),
    ] {
        let mut asking = Asking::new(takes);
        asking.goes_on(Duration::from_mins(10));
        let hour = Duration::from_hours(1);
        let (asked, took) = asking.goes_on(hour);
        assert!(took <= hour / 100 + takes(Question::Running), "{took:?}");
        assert!(asked.contains(&Question::Running));
    }
}

#[test]
fn the_first_answers_of_a_kind_do_not_silence_the_source() {
    let mut asking = Asking::new(|_| milliseconds(900));
    let (asked, _) = asking.goes_on(Duration::from_secs(20));
    assert!(asked.len() >= 5, "{asked:?}");
}

#[test]
fn a_spark_that_does_not_answer_is_asked_for_its_application_now_and_then() {
    let mut asking = Asking::new(|_| milliseconds(2));
    asking.answers = false;
    let (asked, _) = asking.goes_on(YOUTH);
    assert!(
        asked.iter().all(|it| *it == Question::Application) && (55..=60).contains(&asked.len())
    );
    let (asked, _) = asking.goes_on(YOUTH);
    assert!(asked.len() <= 5);
    asking.answers = true;
    let (asked, _) = asking.goes_on(FAILING * 2);
    assert!(asked.contains(&Question::Running));
}

#[test]
fn one_that_runs_no_more_is_asked_for_at_once_and_many_are_asked_for_together() {
    let mut asking = Asking::new(|_| milliseconds(1));
    asking.goes_on(YOUTH * 2);
    asking.plan.vanished([7, 8]);
    let (asked, _) = asking.goes_on(milliseconds(500));
    assert!(asked.starts_with(&[Question::Stage(7), Question::Stage(8)]), "{asked:?}");
    (asking.plan.looks_ahead, asking.plan.one_by_one) = (true, 0);
    for stage in 0..ONE_BY_ONE {
        let next = asking.plan.next(asking.plan.free.max(asking.now), 0, []);
        assert_eq!(next, Next::Ask(Question::Stage(stage)));
        asking.plan.asked(Question::Stage(stage), milliseconds(1), true, asking.now);
        asking.plan.found(stage, Found::Accounted);
    }
    let now = asking.plan.free.max(asking.now);
    assert_eq!(asking.plan.next(now, 0, []), Next::Ask(Question::Ended));
    asking.plan.asked(Question::Ended, milliseconds(1), true, now);
    asking.plan.knows_up_to(300);
    assert_eq!(asking.plan.next_stage, 301);
}

#[test]
fn a_stage_whose_tasks_take_long_to_compare_is_compared_rarely_and_not_never() {
    let mut asking = Asking::new(|_| milliseconds(1));
    asking.goes_on(YOUTH * 2);
    let large = Comparable { stage: 5, attempt: 0, runs: true };
    let small = Comparable { stage: 6, attempt: 0, runs: true };
    let (mut of_large, mut of_small, mut took) = (0, 0, Duration::ZERO);
    let end = asking.now + Duration::from_hours(1);
    while asking.now < end {
        match asking.plan.next(asking.now, 0, [large, small]) {
            Next::Wait(until) => asking.now = until,
            Next::Ask(question) => {
                let takes = match question {
                    Question::Summary { stage: 5, .. } => milliseconds(1500),
                    _ => milliseconds(5),
                };
                of_large += u32::from(takes > milliseconds(5));
                of_small += u32::from(matches!(question, Question::Summary { stage: 6, .. }));
                took += takes;
                asking.now += takes;
                asking.plan.asked(question, takes, true, asking.now);
                if let Question::Stage(stage) = question {
                    asking.plan.found(stage, Found::Nothing);
                }
            }
        }
    }
    assert!((4..=7).contains(&of_large) && of_small > 30, "{of_large} {of_small}");
    assert!(took <= Duration::from_secs(36 + 2), "{took:?}");
}
