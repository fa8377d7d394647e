use emberscope_core::Config;
use emberscope_core::contract::SIDECAR;
use serde_json::json;

use super::*;
use crate::finding::Outcome;

const NOON: &str = "2026-03-01T12:00:00Z";

fn pod(name: &str, created: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "a", "creationTimestamp": created,
            "labels": {"spark-role": "driver"}, "annotations": {},
        },
        "spec": {"containers": [{"name": "spark-kubernetes-driver"}]},
        "status": {"phase": "Running"},
    })
}

fn judged(pods: Vec<Value>) -> Vec<(Outcome, String)> {
    judged_under(pods, &Namespaces::default())
}

fn judged_under(pods: Vec<Value>, limits: &Namespaces) -> Vec<(Outcome, String)> {
    let settings = AllSettings::offline(Config::default());
    let namespace = Namespace::of(&json!({"metadata": {"name": "a", "managedFields": [{
        "time": "2026-03-01T10:00:00Z",
        "fieldsV1": {"f:metadata": {"f:labels": {"f:emberscope.dev/inject": {}}}},
    }]}}));
    let known = Known {
        settings: &settings,
        limits,
        comparable: true,
        by: By::Webhook,
        installed: Some("2026-03-01T09:00:00Z".parse().unwrap()),
        server: "emberscope",
        now: NOON.parse().unwrap(),
    };
    let mut all = Pods::default();
    for pod in pods {
        all.take(&pod, &namespace, &known);
    }
    let findings = judge(&Ok(all), &known);
    findings.into_iter().map(|one| (one.outcome, one.sentence)).collect()
}

fn injected(mut pod: Value, by: &str) -> Value {
    pod["metadata"]["annotations"][contract::INJECTED] = json!(by);
    pod["spec"]["initContainers"] = json!([{"name": SIDECAR, "restartPolicy": "Always"}]);
    pod
}

#[test]
fn no_pods_are_nothing_to_judge() {
    let mut old = pod("old", "2026-02-27T11:00:00Z");
    old["status"]["phase"] = json!("Succeeded");
    for pods in [vec![], vec![old]] {
        assert_eq!(judged(pods)[0].0, Outcome::Skip);
    }
}

#[test]
fn pods_that_are_injected_by_what_is_installed_pass() {
    let now = AllSettings::offline(Config::default()).default().injected.clone();
    let found = judged(vec![injected(pod("d", NOON), &now)]);
    assert!(found.iter().all(|one| one.0 == Outcome::Pass), "{found:?}");
    assert!(found[0].1.starts_with("1 of 1 Spark pod"), "{}", found[0].1);
}

#[test]
fn pods_by_another_configuration_are_a_warning_that_names_both() {
    let found = judged(vec![injected(pod("d", NOON), "0.0.1-00000000")]);
    assert_eq!(found[1].0, Outcome::Warn);
    assert!(found[1].1.contains("0.0.1-00000000"), "{}", found[1].1);
    assert!(found[1].1.ends_with("a/d"), "{}", found[1].1);
}

#[test]
fn a_pod_without_sidecar_is_explained_by_its_age_its_wish_a_rule_or_else_fails() {
    let mut opted_out = pod("opted-out", NOON);
    opted_out["metadata"]["annotations"]["emberscope.dev/inject"] = json!("false");
    let mut host = pod("host", NOON);
    host["spec"]["hostNetwork"] = json!(true);
    for (pod, outcome, words) in [
        (opted_out, Outcome::Pass, "opted out by annotation: a/opted-out"),
        (pod("older", "2026-03-01T09:30:00Z"), Outcome::Warn, "older than the label"),
        (host, Outcome::Warn, "host_network: the pod uses the host's network"),
        (pod("missed", "2026-03-01T11:00:00Z"), Outcome::Fail, "had no answer from it: a/missed"),
    ] {
        let found = judged(vec![pod]);
        assert_eq!((found.len(), found[0].0), (1, outcome), "{found:?}");
        assert!(found[0].1.contains(words), "{}", found[0].1);
    }
}

#[test]
fn what_counts_is_the_sidecar_not_the_annotation() {
    let mut copied = pod("copied", NOON);
    copied["metadata"]["annotations"][contract::INJECTED] = json!("0.1.0-00000000");
    let found = judged(vec![copied]);
    assert_eq!((found.len(), found[0].0), (1, Outcome::Fail), "{found:?}");
    let mut other = injected(pod("other", NOON), "");
    other["metadata"]["annotations"] = json!({});
    assert_eq!(judged(vec![other])[0].0, Outcome::Pass);
}

#[test]
fn pods_that_were_missed_are_a_failure_until_later_ones_are_not() {
    let now = AllSettings::offline(Config::default()).default().injected.clone();
    let missed = pod("missed", "2026-03-01T11:00:00Z");
    let before = injected(pod("before", "2026-03-01T10:59:59Z"), &now);
    let after = injected(pod("after", "2026-03-01T11:00:01Z"), &now);
    let outcome = |pods| {
        let found = judged(pods);
        found.into_iter().find(|one| one.1.contains("a/missed")).unwrap()
    };
    assert_eq!(outcome(vec![before.clone(), missed.clone()]).0, Outcome::Fail);
    let (outcome, sentence) = outcome(vec![before, missed, after]);
    assert_eq!(outcome, Outcome::Warn);
    assert!(sentence.contains("had no answer from it then; pods that were created later have it"));
}

#[test]
fn a_pod_without_room_in_a_quota_now_or_perhaps_then_is_no_failure() {
    let mut limited = pod("limited", "2026-03-01T11:00:00Z");
    limited["spec"]["containers"][0]["resources"] = json!({"limits": {"memory": "1Gi"}});
    for (used, words) in
        [("1Gi", "quota_full: a ResourceQuota"), ("0", "may have been full (quota_full)")]
    {
        let quota =
            json!({"status": {"hard": {"limits.memory": "2Gi"}, "used": {"limits.memory": used}}});
        let quota = Quota::of(&serde_json::from_value(quota).unwrap());
        let mut limits = Namespaces::default();
        limits.learn("a", |known| known.quotas.push(quota));
        let found = judged_under(vec![limited.clone()], &limits);
        assert_eq!((found.len(), found[0].0), (1, Outcome::Warn), "{found:?}");
        assert!(found[0].1.contains(words), "{}", found[0].1);
    }
}
