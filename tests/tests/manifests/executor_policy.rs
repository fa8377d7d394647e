//! The companion network policy: what it may select, and what it opens. What it does beside the policy
//! that Spark 4.3 itself makes is shown in `tests/cluster`.

use std::fs;

use emberscope_core::Config;
use serde_json::{Value, json};

use super::{documents, output, read, root};

fn policy() -> Value {
    let path = "manifests/components/executor-network-policy/networkpolicy.yaml";
    documents(&read(path)).remove(0)
}

/// A pod that no policy selects is open; one that only this policy selects takes nothing from its
/// driver. So it names versions, and none before 4.2.
#[test]
fn only_executors_of_versions_that_close_themselves_are_selected() {
    let policy = policy();
    let expressions = policy["spec"]["podSelector"]["matchExpressions"].as_array().unwrap();
    assert_eq!(expressions.len(), 2);
    assert_eq!(
        expressions[0],
        json!({"key": "spark-role", "operator": "In", "values": ["executor"]})
    );
    assert_eq!(expressions[1]["key"], "spark-version");
    assert_eq!(expressions[1]["operator"], "In");
    for version in expressions[1]["values"].as_array().unwrap() {
        let version = version.as_str().unwrap();
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap());
        assert!((parts.next(), parts.next()) >= (Some(4), Some(2)), "{version}");
    }
    let this = read("tests/requirements-4.txt");
    let this = this.lines().find_map(|line| line.strip_prefix("pyspark==")).unwrap();
    assert!(expressions[1]["values"].as_array().unwrap().contains(&json!(this)), "{this}");
}

#[test]
fn only_prometheus_is_let_in_and_only_to_the_sidecar() {
    let policy = policy();
    let monitoring = read("manifests/monitoring/prometheus/namespace.yaml");
    let namespace = documents(&monitoring).remove(0)["metadata"]["name"].take();
    assert_eq!(
        policy["spec"]["ingress"],
        json!([{
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}],
            "ports": [{"protocol": "TCP", "port": Config::default().sidecar.port}],
        }])
    );
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress"]));
}

/// The kustomization at the component's head, as a user would have it.
#[test]
fn the_example_sets_both_namespaces() {
    let component = "manifests/components/executor-network-policy";
    let head = read(&format!("{component}/kustomization.yaml"));
    let example: Vec<_> = head.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    let folder = tempfile::tempdir().unwrap();
    let up = "../".repeat(folder.path().canonicalize().unwrap().components().count() - 1);
    let top = root().canonicalize().unwrap();
    let way = format!("{up}{}/manifests", top.strip_prefix("/").unwrap().display());
    let example = example.join("\n").replace("../manifests", &way);
    fs::write(folder.path().join("kustomization.yaml"), example).unwrap();
    let kubectl = emberscope_tests::cluster::control_plane::ControlPlane::find().unwrap().kubectl;
    let arguments = ["kustomize", folder.path().to_str().unwrap()];
    let rendered = documents(&output(kubectl.to_str().unwrap(), &arguments)).remove(0);
    assert_eq!(rendered["metadata"]["namespace"], "emr-data-team-a");
    let from = &rendered["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"];
    assert_eq!(*from, json!({"kubernetes.io/metadata.name": "monitoring"}));
}
