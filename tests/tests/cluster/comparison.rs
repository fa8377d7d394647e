//! Pods that came about in different ways, side by side.

use std::collections::BTreeMap;

use emberscope::inject;
use emberscope_core::AllSettings;
use emberscope_tests::cluster::Cluster;
use serde_json::Value;

use crate::pods::{all_golden, named};

/// The golden pods that the API server takes, with its defaults: as a webhook sees them. The rest
/// has lists of null and the like.
pub(crate) fn taken(cluster: &Cluster, namespace: &str) -> BTreeMap<String, Value> {
    let mut pods = BTreeMap::new();
    for (case, pod) in all_golden() {
        if let Ok(stored) = dry_run(cluster, &named(&pod, &case, namespace)) {
            pods.insert(case.clone(), named(&stored, &case, namespace));
        }
    }
    assert!(pods.len() > 20, "only {} golden pods are taken by the API server", pods.len());
    pods
}

/// What the API server stores of a pod that `emberscope inject` has patched.
pub(crate) fn offline(
    cluster: &Cluster,
    pod: &Value,
    namespace: &str,
    settings: &AllSettings,
) -> Value {
    let (injected, _) = inject::inject(pod.clone(), namespace, settings).unwrap();
    dry_run(cluster, &injected).unwrap()
}

/// What the server would store; an error if it refuses the pod.
pub(crate) fn dry_run(cluster: &Cluster, pod: &Value) -> anyhow::Result<Value> {
    let arguments = ["create", "--dry-run=server", "-f", "-", "-o", "json"];
    cluster.kubectl().run_on(arguments, pod)?.json()
}

/// A pod less what differs from one creation, and from one namespace, to the next.
pub(crate) fn comparable(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let metadata = pod["metadata"].as_object_mut().unwrap();
    for each_time in ["namespace", "uid", "creationTimestamp", "managedFields"] {
        metadata.remove(each_time);
    }
    pod
}

/// Paths that `original` has and `result` has not, or with another value. Lists are compared
/// position by position: what was there keeps its place.
pub(crate) fn lost(original: &Value, result: &Value, path: &str) -> Vec<String> {
    // The one value that may grow: ours stands in front of the user's.
    if path.ends_with("/value")
        && result.as_str().zip(original.as_str()).is_some_and(|(r, o)| r.ends_with(o))
    {
        return Vec::new();
    }
    match (original, result) {
        (Value::Object(original), Value::Object(result)) => original
            .iter()
            .flat_map(|(key, value)| {
                lost(value, result.get(key).unwrap_or(&Value::Null), &format!("{path}/{key}"))
            })
            .collect(),
        (Value::Array(original), Value::Array(result)) => original
            .iter()
            .enumerate()
            .flat_map(|(index, value)| {
                lost(value, result.get(index).unwrap_or(&Value::Null), &format!("{path}/{index}"))
            })
            .collect(),
        _ if original == result || is_repointed(path) => Vec::new(),
        _ => vec![path.to_owned()],
    }
}

/// The walkthrough's annotations that point at Spark's own servlet are re-pointed on purpose.
fn is_repointed(path: &str) -> bool {
    path.starts_with("/metadata/annotations/prometheus.io/")
}
