use serde_json::json;

use super::*;
use crate::finding::Outcome;

fn installed() -> Server {
    Server {
        name: "emberscope".to_owned(),
        namespace: Ok(json!({})),
        deployment: Ok(json!({
            "metadata": {"labels": {"app.kubernetes.io/version": "0.1.0"}},
            "spec": {"replicas": 2, "template": {"spec": {
                "containers": [{"args": ["serve", "--tls-secret=emberscope-tls"]}],
            }}},
            "status": {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2},
        })),
        pods: Ok(Vec::new()),
        service: Ok(json!({"spec": {"ports": [{"port": 443}]}})),
        slices: Ok(vec![json!({"endpoints": [{"conditions": {"ready": true}}, {}]})]),
        config_map: Ok(json!({"data": {"config.yaml": "sidecar: {image: a/b:1}"}})),
        network_policy: Ok(json!({})),
        disruption_budget: Ok(json!({})),
    }
}

fn not_passed(server: &Server) -> Vec<(&'static str, Outcome, String)> {
    let findings = server.judge().into_iter();
    let findings = findings.filter(|finding| finding.outcome != Outcome::Pass);
    findings.map(|one| (one.check.code, one.outcome, one.sentence)).collect()
}

#[test]
fn an_installation_as_shipped_passes() {
    assert_eq!(not_passed(&installed()), []);
    assert_eq!(installed().secret().as_deref(), Some("emberscope-tls"));
    assert_eq!(installed().version(), Some("0.1.0"));
}

#[test]
fn some_replicas_are_a_warning_and_none_is_a_failure() {
    let mut server = installed();
    for (ready, outcome) in [(1, Outcome::Warn), (0, Outcome::Fail)] {
        server.deployment.as_mut().unwrap()["status"]["readyReplicas"] = json!(ready);
        let found = not_passed(&server);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0, found[0].1), ("deployment", outcome));
    }
}

#[test]
fn a_linger_time_that_pods_cut_is_a_warning_whoever_sets_it() {
    let mut server = installed();
    for (config, outcome) in [
        ("sidecar: {lingerSeconds: 25}", None),
        ("sidecar: {lingerSeconds: 26}", Some(Outcome::Warn)),
        (
            "profiles: [{name: a, match: {namespaces: [x]}, sidecar: {lingerSeconds: 26}}]",
            Some(Outcome::Warn),
        ),
    ] {
        server.config_map = Ok(json!({"data": {"config.yaml": config}}));
        let found = not_passed(&server);
        assert_eq!(found.first().map(|found| found.1), outcome, "{config}: {found:?}");
    }
}

#[test]
fn a_rollout_is_told_and_whether_it_is_stuck() {
    let mut server = installed();
    let deployment = server.deployment.as_mut().unwrap();
    // The image of the new version cannot be pulled: the old replicas stay.
    deployment["status"] = json!({"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1});
    let found = not_passed(&server);
    assert_eq!((found.len(), found[0].1), (1, Outcome::Warn));
    assert_eq!(found[0].2, "a rollout is under way: 1 of 2 replicas are of the new version");
    let reason = json!([{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]);
    server.deployment.as_mut().unwrap()["status"]["conditions"] = reason;
    assert!(not_passed(&server)[0].2.starts_with("the rollout is stuck: "));
    // The controller has not seen the new version yet.
    let mut server = installed();
    server.deployment.as_mut().unwrap()["metadata"]["generation"] = json!(2);
    server.deployment.as_mut().unwrap()["status"]["observedGeneration"] = json!(1);
    assert!(not_passed(&server)[0].2.ends_with("0 of 2 replicas are of the new version"));
}

/// Takes something away.
type Break = fn(&mut Server);

#[test]
fn endpoints_that_are_missing_for_a_known_reason_are_not_another_failure() {
    let broken: [(&str, Break); 3] = [
        ("service", |server| server.service = Err(Refusal::Missing)),
        ("deployment", |server| server.deployment = Err(Refusal::Missing)),
        ("deployment", |server| {
            server.deployment.as_mut().unwrap()["status"] = json!({"replicas": 2});
        }),
    ];
    for (check, break_it) in broken {
        let mut server = installed();
        break_it(&mut server);
        server.slices = Ok(Vec::new());
        let found = not_passed(&server);
        let codes: Vec<_> = found.iter().map(|one| (one.0, one.1)).collect();
        assert_eq!(codes, [(check, Outcome::Fail), ("endpoints", Outcome::Skip)], "{found:?}");
    }
}

#[test]
fn endpoints_that_are_not_ready_do_not_count() {
    let mut server = installed();
    server.slices = Ok(vec![json!({"endpoints": [{"conditions": {"ready": false}}]})]);
    assert_eq!(not_passed(&server)[0].0, "endpoints");
}

#[test]
fn a_bad_configuration_is_named_with_its_error() {
    let mut server = installed();
    server.config_map = Ok(json!({"data": {"config.yaml": "sidecar: {prot: 1}"}}));
    let found = not_passed(&server);
    assert_eq!((found[0].0, found[0].1), ("configuration", Outcome::Fail));
    assert!(found[0].2.contains("prot"), "{}", found[0].2);
    server.config_map = Ok(json!({"data": {"config.yaml": "sidecar: {image: ''}"}}));
    assert!(not_passed(&server)[0].2.contains("no reference to an image"));
}

#[test]
fn without_the_namespace_nothing_else_fails() {
    let mut server = installed();
    server.namespace = Err(Refusal::Missing);
    server.deployment = Err(Refusal::Missing);
    let failed = not_passed(&server);
    let failed: Vec<_> = failed.iter().filter(|found| found.1 == Outcome::Fail).collect();
    assert_eq!((failed.len(), failed[0].0), (1, "namespace"));
}

#[test]
fn a_missing_right_is_a_warning_that_names_it() {
    let mut server = installed();
    server.service = Err(Refusal::Forbidden("get services x in namespace y".into()));
    let found = not_passed(&server);
    assert_eq!((found[0].0, found[0].1), ("service", Outcome::Warn));
    assert!(found[0].2.contains("get services x in namespace y"), "{}", found[0].2);
}

#[test]
fn a_mounted_secret_is_found_where_the_server_keeps_none() {
    let mut server = installed();
    let pod = &mut server.deployment.as_mut().unwrap()["spec"]["template"]["spec"];
    pod["containers"][0]["args"] = json!(["serve", "--cert-dir=/certs"]);
    pod["volumes"] = json!([{"configMap": {}}, {"secret": {"secretName": "mine"}}]);
    assert_eq!(server.secret().as_deref(), Some("mine"));
}

/// What the README's reader sees who built the images and did not bring them to the nodes.
#[test]
fn a_deployment_that_is_not_ready_says_why() {
    let mut server = installed();
    server.deployment.as_mut().unwrap()["status"] = json!({"replicas": 2});
    server.pods = Ok(vec![json!({
        "metadata": {"name": "emberscope-1"},
        "status": {"phase": "Pending", "containerStatuses": [{
            "name": "webhook", "image": "x/emberscope:1",
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
        }]},
    })]);
    let found = server.judge().into_iter().find(|one| one.check == DEPLOYMENT).unwrap();
    assert_eq!(found.outcome, Outcome::Fail);
    for words in
        ["no replica is ready (of 2)", "emberscope-1", "ImagePullBackOff", "x/emberscope:1"]
    {
        assert!(found.sentence.contains(words), "{}", found.sentence);
    }
    assert!(found.remedy.unwrap().contains("nodes"));
}
