use super::*;
use crate::facts::LastState;

fn series(labels: &[(&str, &str)], samples: &[(f64, f64)]) -> Series {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Series { labels: labels.collect(), samples: samples.to_vec() }
}

#[test]
fn what_two_replicas_of_a_prometheus_have_counts_once() {
    let one = |replica: &str, value: f64| {
        let name = "spark_executor_run_time_seconds_total";
        series(
            &[("__name__", name), ("executor_id", "1"), ("prometheus_replica", replica)],
            &[(1.0, value)],
        )
    };
    let found = executors(&[one("a", 10.0), one("b", 12.0)]);
    assert_eq!((found.len(), found[0].run_seconds), (1, Some(12.0)));
    let lost = |replica: &str| {
        series(&[("reason", "evicted"), ("prometheus_replica", replica)], &[(1.0, 2.0)])
    };
    assert_eq!(losses(&[lost("a"), lost("b")]), BTreeMap::from([(LossReason::Evicted, 2.0)]));
}

#[test]
fn a_reason_that_is_not_known_yet_is_unknown() {
    let lost = series(&[("reason", "eaten_by_a_grue")], &[(1.0, 2.0)]);
    assert_eq!(losses(&[lost]), BTreeMap::from([(LossReason::Unknown, 2.0)]));
}

#[test]
fn the_bill_is_made_up_when_the_working_set_is_highest() {
    let pod = ("pod", "p");
    let of = |name: &str, kind: &str, samples: &[(f64, f64)]| {
        series(&[("__name__", name), pod, ("kind", kind)], samples)
    };
    let parts = Parts {
        figures: vec![
            of("spark_container_memory_limit_bytes", "", &[(30.0, 100.0)]),
            series(
                &[("__name__", "spark_container_last_state"), pod, ("evidence", "oom_kill")],
                &[(30.0, 1.0)],
            ),
        ],
        ..Parts::default()
    };
    let mut found = containers(&parts, None, &[]);
    let over_time = [
        of(
            "spark_container_memory_working_set_bytes",
            "",
            &[(0.0, 10.0), (15.0, 95.0), (30.0, 20.0)],
        ),
        of(
            "spark_process_resident_memory_bytes",
            "python_worker",
            &[(0.0, 1.0), (15.0, 60.0), (30.0, 2.0)],
        ),
        of("spark_process_resident_memory_bytes", "python_daemon", &[(15.0, 5.0)]),
        of("spark_process_resident_memory_bytes", "jvm", &[(15.0, 30.0)]),
    ];
    bills(&over_time, &mut found);
    let peak = found[0].at_peak.unwrap();
    assert_eq!(
        (peak.at.0, peak.working_set, peak.python, peak.jvm),
        (15.0, 95.0, Some(65.0), Some(30.0))
    );
    assert_eq!(
        (found[0].limit_bytes, found[0].last_state),
        (Some(100.0), Some(LastState::OomKill))
    );
}

#[test]
fn a_stage_has_its_quantiles_and_its_tasks_by_state() {
    let of = |name: &str, more: (&str, &str), value: f64| {
        series(
            &[("__name__", name), ("stage_id", "7"), ("stage", "count at A.scala:1"), more],
            &[(1.0, value)],
        )
    };
    let found = stages(&[
        of("spark_stage_tasks_total", ("state", "completed"), 9.0),
        of("spark_stage_tasks_total", ("state", "failed"), 1.0),
        of("spark_stage_task_duration_seconds", ("quantile", "0.5"), 2.0),
        of("spark_stage_task_duration_seconds", ("quantile", "1"), 20.0),
        of("spark_stage_of_a_later_release", ("", ""), 1.0),
    ]);
    assert_eq!((found[0].id, found[0].succeeded_tasks, found[0].failed_tasks), (Some(7), 9.0, 1.0));
    assert_eq!(found[0].task_seconds.map(|time| (time.median, time.max)), Some((2.0, 20.0)));
}
