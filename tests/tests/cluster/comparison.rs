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
