use serde_json::json;

use super::*;
use crate::finding::Outcome;

#[allow(clippy::unnecessary_wraps)] // It stands where answers do.
fn number_of(value: &str) -> Result<Value, Refusal> {
    Ok(json!({"data": {"result": [{"value": [0, value]}]}}))
}

fn page(highest: f64, sent: f64, failed: f64) -> String {
    let sent = if sent > 0.0 {
        format!(
            "prometheus_remote_storage_queue_highest_sent_timestamp_seconds{{url=\"http://x/y\"}} {sent}\n"
        )
    } else {
        String::new()
    };
    format!(
        "prometheus_remote_storage_highest_timestamp_in_seconds {highest}\n\
         prometheus_remote_storage_samples_retried_total{{url=\"http://x/y\"}} 0\n{sent}\
         prometheus_remote_storage_samples_failed_total{{url=\"http://x/y\"}} {failed}\n"
    )
}

fn target(health: &str) -> Value {
    json!({"health": health, "scrapeUrl": "http://1:9814/metrics", "lastError": "refused",
        "discoveredLabels": {INJECTED: "x", "__meta_kubernetes_pod_container_name": SIDECAR}})
}

fn well() -> Seen {
    let other = json!({"health": "down", "discoveredLabels": {}});
    Seen {
        alive: number_of("1"),
        targets: Ok(json!({"data": {"activeTargets": [target("up"), other]}})),
        arrived: number_of("2"),
        lost: number_of("0"),
        rules: Ok(json!({"data": {"groups": [{"rules": [
            {"name": "A", "query": "spark_info", "health": "ok"},
            {"name": "B", "query": "up", "health": "err"},
        ]}]}})),
        page: Ok(page(1000.0, 995.0, 0.0)),
    }
}

fn outcome(seen: &Seen, code: &str) -> (Outcome, String) {
    let found = seen.judge("http://p", 1).into_iter();
    let mut found =
        found.filter(|one| one.check.code == code).map(|one| (one.outcome, one.sentence));
    found.next_back().unwrap()
}

#[test]
fn all_well_passes_whatever_other_targets_and_rules_do() {
    let findings = well().judge("http://p", 1);
    assert!(findings.iter().all(|one| one.outcome == Outcome::Pass), "{findings:#?}");
}

#[test]
fn targets_that_are_down_or_missing_fail_with_what_prometheus_says() {
    let mut seen = well();
    seen.targets = Ok(json!({"data": {"activeTargets": [target("down")]}}));
    let (outcome_, sentence) = outcome(&seen, "targets");
    assert_eq!(outcome_, Outcome::Fail);
    assert_eq!(sentence, "1 of 1 target down: http://1:9814/metrics: refused");
    seen.targets = Ok(json!({"data": {"activeTargets": [target("down"), target("up")]}}));
    assert_eq!(outcome(&seen, "targets").0, Outcome::Warn);
    seen.targets = Ok(json!({"data": {"activeTargets": []}}));
    assert_eq!(outcome(&seen, "targets").0, Outcome::Fail);
    assert_eq!(seen.judge("http://p", 0)[1].outcome, Outcome::Skip);
}

#[test]
fn other_targets_of_sparks_pods_do_not_count_however_sidecars_are_found() {
    let labelled = |port: &str, labels: Value| json!({"scrapeUrl": format!("http://10.0.0.1:{port}/metrics"), "discoveredLabels": labels});
    let annotated = |port: &str| {
        labelled(
            port,
            json!({
                INJECTED: "x",
                "__meta_kubernetes_pod_container_name": "spark-kubernetes-driver",
                "__meta_kubernetes_pod_annotation_prometheus_io_port": "9814",
            }),
        )
    };
    assert!(is_a_sidecars(&annotated("9814")) && is_a_sidecars(&target("up")));
    // An exporter of the job's own, and a Spark pod without sidecar.
    let bare = labelled("9814", json!({"__meta_kubernetes_pod_label_spark_role": "driver"}));
    assert!(!is_a_sidecars(&annotated("8090")) && !is_a_sidecars(&bare));
}

#[test]
fn an_agent_answers_no_queries_and_is_asked_for_the_rest() {
    let message = "unavailable with Prometheus Agent".to_owned();
    let agent = Seen { alive: Err(Refusal::Answered { code: 422, message }), ..well() };
    let found = agent.judge("http://p", 1);
    let outcomes: Vec<_> = found.iter().map(|one| (one.check.code, one.outcome)).collect();
    assert_eq!(
        outcomes,
        [
            ("prometheus", Outcome::Pass),
            ("targets", Outcome::Pass),
            ("samples", Outcome::Skip),
            ("remote_write", Outcome::Pass),
            ("rules", Outcome::Skip),
        ]
    );
}

#[test]
fn a_prometheus_that_wants_to_know_who_asks_or_is_elsewhere_is_told_apart() {
    let remedy = |refusal| {
        let found = Seen { alive: Err(refusal), ..well() }.judge("http://p", 1).remove(0);
        assert_eq!(found.outcome, Outcome::Fail);
        found.remedy.unwrap()
    };
    let denied = Refusal::Answered { code: 401, message: "HTTP status 401".into() };
    assert!(remedy(denied).contains("--prometheus-token-file"));
    assert!(remedy(Refusal::Missing).contains("/PATH"));
    assert!(remedy(Refusal::Late).contains("port-forward"));
}

#[test]
fn samples_are_missed_only_while_pods_run() {
    let mut seen = well();
    seen.arrived = Ok(json!({"data": {"result": []}}));
    assert_eq!(outcome(&seen, "samples").0, Outcome::Fail);
    assert_eq!(seen.judge("http://p", 0)[2].outcome, Outcome::Skip);
}

#[test]
fn remote_write_that_lags_or_never_sent_fails_and_one_that_lost_samples_warns() {
    let mut seen = well();
    for (figures, outcome_) in [
        (page(1000.0, 800.0, 0.0), Outcome::Fail),
        (page(1000.0, 0.0, 5.0), Outcome::Fail),
        (page(1000.0, 0.0, 0.0), Outcome::Warn),
        ("up 1\n".to_owned(), Outcome::Skip),
    ] {
        seen.page = Ok(figures);
        assert_eq!(outcome(&seen, "remote_write").0, outcome_);
    }
    seen.page = Ok(page(1000.0, 1000.0, 7.0));
    assert_eq!(outcome(&seen, "remote_write").0, Outcome::Pass);
    seen.lost = number_of("3.2");
    assert_eq!(outcome(&seen, "remote_write").0, Outcome::Warn);
    seen.lost = Ok(json!({"data": {"result": []}}));
    assert!(outcome(&seen, "remote_write").1.ends_with("7 samples since it started"));
}

#[test]
fn a_queue_that_is_given_little_is_not_behind() {
    let rare =
        "prometheus_remote_storage_queue_highest_timestamp_seconds{url=\"http://x/y\"} 700\n";
    let mut seen = well();
    seen.page = Ok(page(1000.0, 700.0, 0.0));
    assert_eq!(outcome(&seen, "remote_write").1, "remote write is 300 s behind");
    seen.page = Ok(page(1000.0, 700.0, 0.0) + rare);
    assert_eq!(outcome(&seen, "remote_write").0, Outcome::Pass);
    seen.page = Ok(page(1000.0, 500.0, 0.0) + rare);
    assert_eq!(outcome(&seen, "remote_write").1, "remote write is 200 s behind");
}

#[test]
fn no_rules_are_a_warning_and_a_broken_one_a_failure() {
    let mut seen = well();
    seen.rules = Ok(json!({"data": {"groups": []}}));
    assert_eq!(outcome(&seen, "rules").0, Outcome::Warn);
    seen.rules = Ok(json!({"data": {"groups": [{"rules": [
        {"name": "A", "query": "spark_info", "health": "err", "lastError": "many-to-many"},
    ]}]}}));
    assert_eq!(outcome(&seen, "rules").0, Outcome::Fail);
}

#[test]
fn a_server_that_does_not_answer_is_the_only_finding() {
    let seen = Seen { alive: Err(Refusal::Late), ..well() };
    let found = seen.judge("http://p", 1);
    assert_eq!((found.len(), found[0].outcome), (1, Outcome::Fail));
}
