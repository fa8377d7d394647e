use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::sources::spark::status_api::figures::COMPLETED_TASKS;

fn of_run_time(run_time: u64) -> Figures {
    Figures::of(|figure| (figure.field == "executorRunTime").then_some(run_time))
}

fn seen(stage: u32, run_time: u64, has_ended: bool) -> Seen<'static> {
    let figures = of_run_time(run_time);
    Seen { stage, attempt: 0, has_ended, figures, active_tasks: 1, planned_tasks: 2, name: "a" }
}

/// The numbers of the listed stages, and what the others cost.
fn listed(ledger: &Ledger) -> (Vec<u32>, u64) {
    let view = ledger.view();
    let mut ids: Vec<_> = view.listed.iter().map(|stage| stage.id).collect();
    ids.sort_unstable();
    (ids, view.other.get(RUN_TIME))
}

#[test]
fn the_most_costly_are_listed_and_the_rest_is_one_sum() {
    let (mut ledger, now) = (Ledger::new(2), Instant::now());
    for (stage, cost) in [(0, 10), (1, 20), (2, 5), (3, 30), (4, 15)] {
        ledger.see(&seen(stage, cost, true), now);
    }
    assert_eq!(listed(&ledger), (vec![1, 3], 10 + 5 + 15));
}

#[test]
fn one_that_is_at_work_for_half_a_minute_is_shown_whatever_others_have_cost() {
    let (mut ledger, now) = (Ledger::new(2), Instant::now());
    ledger.see(&seen(0, 1000, true), now);
    ledger.see(&seen(1, 2000, true), now);
    ledger.see(&seen(2, 5, false), now);
    ledger.see(&seen(2, 7, false), now + AT_WORK / 2);
    assert_eq!(listed(&ledger), (vec![0, 1], 0));
    ledger.see(&seen(2, 9, false), now + AT_WORK);
    assert_eq!(listed(&ledger), (vec![1, 2], 1000));
}

#[test]
fn one_that_runs_is_never_taken_its_place() {
    let (mut ledger, now) = (Ledger::new(1), Instant::now());
    ledger.see(&seen(0, 1, false), now);
    ledger.see(&seen(1, 500, false), now + AT_WORK * 2);
    assert_eq!(listed(&ledger), (vec![0], 0));
    ledger.see(&seen(0, 2, true), now);
    assert_eq!(listed(&ledger), (vec![1], 2));
}

#[test]
fn hundreds_that_are_submitted_at_once_take_no_place_before_they_work() {
    let (mut ledger, now) = (Ledger::new(2), Instant::now());
    for stage in 0..300 {
        ledger.see(&seen(stage, 0, false), now);
    }
    assert!(ledger.waiting.len() <= MAX_WAITING);
    ledger.see(&seen(299, 8, true), now);
    ledger.see(&seen(17, 3, false), now);
    assert_eq!(listed(&ledger), (vec![17, 299], 0));
}

#[test]
fn a_further_attempt_counts_to_the_same_stage() {
    let (mut ledger, now) = (Ledger::new(1), Instant::now());
    ledger.see(&seen(0, 10, true), now);
    ledger.see(&Seen { attempt: 1, ..seen(0, 3, false) }, now);
    ledger.see(&seen(0, 99, true), now);
    let stage = &ledger.view().listed[0];
    assert_eq!((stage.figures().get(RUN_TIME), stage.attempts, stage.is_running()), (13, 2, true));
}

#[test]
fn what_had_not_ended_is_not_served_as_its_total() {
    let (mut ledger, now) = (Ledger::new(2), Instant::now());
    ledger.see(&seen(0, 10, true), now);
    ledger.see(&seen(1, 4, false), now);
    let (view, unseen) = ledger.last_view(&of_run_time(25));
    let ids: Vec<_> = view.listed.iter().map(|stage| stage.id).collect();
    assert_eq!((ids, view.other.get(RUN_TIME), unseen.get(RUN_TIME)), (vec![0], 15, 11));
    // What was pushed last may lack what a JVM did that was killed.
    let (view, unseen) = ledger.last_view(&of_run_time(12));
    assert_eq!((view.other.get(RUN_TIME), unseen.get(RUN_TIME)), (4, 0));
}

#[test]
fn one_that_spark_forgot_ends_with_what_was_seen() {
    let (mut ledger, now) = (Ledger::new(1), Instant::now());
    ledger.see(&seen(0, 10, false), now);
    ledger.lose(0, now);
    assert!(ledger.is_settled(0, 0) && ledger.running().next().is_none());
    ledger.see(&seen(0, 50, true), now);
    assert_eq!(ledger.view().listed[0].figures().get(RUN_TIME), 10);
}

/// Attempts as they may be seen: in any order, with figures that go up and down, ended twice.
fn any_seen() -> impl Strategy<Value = Vec<(u32, u32, bool, u64, u64)>> {
    prop::collection::vec((0u32..12, 0u32..3, any::<bool>(), 0u64..100, 0u64..60), 0..80)
}

/// Everything that is served, by stage; `other` has none.
fn series(view: &View) -> BTreeMap<Option<u32>, Figures> {
    let listed = view.listed.iter().map(|stage| (Some(stage.id), stage.figures()));
    listed.chain([(None, view.other)]).collect()
}

proptest! {
    #[test]
    fn sums_are_what_was_seen_and_no_series_goes_back(
        all in any_seen(),
        places in 0usize..5,
        rest in 0u64..500,
    ) {
        let mut ledger = Ledger::new(places);
        let (start, mut passed) = (Instant::now(), 0);
        let mut truth: BTreeMap<(u32, u32), (Figures, bool)> = BTreeMap::new();
        let mut before = series(&ledger.view());
        for (stage, attempt, has_ended, run_time, pause) in all {
            passed += pause;
            let figures = Figures::of(|figure| {
                matches!(figure.field, "executorRunTime" | "numCompleteTasks").then_some(run_time)
            });
            let it = Seen { attempt, figures, ..seen(stage, 0, has_ended) };
            ledger.see(&it, start + Duration::from_secs(passed));
            let (known, is_over) = truth.entry((stage, attempt)).or_default();
            if !*is_over {
                *known = figures.at_least(known);
                *is_over = has_ended;
            }
            let view = ledger.view();
            prop_assert!(view.listed.len() <= places);
            let now = series(&view);
            for (stage, figures) in &now {
                if let Some(before) = before.get(stage) {
                    prop_assert_eq!(&figures.at_least(before), figures, "{:?}", stage);
                }
            }
            before = now;
            let mut sum = Figures::default();
            before.values().chain(ledger.waiting.iter().map(Stage::figures).collect::<Vec<_>>().iter())
                .for_each(|figures| sum += figures);
            let mut expected = Figures::default();
            for (figures, _) in truth.values() {
                expected += figures;
            }
            for place in [RUN_TIME, COMPLETED_TASKS] {
                prop_assert_eq!(sum.get(place), expected.get(place));
            }
        }
        // At the end, whatever is missing to what Spark says is in `other`.
        let mut all = Figures::default();
        for (figures, _) in truth.values() {
            all += figures;
        }
        all += &of_run_time(rest);
        let (view, unseen) = ledger.last_view(&all);
        let mut sum = Figures::default();
        for figures in series(&view).values() {
            sum += figures;
        }
        prop_assert_eq!(sum.get(RUN_TIME), all.get(RUN_TIME));
        prop_assert_eq!(unseen.get(RUN_TIME), rest);
        for (stage, figures) in series(&view) {
            if let Some(before) = before.get(&stage) {
                prop_assert_eq!(figures.at_least(before), figures);
            }
        }
    }
}
