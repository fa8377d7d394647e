//! Every overlay, and the chart, on a real API server: it takes each object with every field, an upgrade goes through,
//! and nothing is left when it is taken away.
//!
//! No controller runs, so no pod does. What Pod Security has to say of a workload, the API server says
//! when that is applied, as a warning. Other people's custom resources are stand-ins ([`CRDS`]).

#![allow(clippy::unwrap_used, clippy::panic)] // In a test that is the message.

mod chart;
mod pages;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use emberscope_tests::cluster::Cluster;
use emberscope_tests::cluster::kubectl::Kubectl;
use serde_json::{Value, json};

/// Other people's definitions, as far as `manifests/` uses them.
const CRDS: &str = include_str!("crds.yaml");

/// The version that is there, and one that might have been before.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const BEFORE: &str = "0.0.9";

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests").canonicalize().unwrap()
}

/// What `kubectl apply -k` would send.
fn rendered(kubectl: &Kubectl, kustomization: &Path) -> String {
    kubectl.run(["kustomize".as_ref(), kustomization.as_os_str()]).unwrap().stdout
}

/// A kustomization of a user's own, with these lines; `MANIFESTS` stands for the way to `manifests/`.
fn own(kubectl: &Kubectl, lines: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let up = "../".repeat(folder.path().canonicalize().unwrap().components().count() - 1);
    let way = format!("{up}{}", manifests().strip_prefix("/").unwrap().display());
    let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    let text = head.to_owned() + &lines.replace("MANIFESTS", &way);
    fs::write(folder.path().join("kustomization.yaml"), text).unwrap();
    rendered(kubectl, folder.path())
}

/// Applies it with every field known; neither the API server nor kubectl may warn of anything.
fn apply(kubectl: &Kubectl, objects: &str) {
    let printed = kubectl.run_with(["apply", "--validate=strict", "-f", "-"], objects).unwrap();
    assert_eq!(printed.stderr, "");
}

/// The same objects as a version before might have had them.
fn before(objects: &str) -> String {
    assert!(objects.contains(VERSION) && !objects.contains(BEFORE));
    objects.replace(VERSION, BEFORE)
}

/// Applies it on top of what is there; applied again it changes nothing.
fn settle(kubectl: &Kubectl, objects: &str) {
    apply(kubectl, objects);
    // kubectl says "configured" of some objects whatever is sent; the API server's word counts.
    let versions = || {
        let found = kubectl.run_with(["get", "-f", "-", "-o", "json"], objects).unwrap();
        let found = found.json().unwrap()["items"].take();
        let found = found.as_array().unwrap().clone();
        found.into_iter().map(|mut object| object["metadata"].take()).collect::<Vec<_>>()
    };
    let before = versions();
    apply(kubectl, objects);
    assert_eq!(versions(), before);
}

/// Takes it away, and shows that nothing with our labels is left but namespaces that are going.
fn uninstall(kubectl: &Kubectl, objects: &str) {
    kubectl.run_with(["delete", "--wait=false", "-f", "-"], objects).unwrap();
    let left = left(kubectl);
    let (namespaces, others): (Vec<Value>, Vec<Value>) =
        left.into_iter().partition(|object| object["kind"] == "Namespace");
    assert_eq!(others, Vec::<Value>::new());
    for namespace in namespaces {
        let_go(kubectl, namespace);
    }
}

/// Whatever has our labels, of every kind that there is.
fn left(kubectl: &Kubectl) -> Vec<Value> {
    let kinds = ["api-resources", "--verbs=list,delete", "-o", "name"];
    let kinds = kubectl.run(kinds).unwrap().stdout.lines().collect::<Vec<_>>().join(",");
    assert!(kinds.contains("clusterroles.rbac") && kinds.contains("podmonitors.monitoring"));
    let label = "app.kubernetes.io/part-of=emberscope";
    let left = kubectl.run(["get", &kinds, "--all-namespaces", "-l", label, "-o", "json"]).unwrap();
    let left = left.json().unwrap()["items"].take();
    left.as_array().unwrap().clone()
}

/// Lets a namespace go that is deleted: the controller that empties namespaces is not there.
fn let_go(kubectl: &Kubectl, mut namespace: Value) {
    assert_eq!(namespace["status"]["phase"], "Terminating", "{}", namespace["metadata"]);
    let name = namespace["metadata"]["name"].as_str().unwrap().to_owned();
    namespace["spec"]["finalizers"] = json!([]);
    let path = format!("/api/v1/namespaces/{name}/finalize");
    kubectl.run_on(["replace", "--raw", &path, "-f", "-"], &namespace).unwrap();
}

#[test]
fn every_overlay_installs_upgrades_and_goes_without_a_trace() {
    let cluster = Cluster::start().unwrap();
    let kubectl = cluster.kubectl();
    let crds: Vec<Value> = serde_saphyr::from_multiple(CRDS).unwrap();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": crds});
    kubectl.run_on(["create", "-f", "-"], &list).unwrap();
    for crd in &crds {
        let name = crd["metadata"]["name"].as_str().unwrap();
        let established = ["wait", "--for=condition=Established", "--timeout=60s", "crd", name];
        kubectl.run(established).unwrap();
    }

    // From the webhook alone, by a Prometheus beside it, to everything, and a version further.
    let with_autoscaler = |overlay: &str| {
        let lines = format!(
            "resources: [MANIFESTS/overlays/{overlay}]\n\
             components: [MANIFESTS/components/vertical-pod-autoscaler]\n"
        );
        own(&kubectl, &lines)
    };
    apply(&kubectl, &before(&rendered(&kubectl, &manifests().join("base"))));
    apply(&kubectl, &before(&with_autoscaler("prometheus")));
    let amp = with_autoscaler("amp");
    settle(&kubectl, &amp);
    prometheus_may_discover_and_nothing_else(&kubectl);
    uninstall(&kubectl, &amp);

    let mut tried: BTreeSet<_> = ["amp", "prometheus"].map(str::to_owned).into();
    for overlay in ["cert-manager", "prometheus-operator"] {
        let objects = rendered(&kubectl, &manifests().join("overlays").join(overlay));
        apply(&kubectl, &before(&objects));
        settle(&kubectl, &objects);
        uninstall(&kubectl, &objects);
        tried.insert(overlay.to_owned());
    }
    let overlays = fs::read_dir(manifests().join("overlays")).unwrap();
    let overlays = overlays.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(overlays.collect::<BTreeSet<_>>(), tried, "an overlay is not tried here");

    // For a namespace with jobs.
    let namespace = cluster.namespace(&[]).unwrap();
    let lines = "components: [MANIFESTS/components/executor-network-policy]\n";
    let objects = own(&kubectl, &format!("namespace: {namespace}\n{lines}"));
    apply(&kubectl, &before(&objects));
    settle(&kubectl, &objects);
    uninstall(&kubectl, &objects);

    // The rules go where the operator's Prometheus looks for them.
    let lines = "resources: [MANIFESTS/monitoring/rules/operator]\n";
    let objects = own(&kubectl, &format!("namespace: {namespace}\n{lines}"));
    settle(&kubectl, &objects);
    uninstall(&kubectl, &objects);

    a_misspelt_field_is_found(&kubectl, &namespace);

    chart::installs_upgrades_rolls_back_and_goes(&cluster);
    pages::the_walkthrough_is_walked(&cluster);
    pages::the_charts_page_installs(&cluster);
}

/// What the API server itself says that Prometheus' service account may do.
fn prometheus_may_discover_and_nothing_else(kubectl: &Kubectl) {
    let account = "--as=system:serviceaccount:emberscope-monitoring:emberscope-prometheus";
    for (verb, resource, may) in [
        ("watch", "pods", true),
        ("get", "nodes/metrics", true),
        ("get", "nodes/proxy", false),
        ("get", "secrets", false),
        ("get", "pods/log", false),
    ] {
        let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
        let part = format!("--subresource={part}");
        let ask = ["auth", "can-i", verb, resource, &part, "--all-namespaces", account];
        // It ends with 1 where the answer is no.
        assert_eq!(kubectl.run(ask).is_ok(), may, "{verb} {resource} {part}");
    }
}

/// Or all of the above says little.
fn a_misspelt_field_is_found(kubectl: &Kubectl, namespace: &str) {
    for (kind, version, field) in [
        ("PodMonitor", "monitoring.coreos.com/v1", "podMetricEndpoints"),
        ("NetworkPolicy", "networking.k8s.io/v1", "policyType"),
    ] {
        let object = json!({
            "apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": namespace},
            "spec": {"selector": {}, "podSelector": {}, field: []},
        });
        let error = kubectl.run_on(["apply", "--validate=strict", "-f", "-"], &object).unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
}
