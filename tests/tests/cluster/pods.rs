//! Pods as users make them, and what is looked for in what comes back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use emberscope_tests::admission::SIDECAR;
use serde_json::{Value, json};

use crate::fixture::repository;

/// A driver pod with this name, as `spark-submit` makes it.
pub(crate) fn driver(name: &str, namespace: &str) -> Value {
    named(&golden("spark-3.5.6-driver"), name, namespace)
}

/// The pod of a golden case of `tests/golden/admission`.
pub(crate) fn golden(case: &str) -> Value {
    let folder = repository().join("tests/golden/admission").join(case);
    pod_in(&folder).unwrap_or_else(|| panic!("there is no pod in {}", folder.display()))
}

/// The pods of all golden cases that have one with a spec, by the case's name.
pub(crate) fn all_golden() -> BTreeMap<String, Value> {
    let folder = repository().join("tests/golden/admission");
    let cases = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let name = |case: &fs::DirEntry| case.file_name().into_string().unwrap();
    let pods = cases.filter_map(|case| Some((name(&case), pod_in(&case.path())?)));
    pods.filter(|(_, pod)| pod["spec"].is_object()).collect()
}

/// None where the case is a review that cannot be read.
fn pod_in(folder: &Path) -> Option<Value> {
    if let Ok(text) = fs::read_to_string(folder.join("pod.yaml")) {
        return serde_saphyr::from_str(&text).unwrap();
    }
    let review = fs::read(folder.join("review.json")).unwrap();
    let review: Value = serde_json::from_slice(&review).ok()?;
    review["request"]["object"].is_object().then(|| review["request"]["object"].clone())
}

/// The pod under another name in another namespace, as nobody has created it yet.
pub(crate) fn named(pod: &Value, name: &str, namespace: &str) -> Value {
    let mut pod = pod.clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    let metadata = pod["metadata"].as_object_mut().unwrap();
    for set_by_the_server in
        ["uid", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences"]
    {
        metadata.remove(set_by_the_server);
    }
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("namespace".to_owned(), json!(namespace));
    // What the ServiceAccount admission plug-in added when the pod was captured; it does it again.
    let spec = pod["spec"].as_object_mut().unwrap();
    spec.insert("serviceAccountName".to_owned(), json!("default"));
    spec.remove("serviceAccount");
    pod.as_object_mut().unwrap().remove("status");
    pod
}

/// The sidecars in a pod, wherever they are.
pub(crate) fn sidecars(pod: &Value) -> Vec<&Value> {
    let lists = ["initContainers", "containers"].map(|list| pod["spec"][list].as_array());
    let all = lists.into_iter().flatten().flatten();
    all.filter(|container| container["name"] == SIDECAR).collect()
}

/// Fails unless the pod has one sidecar, a native one.
pub(crate) fn assert_injected(pod: &Value) {
    let found = sidecars(pod);
    assert_eq!(found.len(), 1, "{pod:#}");
    assert_eq!(found[0]["restartPolicy"], "Always", "{pod:#}");
    assert!(pod["metadata"]["annotations"]["emberscope.dev/injected"].is_string(), "{pod:#}");
}

/// Fails if the pod has a sidecar.
pub(crate) fn assert_left_alone(pod: &Value) {
    assert!(sidecars(pod).is_empty(), "{pod:#}");
}

/// The value of an environment variable of the Spark container.
pub(crate) fn spark_env<'p>(pod: &'p Value, name: &str) -> Option<&'p str> {
    let containers = pod["spec"]["containers"].as_array()?;
    let spark = containers.iter().find(|container| {
        container["name"].as_str().is_some_and(|name| name.starts_with("spark-kubernetes"))
    })?;
    spark["env"].as_array()?.iter().find(|variable| variable["name"] == name)?["value"].as_str()
}
