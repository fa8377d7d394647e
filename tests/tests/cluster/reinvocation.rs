//! Other webhooks before and after ours.

use std::sync::atomic::{AtomicUsize, Ordering};

use emberscope_tests::cluster::fake_webhook::{Behaviour, FakeWebhook};
use serde_json::{Value, json};

use crate::fixture::shared;
use crate::pods::{assert_injected, driver, sidecars, spark_env};

fn has_sidecar(review: &Value) -> bool {
    !sidecars(&review["request"]["object"]).is_empty()
}

#[test]
fn after_a_later_webhook_added_a_container_there_is_still_one_sidecar() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let mesh = FakeWebhook::start(|review| {
        assert!(has_sidecar(review), "it is asked after ours");
        let proxy =
            json!({"name": "istio-proxy", "image": "proxy", "ports": [{"containerPort": 15090}]});
        Behaviour::Patch(json!([{"op": "add", "path": "/spec/containers/-", "value": proxy}]))
    })
    .unwrap();
    mesh.register(&fixture.cluster, "z-mesh", &namespace).unwrap();
    let created = fixture.cluster.kubectl().create(&driver("meshed", &namespace)).unwrap();
    assert_injected(&created);
    let containers = created["spec"]["containers"].as_array().unwrap();
    let names: Vec<_> = containers.iter().map(|container| &container["name"]).collect();
    assert_eq!(names, ["spark-kubernetes-driver", "istio-proxy"]);
    let options = spark_env(&created, "SPARK_SUBMIT_OPTS").unwrap();
    assert_eq!(options.matches("-Dspark.ui.prometheus.enabled=true").count(), 1, "{options}");
}

/// As webhooks do that decode pods into types older than native sidecars; a pod whose sidecar is a
/// plain init container would wait for its end for ever.
#[test]
fn a_restart_policy_that_a_later_webhook_drops_is_put_back() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let forgetful = FakeWebhook::start(|review| {
        let inits = review["request"]["object"]["spec"]["initContainers"].as_array();
        let ours = inits.unwrap().iter().position(|c| c["name"] == "emberscope-sidecar").unwrap();
        let path = format!("/spec/initContainers/{ours}/restartPolicy");
        Behaviour::Patch(json!([{"op": "remove", "path": path}]))
    })
    .unwrap();
    forgetful.register(&fixture.cluster, "z-forgetful", &namespace).unwrap();
    let created = fixture.cluster.kubectl().create(&driver("repaired", &namespace)).unwrap();
    assert_injected(&created);
}

#[test]
fn a_container_that_an_earlier_webhook_put_first_is_not_taken_for_sparks() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let logger = FakeWebhook::start(move |review| {
        count.fetch_add(1, Ordering::Relaxed);
        assert!(!has_sidecar(review), "it is asked before ours");
        let fluentd = json!({"name": "emr-container-fluentd", "image": "fluentd"});
        Behaviour::Patch(json!([{"op": "add", "path": "/spec/containers/0", "value": fluentd}]))
    })
    .unwrap();
    logger.register(&fixture.cluster, "a-logger", &namespace).unwrap();
    let created = fixture.cluster.kubectl().create(&driver("logged", &namespace)).unwrap();
    assert_injected(&created);
    assert_eq!(created["spec"]["containers"][0]["name"], "emr-container-fluentd");
    assert!(created["spec"]["containers"][0].get("env").is_none(), "{created:#}");
    assert!(spark_env(&created, "SPARK_SUBMIT_OPTS").is_some());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
