//! Other webhooks before and after ours.

use std::time::{Duration, Instant};

use emberscope_tests::cluster::fake_webhook::{Behaviour, FakeWebhook};
use serde_json::{Value, json};

use crate::comparison::dry_run;
use crate::fixture::{Fixture, shared};
use crate::pods::{assert_injected, driver, sidecars, spark_env};

/// Has the API server ask this webhook too, and waits until it does.
fn register(fixture: &Fixture, webhook: &FakeWebhook, name: &str, namespace: &str) {
    webhook.register(&fixture.cluster, name, namespace).unwrap();
    let start = Instant::now();
    while webhook.asked() == 0 {
        assert!(start.elapsed() < Duration::from_mins(1), "{name} is never asked");
        dry_run(&fixture.cluster, &driver("probe", namespace)).unwrap();
    }
}

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
    register(&fixture, &mesh, "z-mesh", &namespace);
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
    register(&fixture, &forgetful, "z-forgetful", &namespace);
    let created = fixture.cluster.kubectl().create(&driver("repaired", &namespace)).unwrap();
    assert_injected(&created);
}

#[test]
fn a_container_that_an_earlier_webhook_put_first_is_not_taken_for_sparks() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let logger = FakeWebhook::start(|review| {
        assert!(!has_sidecar(review), "it is asked before ours");
        let fluentd = json!({"name": "emr-container-fluentd", "image": "fluentd"});
        Behaviour::Patch(json!([{"op": "add", "path": "/spec/containers/0", "value": fluentd}]))
    })
    .unwrap();
    register(&fixture, &logger, "a-logger", &namespace);
    let before = logger.asked();
    let created = fixture.cluster.kubectl().create(&driver("logged", &namespace)).unwrap();
    assert_injected(&created);
    assert_eq!(created["spec"]["containers"][0]["name"], "emr-container-fluentd");
    assert!(created["spec"]["containers"][0].get("env").is_none(), "{created:#}");
    assert!(spark_env(&created, "SPARK_SUBMIT_OPTS").is_some());
    assert_eq!(logger.asked(), before + 1);
}

/// What EKS's pod identity webhook does to a pod of a service account with a role: a volume, and for
/// every container that the annotation does not name, variables and a mount.
fn pod_identity(review: &Value) -> Behaviour {
    let pod = &review["request"]["object"];
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    if volumes.iter().any(|volume| volume["name"] == "aws-iam-token") {
        return Behaviour::Patch(json!([]));
    }
    let skipped = pod["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"].as_str();
    let skipped: Vec<&str> = skipped.unwrap_or_default().split(',').map(str::trim).collect();
    let mount = json!({"name": "aws-iam-token", "readOnly": true,
        "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount"});
    let mut patch = vec![];
    for list in ["containers", "initContainers"] {
        let mut containers = pod["spec"][list].as_array().cloned().unwrap_or_default();
        for container in &mut containers {
            if skipped.contains(&container["name"].as_str().unwrap()) {
                continue;
            }
            let mut mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
            mounts.push(mount.clone());
            container["volumeMounts"] = json!(mounts);
        }
        if !containers.is_empty() {
            let whole = format!("/spec/{list}");
            patch.push(json!({"op": "add", "path": whole, "value": containers}));
        }
    }
    let token = json!({"audience": "sts.amazonaws.com", "path": "token"});
    let volume = json!({"name": "aws-iam-token",
        "projected": {"sources": [{"serviceAccountToken": token}]}});
    patch.push(json!({"op": "add", "path": "/spec/volumes/0", "value": volume}));
    Behaviour::Patch(json!(patch))
}

#[test]
fn the_sidecar_gets_no_aws_token_from_a_webhook_that_gives_one_to_every_container() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let eks = FakeWebhook::start(pod_identity).unwrap();
    register(&fixture, &eks, "z-pod-identity", &namespace);
    let mut pod = driver("with-a-role", &namespace);
    pod["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"] = json!("logger");
    let created = fixture.cluster.kubectl().create(&pod).unwrap();
    assert_injected(&created);
    let has_token = |container: &Value| {
        let mounts = container["volumeMounts"].as_array().into_iter().flatten();
        mounts.into_iter().any(|mount| mount["name"] == "aws-iam-token")
    };
    assert!(has_token(&created["spec"]["containers"][0]), "{created:#}");
    assert!(!has_token(sidecars(&created)[0]), "{created:#}");
}
