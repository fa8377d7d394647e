//! The companion network policy beside what real Sparks make: from 4.2 on a policy of Spark's own closes
//! executors; before, there is none, and a first one would cut them off from their driver.
//!
//! Nothing here carries policies out. Who is selected and who is let in is read from the objects.

use serde_json::Value;

use crate::fixture::repository;

fn ours() -> Value {
    let file = "manifests/components/executor-network-policy/networkpolicy.yaml";
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Whether a label selector holds for a pod. Of operators it knows the one that is used.
fn selects(selector: &Value, pod: &Value) -> bool {
    let labels = &pod["metadata"]["labels"];
    let mut equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut listed = selector["matchExpressions"].as_array().into_iter().flatten();
    equal.all(|(key, value)| labels[key] == *value)
        && listed.all(|expression| {
            assert_eq!(expression["operator"], "In");
            let key = expression["key"].as_str().unwrap();
            expression["values"].as_array().unwrap().contains(&labels[key])
        })
}

/// Whether the companion policy selects this pod.
pub(crate) fn ours_selects(pod: &Value) -> bool {
    selects(&ours()["spec"]["podSelector"], pod)
}

/// Spark's policy selects executors, and lets in pods of their own namespace only, where Prometheus is
/// not. The driver stays open.
pub(crate) fn assert_closes_executors(policy: &Value, driver: &Value) {
    let spec = &policy["spec"];
    let mut executor = driver.clone();
    executor["metadata"]["labels"]["spark-role"] = "executor".into();
    assert!(selects(&spec["podSelector"], &executor), "{policy:#}");
    assert!(!selects(&spec["podSelector"], driver), "{policy:#}");
    for rule in spec["ingress"].as_array().unwrap() {
        for peer in rule["from"].as_array().unwrap() {
            assert_eq!(peer.as_object().unwrap().keys().collect::<Vec<_>>(), ["podSelector"]);
            assert!(selects(&peer["podSelector"], driver), "{policy:#}");
        }
    }
}
