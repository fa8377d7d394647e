//! Each value by itself: it does something, and what is wrong is refused.

use std::collections::BTreeSet;
use std::fs;

use emberscope_core::Config;
use serde_json::{Value, json};

use super::super::{documents, find, read};
use super::values::leaves;
use super::{helm, is_hook, release};

/// Another value than the default for each key, with what has to be on for it to matter.
const OTHERS: [(&str, &str, &str); 44] = [
    ("image.repository", "registry.example.com/emberscope", ""),
    ("image.tag", "9.9.9", ""),
    (
        "image.digest",
        concat!("sha256:", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        "",
    ),
    ("image.pullPolicy", "Always", ""),
    ("imagePullSecrets[0].name", "registry", ""),
    ("replicas", "3", ""),
    ("resources.limits.memory", "96Mi", ""),
    ("nodeSelector.pool", "system", ""),
    ("tolerations[0].operator", "Exists", ""),
    ("affinity.nodeAffinity.x", "y", ""),
    ("priorityClassName", "platform", ""),
    ("podLabels.team", "platform", ""),
    ("podAnnotations.team", "platform", ""),
    ("labels.team", "platform", ""),
    ("namespace.create", "true", ""),
    ("config.sidecar.lingerSeconds", "40", ""),
    ("certificates", "cert-manager", ""),
    ("networkPolicies.webhook", "false", ""),
    ("networkPolicies.executors", "{team-a}", ""),
    ("networkPolicies.jobs", "{team-a}", ""),
    ("networkPolicies.prometheus", "monitoring", "networkPolicies.jobs={team-a}"),
    ("monitors.enabled", "true", ""),
    ("monitors.labels.release", "stack", "monitors.enabled=true"),
    ("rules.kind", "PrometheusRule", ""),
    ("rules.namespace", "monitoring", "rules.kind=ConfigMap"),
    ("rules.labels.release", "stack", "rules.kind=PrometheusRule"),
    ("dashboards.enabled", "true", ""),
    ("dashboards.namespace", "monitoring", "dashboards.enabled=true"),
    ("dashboards.labels.grafana_dashboard", "yes", "dashboards.enabled=true"),
    ("check.role", "true", ""),
    ("check.prometheus", "http://prometheus.monitoring:9090", ""),
    ("prometheus.enabled", "true", ""),
    ("prometheus.image", "registry.example.com/prometheus:v3", "prometheus.enabled=true"),
    ("prometheus.resources.limits.memory", "8Gi", "prometheus.enabled=true"),
    ("prometheus.nodeSelector.pool", "system", "prometheus.enabled=true"),
    ("prometheus.tolerations[0].operator", "Exists", "prometheus.enabled=true"),
    ("prometheus.storage.size", "100Gi", "prometheus.enabled=true"),
    ("prometheus.storage.className", "gp3", "prometheus.enabled=true"),
    ("prometheus.retention.time", "7d", "prometheus.enabled=true"),
    ("prometheus.retention.size", "80GB", "prometheus.enabled=true"),
    ("prometheus.networkPolicies", "true", "prometheus.enabled=true"),
    ("prometheus.verticalPodAutoscaler", "true", "prometheus.enabled=true"),
    ("prometheus.kubelet", "false", "prometheus.enabled=true"),
    ("prometheus.apiServer", "false", "prometheus.enabled=true"),
];

/// The same for what Prometheus stands beside, and where it writes.
const BESIDE: [(&str, &str, &str); 9] = [
    ("prometheus.nodeExporter.enabled", "false", "prometheus.enabled=true"),
    ("prometheus.nodeExporter.image", "registry.example.com/node:v1", "prometheus.enabled=true"),
    ("prometheus.kubeStateMetrics.enabled", "false", "prometheus.enabled=true"),
    ("prometheus.kubeStateMetrics.image", "registry.example.com/ksm:v2", "prometheus.enabled=true"),
    ("prometheus.remoteWrite.workspace", "ws-1", REMOTE),
    ("prometheus.remoteWrite.region", "eu-west-1", REMOTE),
    ("prometheus.remoteWrite.roleArn", "arn:aws:iam::1:role/x", REMOTE),
    ("prometheus.remoteWrite.cluster", "other", REMOTE),
    ("prometheus.remoteWrite.preset", "full", REMOTE),
];

const REMOTE: &str = "prometheus.enabled=true,prometheus.remoteWrite.workspace=ws-0,\
                      prometheus.remoteWrite.region=us-east-1,prometheus.remoteWrite.cluster=one";

#[test]
fn every_value_changes_what_is_installed() {
    let mut tried = BTreeSet::new();
    let keys = leaves();
    for (key, other, needed) in OTHERS.into_iter().chain(BESIDE) {
        let needed: &[&str] = if needed.is_empty() { &[] } else { &[needed] };
        let before = release("emberscope", needed).unwrap();
        let set = format!("{key}={other}");
        let set = [needed, &[&set]].concat();
        let after = release("emberscope", &set).unwrap_or_else(|error| panic!("{key}: {error}"));
        // Not both of them in the message: they are long.
        assert!(before != after, "{key}={other} changes nothing");
        tried.extend(keys.iter().find(|leaf| key.starts_with(&***leaf)).cloned());
    }
    assert_eq!(tried, keys, "a value is not tried here");
}

#[test]
fn what_is_misspelt_or_cannot_be_is_refused_with_its_name() {
    for (value, named) in [
        ("replica=3", "replica"),
        ("certificates=own-ca", "certificates"),
        ("config.sidecars.port=1", "sidecars"),
        ("monitors.enabled=maybe", "enabled"),
        ("prometheus.remoteWrite.workspace=ws-1", "region"),
        ("prometheus.remoteWrite.cluster=it's", "cluster"),
        ("image.digest=latest", "digest"),
    ] {
        let error = release("emberscope", &[value]).unwrap_err();
        assert!(error.contains("schema") && error.contains(named), "{value}: {error}");
    }
}

/// The schema knows the keys of the configuration by name.
#[test]
fn each_key_of_the_configuration_can_be_set() {
    let shipped = documents(&read("webhook/core/src/config/default.yaml")).remove(0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    fs::write(&file, json!({"config": shipped}).to_string()).unwrap();
    let arguments = ["template", "emberscope", "chart", "-n", "emberscope", "-f"];
    let text = helm(&[&arguments, &[file.to_str().unwrap()][..]].concat()).unwrap();
    let text = configuration(&documents(&text));
    assert_eq!(Config::parse(&text, None).unwrap(), Config::default());
}

fn configuration(objects: &[Value]) -> String {
    find(objects, "ConfigMap")["data"]["config.yaml"].as_str().unwrap().to_owned()
}

#[test]
fn a_configuration_may_be_text_and_a_new_role_is_selected() {
    let text = r"config=sparkConfs:
  spark.ui.prometheus.enabled: null
";
    let objects = release("emberscope", &[text]).unwrap();
    assert_eq!(format!("config={}", configuration(&objects)), text);

    let objects = release("emberscope", &["config.roles.driver={driver,thrift-server}"]).unwrap();
    let webhook = &find(&objects, "MutatingWebhookConfiguration")["webhooks"][0];
    assert_eq!(
        webhook["objectSelector"]["matchExpressions"][0]["values"],
        json!(["driver", "connect-server", "executor", "thrift-server"])
    );
    Config::parse(&configuration(&objects), None).unwrap();
}

/// The name that manifests and certificates have for the namespace is nowhere left.
#[test]
fn a_release_in_another_namespace_is_all_of_it_there() {
    let values = ["certificates=cert-manager", "monitors.enabled=true", "namespace.create=true"];
    let objects = release("spark-metrics", &values).unwrap();
    for object in &objects {
        let name = format!("{} {}", object["kind"], object["metadata"]["name"]);
        let text = object.to_string();
        assert!(!text.contains(r#""namespace":"emberscope""#), "{name}");
        assert!(!text.contains("emberscope.emberscope.svc"), "{name}");
        assert!(!text.contains("emberscope/emberscope\""), "{name}");
    }
    let webhook = &find(&objects, "MutatingWebhookConfiguration")["webhooks"][0];
    let excluded = &webhook["namespaceSelector"]["matchExpressions"][1]["values"];
    assert!(excluded.as_array().unwrap().contains(&json!("spark-metrics")), "{excluded}");
    let check = find(&objects, "Pod");
    assert_eq!(
        check["spec"]["containers"][0]["args"],
        json!(["check", "--namespace=spark-metrics"])
    );
    assert!(is_hook(check));
}

#[test]
fn helm_finds_nothing_to_say_of_the_chart() {
    let said = helm(&["lint", "--strict", "chart"]).unwrap();
    assert!(!said.contains("[WARNING]") && !said.contains("[ERROR]"), "{said}");
}

/// What Argo CD and Flux are shown: the values are good ones, and what they are to leave alone is what the
/// webhook writes.
#[test]
fn the_samples_for_argo_cd_and_flux_fit_the_chart() {
    let argo = documents(&read("manifests/samples/argo-cd.yaml"));
    let argo = &find(&argo, "Application")["spec"];
    let flux = documents(&read("manifests/samples/flux.yaml"));
    let flux = &find(&flux, "HelmRelease")["spec"];
    for values in [&argo["source"]["helm"]["valuesObject"], &flux["values"]] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.yaml");
        fs::write(&file, values.to_string()).unwrap();
        helm(&["template", "emberscope", "chart", "-f", file.to_str().unwrap()]).unwrap();
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(argo["source"]["targetRevision"], version);

    let webhook = documents(&read("manifests/base/mutatingwebhookconfiguration.yaml")).remove(0);
    let ignored = &argo["ignoreDifferences"][0];
    assert_eq!(ignored["kind"], webhook["kind"]);
    assert_eq!(ignored["name"], webhook["metadata"]["name"]);
    assert_eq!(ignored["jqPathExpressions"], json!([".webhooks[].clientConfig.caBundle"]));
    let ignored = &flux["driftDetection"]["ignore"][0];
    assert_eq!(ignored["target"]["kind"], webhook["kind"]);
    assert_eq!(ignored["paths"], json!(["/webhooks/0/clientConfig/caBundle"]));
    assert_eq!(webhook["webhooks"].as_array().unwrap().len(), 1);
}
