//! Namespaces with a LimitRange or a ResourceQuota.

use std::time::Duration;

use emberscope_tests::http;
use serde_json::{Value, json};

use crate::fixture::{Fixture, alone, shared};
use crate::pods::{assert_injected, assert_left_alone, driver, sidecars};

/// Watches tell within milliseconds; each replica has its own.
const TOLD: Duration = Duration::from_secs(1);

fn create(fixture: &Fixture, object: &Value) {
    fixture.cluster.kubectl().create(object).unwrap();
    std::thread::sleep(TOLD);
}

/// A namespace that opted in and has a LimitRange with this in it.
fn bounded(fixture: &Fixture, item: &Value) -> String {
    let namespace = fixture.opted_in();
    let range = json!({
        "apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "limits", "namespace": namespace}, "spec": {"limits": [item]},
    });
    create(fixture, &range);
    namespace
}

/// A namespace that opted in and has a quota of which so much is used.
fn budgeted(fixture: &Fixture, hard: &Value, used: &Value, spec: &Value) -> String {
    let namespace = fixture.opted_in();
    let mut quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": namespace}, "spec": spec,
    });
    quota["spec"]["hard"] = hard.clone();
    create(fixture, &quota);
    // What the quota controller does, which is not there.
    let status = json!({"status": {"hard": hard, "used": used}}).to_string();
    let quota = ["patch", "resourcequota", "quota", "--subresource=status", "--type=merge"];
    let rest = ["-n", &*namespace, "-p", &*status];
    fixture.cluster.kubectl().run(quota.into_iter().chain(rest)).unwrap();
    std::thread::sleep(TOLD);
    namespace
}

fn asking(name: &str, namespace: &str, requests: &Value, limits: &Value) -> Value {
    let mut pod = driver(name, namespace);
    pod["spec"]["containers"][0]["resources"] = json!({"requests": requests, "limits": limits});
    pod
}

fn burstable(name: &str, namespace: &str) -> Value {
    let limits = json!({"cpu": "2", "memory": "2Gi"});
    asking(name, namespace, &json!({"cpu": "1", "memory": "1Gi"}), &limits)
}

#[test]
fn a_limit_range_gives_spark_its_defaults_and_takes_the_sidecar_as_it_is() {
    let fixture = shared();
    let namespace = bounded(
        &fixture,
        &json!({
            "type": "Container",
            "default": {"cpu": "1", "memory": "2Gi"},
            "defaultRequest": {"cpu": "1", "memory": "2Gi"},
            "max": {"cpu": "4", "memory": "8Gi"},
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

/// The API server has the last word: it takes the pod with the sidecar, or without where nothing helps.
#[test]
fn whatever_a_limit_range_says_the_pod_is_created() {
    let fixture = shared();
    let container = |key: &str, amounts: Value| json!({"type": "Container", key: amounts});
    let of_pod = |key: &str, amounts: Value| json!({"type": "Pod", key: amounts});
    for (item, requests) in [
        (container("min", json!({"cpu": "10m", "memory": "64Mi"})), Some(["10m", "64Mi"])),
        (container("max", json!({"cpu": "2", "memory": "2Gi"})), Some(["0", "0"])),
        (
            container("maxLimitRequestRatio", json!({"cpu": "2", "memory": "2"})),
            Some(["25m", "16Mi"]),
        ),
        (container("default", json!({"cpu": "2", "memory": "2Gi"})), Some(["0", "0"])),
        (of_pod("maxLimitRequestRatio", json!({"cpu": "2", "memory": "2"})), Some(["25m", "16Mi"])),
        (of_pod("max", json!({"cpu": "2010m", "memory": "3Gi"})), Some(["0", "0"])),
        // Nothing is left of it.
        (of_pod("max", json!({"memory": "2Gi"})), None),
        // Spark's container names the resource, and the sidecar none.
        (container("maxLimitRequestRatio", json!({"ephemeral-storage": "1"})), None),
    ] {
        let namespace = bounded(&fixture, &item);
        let mut pod = burstable("bounded", &namespace);
        for list in ["requests", "limits"] {
            pod["spec"]["containers"][0]["resources"][list]["ephemeral-storage"] = json!("1Gi");
        }
        let created = fixture.cluster.kubectl().create(&pod).unwrap();
        assert_eq!(created["status"]["qosClass"], "Burstable");
        let Some([cpu, memory]) = requests else {
            assert_left_alone(&created);
            continue;
        };
        assert_injected(&created);
        let got = &sidecars(&created)[0]["resources"]["requests"];
        assert_eq!((&got["cpu"], &got["memory"]), (&json!(cpu), &json!(memory)), "{item}");
    }
}

#[test]
fn a_pod_of_a_gang_is_left_alone_where_a_limit_range_makes_the_sidecar_ask_for_something() {
    let fixture = shared();
    let namespace = bounded(&fixture, &json!({"type": "Container", "min": {"cpu": "10m"}}));
    let mut pod = burstable("member", &namespace);
    pod["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = json!("queue");
    let printed = fixture.cluster.kubectl().run_on(["create", "-f", "-"], &pod).unwrap();
    assert!(printed.stderr.contains("not injected, gang: "), "{}", printed.stderr);
}

#[test]
fn a_quota_on_requests_and_limits_takes_the_pod_with_its_sidecar_and_counts_it() {
    let fixture = shared();
    let hard = json!({
        "requests.cpu": "2", "requests.memory": "4Gi", "limits.cpu": "4", "limits.memory": "8Gi",
    });
    let used: Value =
        hard.as_object().unwrap().keys().map(|key| (key.clone(), json!("0"))).collect();
    let namespace = budgeted(&fixture, &hard, &used, &json!({}));
    let kubectl = fixture.cluster.kubectl();

    // A quota on limits refuses containers without: the sidecar has what Spark's container has.
    assert_injected(&kubectl.create(&burstable("counted", &namespace)).unwrap());
    let quota = kubectl.run(["get", "resourcequota", "quota", "-n", &namespace, "-o", "json"]);
    let used = &quota.unwrap().json().unwrap()["status"]["used"];
    assert_eq!(used["requests.cpu"], "1", "{used}");
    assert_eq!(used["limits.memory"], "2080Mi", "{used}");
    // An explicit 0 is no CPU limit to Spark, and says what the quota demands.
    let limits = json!({"cpu": "0", "memory": "1Gi"});
    let zero = asking("zero", &namespace, &json!({"cpu": "0", "memory": "1Gi"}), &limits);
    assert_injected(&kubectl.create(&zero).unwrap());
}

#[test]
fn a_pod_is_left_alone_where_a_quota_has_no_room_for_what_the_sidecar_adds() {
    let fixture = shared();
    let kubectl = fixture.cluster.kubectl();
    for (hard, used, scope, injected) in [
        (json!({"limits.memory": "3Gi"}), json!({"limits.memory": "1Gi"}), None, false),
        (json!({"limits.memory": "3Gi"}), json!({"limits.memory": "992Mi"}), None, true),
        (json!({"limits.cpu": "3"}), json!({"limits.cpu": "951m"}), None, false),
        (json!({"requests.cpu": "1"}), json!({"requests.cpu": "0"}), None, true),
        (
            json!({"limits.memory": "2Gi"}),
            json!({"limits.memory": "0"}),
            Some("NotBestEffort"),
            false,
        ),
        (json!({"limits.memory": "0"}), json!({"limits.memory": "0"}), Some("Terminating"), true),
    ] {
        let spec = scope.map_or(json!({}), |scope| json!({"scopes": [scope]}));
        let namespace = budgeted(&fixture, &hard, &used, &spec);
        let pod = burstable("counted", &namespace);
        let printed = kubectl.run_on(["create", "-f", "-", "-o", "json"], &pod).unwrap();
        let created = printed.json().unwrap();
        if injected {
            assert_injected(&created);
        } else {
            assert_left_alone(&created);
            assert!(printed.stderr.contains("not injected, quota_full: "), "{}", printed.stderr);
        }
    }
}

#[test]
fn a_quota_of_zero_refuses_the_pod_in_its_own_words() {
    let fixture = shared();
    let none = json!({"limits.memory": "0"});
    let namespace = budgeted(&fixture, &none, &none, &json!({}));
    let refused = fixture.cluster.kubectl().create(&burstable("refused", &namespace)).unwrap_err();
    assert!(refused.to_string().contains("requested: limits.memory=2Gi,"), "{refused}");
}

#[test]
fn without_the_right_to_read_them_pods_are_injected_and_the_age_says_so() {
    let mut fixture = alone();
    let kubectl = fixture.cluster.kubectl();
    let role = ["get", "clusterrole", "emberscope", "-o", "json"];
    let role = kubectl.run(role).unwrap().json().unwrap();
    let mut less = role.clone();
    less["rules"].as_array_mut().unwrap().retain(|rule| rule["resources"][0] != "limitranges");
    kubectl.run_on(["replace", "-f", "-"], &less).unwrap();
    std::thread::sleep(TOLD);

    let mut blind = fixture.installation.start_replica().unwrap();
    blind.wait_until_ready().unwrap();
    let current = |kind: &str| {
        let page: http::Answer = blind.get("/metrics").unwrap();
        let page = String::from_utf8_lossy(&page.ok().unwrap()).into_owned();
        let name =
            format!("emberscope_namespace_limits_current_timestamp_seconds{{kind=\"{kind}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&*name)?.parse::<f64>().ok()).unwrap()
    };
    assert!((current("LimitRange") - 0.0).abs() < 1.0);
    assert!(blind.log().contains("cannot watch them"), "{}", blind.log());
    fixture.installation.service.set_endpoints(&[blind.port]);
    let namespace = fixture.opted_in();
    assert_injected(&kubectl.create(&burstable("blind", &namespace)).unwrap());

    // With the right again it finds its way by itself.
    let mut again = role;
    again["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    kubectl.run_on(["replace", "-f", "-"], &again).unwrap();
    let start = std::time::Instant::now();
    while current("LimitRange") == 0.0 || current("ResourceQuota") == 0.0 {
        assert!(start.elapsed() < Duration::from_mins(1), "{}", blind.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    let namespace = bounded(&fixture, &json!({"type": "Pod", "max": {"memory": "2Gi"}}));
    assert_left_alone(&kubectl.create(&burstable("seen", &namespace)).unwrap());
}
