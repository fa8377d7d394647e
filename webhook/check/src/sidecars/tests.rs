use serde_json::json;

use super::*;
use crate::finding::Outcome;

fn running(name: &str, role: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "a", "labels": {"spark-role": role},
        },
        "spec": {"initContainers": [{
            "name": SIDECAR, "restartPolicy": "Always", "ports": [{"name": "emberscope", "containerPort": 9900}],
        }]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "s", "state": {"running": {}}}]},
    })
}

fn taken(pods: &[Value]) -> Running {
    let mut running = Running::default();
    for pod in pods {
        let driver = pod["metadata"]["labels"]["spark-role"] == "driver";
        running.take(pod, driver.then_some(Role::Driver));
    }
    running
}

fn one(page: Result<&str, Refusal>) -> Vec<(Outcome, String)> {
    asked(page, "2026-11-26T03:00:00Z")
}

/// The same of a pod whose Spark container started at two o'clock.
fn asked(page: Result<&str, Refusal>, now: &str) -> Vec<(Outcome, String)> {
    let mut pod = running("d", "driver");
    pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] =
        json!("2026-11-26T02:00:00Z");
    let target = target(&pod).unwrap();
    let pages = [(target, page.map(str::to_owned))];
    let findings = judge(&Running::default(), &pages, "emberscope", now.parse().unwrap());
    findings.into_iter().map(|one| (one.outcome, one.sentence)).collect()
}

#[test]
fn drivers_are_asked_first_and_pods_whose_spark_ended_not_at_all() {
    let mut ended = running("ended", "driver");
    ended["status"]["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 0}});
    let pods = ["e1", "e2", "e3"].map(|name| running(name, "executor"));
    let mut pods = pods.to_vec();
    pods.extend([ended, running("d", "driver")]);
    let running = taken(&pods);
    assert_eq!(running.count, 4);
    let targets: Vec<_> = running.targets().into_iter().map(|one| (one.name, one.port)).collect();
    assert_eq!(targets, [("d".into(), 9900), ("e1".into(), 9900), ("e2".into(), 9900)]);
}

#[test]
fn sources_that_are_down_are_named_with_the_reason() {
    let page = "\
# HELP emberscope_source_up x
emberscope_source_up{source=\"processes\"} 1
emberscope_source_up{source=\"cgroup\"} 0
emberscope_source_errors_total{reason=\"other_gid\",source=\"cgroup\"} 3
emberscope_source_errors_total{reason=\"not_found\",source=\"cgroup\"} 1
";
    let found = one(Ok(page));
    assert_eq!(found[1], (Outcome::Warn, "sources of a/d are down: cgroup (other_gid)".into()));
    let all_down = one(Ok("emberscope_source_up{source=\"cgroup\"} 0\n"));
    assert_eq!(all_down[1].0, Outcome::Fail);
    let up = one(Ok("emberscope_source_up{source=\"cgroup\"} 1\n"));
    assert_eq!(up[1], (Outcome::Pass, "all their sources are up".into()));
}

#[test]
fn what_a_spark_that_has_just_started_lacks_is_no_fault_yet() {
    let page = "emberscope_source_up{source=\"push\"} 0\n";
    let young = asked(Ok(page), "2026-11-26T02:00:59Z");
    assert_eq!(young[1].0, Outcome::Skip, "{young:?}");
    assert!(young[1].1.ends_with("Spark started less than a minute ago"), "{young:?}");
    assert_eq!(asked(Ok(page), "2026-11-26T02:01:00Z")[1].0, Outcome::Fail);
}

#[test]
fn a_closed_port_is_a_failure_and_a_closed_network_a_warning() {
    let answered = |message: &str| Err(Refusal::Answered { code: 503, message: message.into() });
    assert_eq!(
        one(answered("dial tcp 10.0.0.1:9814: connect: connection refused"))[0].0,
        Outcome::Fail
    );
    assert_eq!(one(Err(Refusal::Late))[0].0, Outcome::Warn);
    assert_eq!(one(Err(Refusal::Forbidden("get pods/proxy".into())))[0].0, Outcome::Warn);
    assert_eq!(
        judge(&Running::default(), &[], "emberscope", Timestamp::now())[0].outcome,
        Outcome::Skip
    );
}

#[test]
fn something_else_on_the_port_is_no_sidecar() {
    let found = one(Ok("up 1\n"));
    assert_eq!((found.len(), found[0].0), (1, Outcome::Fail), "{found:?}");
}

/// A pod whose sidecar waits, as the kubelet tells.
fn waiting(list: &str, reason: &str) -> Value {
    let mut pod = running("d", "driver");
    let state = json!({"waiting": {"reason": reason, "message": "Back-off pulling image \"x\"\n"}});
    pod["status"] = json!({"phase": "Pending", list: [{"name": SIDECAR, "state": state}]});
    pod
}

#[test]
fn a_sidecar_that_does_not_start_fails_with_the_kubelets_words_and_what_helps_at_once() {
    let judged = |pod: Value| judge(&taken(&[pod]), &[], "emberscope", Timestamp::now()).remove(0);
    let found = judged(waiting("initContainerStatuses", "ImagePullBackOff"));
    assert_eq!((found.check, found.outcome), (STARTED, Outcome::Fail));
    assert_eq!(
        found.sentence,
        "the sidecar of 1 pod does not start (ImagePullBackOff), and Spark waits for it: a/d: Back-off pulling image \"x\""
    );
    let remedy = found.remedy.unwrap();
    for command in [
        "kubectl describe pod d -n a\n",
        "kubectl edit configmap emberscope -n emberscope\n",
        "kubectl label namespace a emberscope.dev/inject-\n",
    ] {
        assert!(remedy.contains(command), "{remedy}");
    }
    let pulled = judged(waiting("initContainerStatuses", "CrashLoopBackOff"));
    assert_eq!(pulled.outcome, Outcome::Fail);
    assert!(!pulled.remedy.unwrap().contains("sidecar.image"));
    for reason in ["PodInitializing", "ContainerCreating"] {
        assert_eq!(judged(waiting("initContainerStatuses", reason)).outcome, Outcome::Pass);
    }
    let mut dropped = running("d", "driver");
    dropped["spec"]["initContainers"][0].as_object_mut().unwrap().remove("restartPolicy");
    assert_eq!(judged(dropped).outcome, Outcome::Fail);
}

#[test]
fn a_sidecar_whose_image_is_on_its_way_is_not_asked() {
    let mut pod = running("d", "driver");
    let state = json!({"waiting": {"reason": "ContainerCreating"}});
    pod["status"]["initContainerStatuses"] = json!([{"name": SIDECAR, "state": state}]);
    let running = taken(&[pod]);
    assert_eq!((running.targets(), running.count), (vec![], 0));
}
