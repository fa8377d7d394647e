//! The kustomizations of docs/prometheus.md, as a reader would write them into a folder beside
//! `manifests/`: each does what the page says.

use std::fs;

use emberscope_tests::cluster::control_plane::ControlPlane;
use serde_json::{Value, json};

use super::{documents, find, output, read, root};

/// What the page's kustomization with this resource renders to.
fn example(resource: &str) -> Vec<Value> {
    let page = read("docs/prometheus.md");
    let examples = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let example = examples.filter(|text| text.contains(&format!("../manifests/{resource}\n")));
    let example = example.collect::<Vec<_>>();
    assert_eq!(example.len(), 1, "{resource}");
    let folder = tempfile::tempdir().unwrap();
    let up = "../".repeat(folder.path().canonicalize().unwrap().components().count() - 1);
    let top = root().canonicalize().unwrap();
    let way = format!("{up}{}/manifests", top.strip_prefix("/").unwrap().display());
    let text = example[0].replace("../manifests", &way);
    fs::write(folder.path().join("kustomization.yaml"), text).unwrap();
    let kubectl = ControlPlane::find().unwrap().kubectl;
    let arguments = ["kustomize", folder.path().to_str().unwrap()];
    documents(&output(kubectl.to_str().unwrap(), &arguments))
}

#[test]
fn the_example_for_the_operator_labels_both_monitors_and_nothing_else() {
    let mut labelled: Vec<_> = example("overlays/prometheus-operator")
        .into_iter()
        .filter(|object| object["metadata"]["labels"].get("release").is_some())
        .map(|mut object| object["kind"].take())
        .collect();
    labelled.sort_by_key(Value::to_string);
    assert_eq!(labelled, ["PodMonitor", "ServiceMonitor"]);
}

#[test]
fn the_example_for_the_whole_prometheus_names_a_storage_class_and_raises_the_limit() {
    let objects = example("overlays/amp");
    let spec = &find(&objects, "StatefulSet")["spec"];
    assert_eq!(spec["volumeClaimTemplates"][0]["spec"]["storageClassName"], "gp2");
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["name"], "prometheus");
    assert_eq!(container["resources"]["limits"], json!({"memory": "16Gi"}));
}
