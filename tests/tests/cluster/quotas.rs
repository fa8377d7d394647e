//! Namespaces with a `LimitRange` or a `ResourceQuota`.

use serde_json::{Value, json};

use crate::fixture::{Fixture, shared};
use crate::pods::{assert_injected, driver, sidecars};

fn create(fixture: &Fixture, object: &Value) {
    fixture.cluster.kubectl().create(object).unwrap();
}

#[test]
fn a_limit_range_gives_spark_its_defaults_and_takes_the_sidecar_as_it_is() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    create(
        &fixture,
        &json!({
            "apiVersion": "v1", "kind": "LimitRange",
            "metadata": {"name": "limits", "namespace": namespace},
            "spec": {"limits": [{
                "type": "Container",
                "default": {"cpu": "1", "memory": "2Gi"},
                "defaultRequest": {"cpu": "1", "memory": "2Gi"},
                "max": {"cpu": "4", "memory": "8Gi"},
            }]},
        }),
    );
    let mut pod = driver("limited", &namespace);
    pod["spec"]["containers"][0].as_object_mut().unwrap().remove("resources");
    let created = fixture.cluster.kubectl().create(&pod).unwrap();
    assert_injected(&created);
    assert_eq!(created["spec"]["containers"][0]["resources"]["limits"]["memory"], "2Gi");
    // Guaranteed by those defaults, and still so with the sidecar.
    assert_eq!(created["status"]["qosClass"], "Guaranteed");
    let resources = &sidecars(&created)[0]["resources"];
    assert_eq!(resources["limits"], resources["requests"]);
}

#[test]
fn a_quota_on_requests_and_limits_takes_the_pod_with_its_sidecar_and_counts_it() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let hard = json!({
        "requests.cpu": "2", "requests.memory": "4Gi", "limits.cpu": "4", "limits.memory": "8Gi",
    });
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": namespace},
        "spec": {"hard": hard},
    });
    create(&fixture, &quota);
    // What the quota controller does, which is not there.
    let used: Value =
        hard.as_object().unwrap().keys().map(|key| (key.clone(), json!("0"))).collect();
    let status = json!({"status": {"hard": hard, "used": used}}).to_string();
    let kubectl = fixture.cluster.kubectl();
    kubectl
        .run([
            "patch",
            "resourcequota",
            "quota",
            "-n",
            &namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            &status,
        ])
        .unwrap();

    // A quota on limits refuses containers without: the sidecar has what Spark's container has.
    let mut pod = driver("counted", &namespace);
    pod["spec"]["containers"][0]["resources"] = json!({
        "requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"},
    });
    assert_injected(&kubectl.create(&pod).unwrap());
    let quota = kubectl.run(["get", "resourcequota", "quota", "-n", &namespace, "-o", "json"]);
    let used = &quota.unwrap().json().unwrap()["status"]["used"];
    assert_eq!(used["requests.cpu"], "1", "{used}");
    assert_eq!(used["limits.memory"], "2080Mi", "{used}");
}
