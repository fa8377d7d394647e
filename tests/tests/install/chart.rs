//! `manifests/chart` by Helm.

use std::fs;

use emberscope_tests::cluster::Cluster;
use serde_json::{Value, json};

use super::{BEFORE, VERSION, left, let_go, manifests};

const RELEASE: &str = "emberscope";
const WHERE: [&str; 2] = ["--namespace", "emberscope"];

/// As much of it as one release can be.
const ALL: [&str; 9] = [
    "prometheus.enabled=true",
    "prometheus.verticalPodAutoscaler=true",
    "prometheus.networkPolicies=true",
    "monitors.enabled=true",
    "rules.kind=PrometheusRule",
    "dashboards.enabled=true",
    "check.role=true",
    "certificates=cert-manager",
    "networkPolicies.jobs={emberscope}",
];

/// From the version before to this one, from little to everything and back; and away.
pub(super) fn installs_upgrades_rolls_back_and_goes(cluster: &Cluster) {
    let (helm, kubectl) = (cluster.helm().unwrap(), cluster.kubectl());
    let folder = tempfile::tempdir().unwrap();
    let chart = manifests().join("chart");
    let chart = chart.to_str().unwrap();
    let packed = folder.path().to_str().unwrap();
    let package = |version: &str| -> String {
        let versions = ["--version", version, "--app-version", version];
        helm.run([&["package", chart, "--destination", packed][..], &versions].concat()).unwrap();
        format!("{packed}/emberscope-{version}.tgz")
    };
    let (before, now) = (package(BEFORE), package(VERSION));

    let install = ["install", RELEASE, &before, "--create-namespace"];
    let notes = helm.run(install.into_iter().chain(WHERE)).unwrap();
    assert!(
        notes.contains("kubectl label namespace NAME emberscope.dev/inject=enabled"),
        "{notes}"
    );
    let get = |kind: &str, name: &str| -> Value {
        let get = ["get", kind, name, "-n", "emberscope", "-o", "json"];
        kubectl.run(get).unwrap().json().unwrap()
    };
    let image = || {
        let deployment = get("deployment", "emberscope");
        let containers = &deployment["spec"]["template"]["spec"]["containers"];
        containers[0]["image"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned()
    };
    assert_eq!(image(), BEFORE);

    // What the webhook writes there.
    let bundle =
        json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "Q0E="}]);
    let configuration = "mutatingwebhookconfiguration";
    let patch = ["patch", configuration, "emberscope", "--type=json", "-p", &bundle.to_string()];
    kubectl.run(patch).unwrap();

    let upgrade = |values: &[&str]| {
        let set = values.iter().flat_map(|value| ["--set", value]);
        let upgrade = ["upgrade", RELEASE, &now].into_iter().chain(WHERE);
        helm.run(upgrade.chain(set)).unwrap();
        let webhooks = get(configuration, "emberscope")["webhooks"].take();
        assert_eq!(webhooks[0]["clientConfig"]["caBundle"], "Q0E=", "an upgrade took it away");
    };
    upgrade(&[]);
    assert_eq!(image(), VERSION);
    upgrade(&ALL);
    // All of a release is in one Secret, which may have a MiB.
    let owned = ["get", "secrets", "-n", "emberscope", "-l", "owner=helm", "-o", "json"];
    let releases = kubectl.run(owned).unwrap().json().unwrap();
    for release in releases["items"].as_array().unwrap() {
        let size = release["data"]["release"].as_str().unwrap().len();
        assert!(size < 700_000, "{size} bytes of Base64");
    }
    upgrade(&[]);
    helm.run(["rollback", RELEASE, "1"].into_iter().chain(WHERE)).unwrap();
    assert_eq!(image(), BEFORE);
    let webhooks = get(configuration, "emberscope")["webhooks"].take();
    assert_eq!(webhooks[0]["clientConfig"]["caBundle"], "Q0E=", "a rollback took it away");

    helm.run(["uninstall", RELEASE].into_iter().chain(WHERE)).unwrap();
    let (going, kept): (Vec<Value>, Vec<Value>) =
        left(&kubectl).into_iter().partition(|object| object["status"]["phase"] == "Terminating");
    let names = |objects: &[Value]| -> Vec<Value> {
        objects.iter().map(|object| json!([object["kind"], object["metadata"]["name"]])).collect()
    };
    // The figures are in it; Helm was told to keep it.
    assert_eq!(names(&kept), [json!(["Namespace", "emberscope-monitoring"])]);
    assert_eq!(names(&going), [json!(["Namespace", "emberscope-node-exporter"])]);
    for namespace in going {
        let_go(&kubectl, namespace);
    }
    for namespace in ["emberscope-monitoring", "emberscope"] {
        kubectl.run(["delete", "namespace", namespace, "--wait=false"]).unwrap();
        let namespace = kubectl.run(["get", "namespace", namespace, "-o", "json"]).unwrap();
        let_go(&kubectl, namespace.json().unwrap());
    }
    assert!(fs::read_dir(folder.path()).unwrap().count() == 2);
}
