//! The Prometheus operator's objects, and the shipped scrape jobs: the same targets, the same labels.
//!
//! The operator makes a scrape job of each monitor. What it puts before the monitor's own relabelings is
//! written down here from its documentation, as far as these monitors use it; promtool then says what
//! becomes of real targets.

use std::fs;
use std::path::PathBuf;

use emberscope::inject::inject;
use emberscope_core::AllSettings;
use emberscope_core::Config;
use emberscope_tests::discovery::{Whereabouts, endpoints, targets};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::prometheus::{kept, kept_by};
use super::{base, documents, find, read, rendered};

const AT: Whereabouts<'_> = Whereabouts { address: "10.0.0.1", node: "node-1" };

/// The monitor's own rules, in Prometheus' words.
fn relabelings(endpoint: &Value) -> impl Iterator<Item = Value> {
    let renamed = |rule: &Value| {
        let words = [
            ("sourceLabels", "source_labels"),
            ("targetLabel", "target_label"),
            ("regex", "regex"),
            ("replacement", "replacement"),
            ("action", "action"),
        ];
        let rule = rule.as_object().unwrap();
        let known = words.iter().filter_map(|(theirs, own)| Some((*own, rule.get(*theirs)?)));
        let known: serde_json::Map<_, _> =
            known.map(|(key, value)| (key.to_owned(), value.clone())).collect();
        assert_eq!(known.len(), rule.len(), "a word that this test does not know: {rule:?}");
        Value::Object(known)
    };
    endpoint["relabelings"].as_array().unwrap().iter().map(renamed).collect::<Vec<_>>().into_iter()
}

fn set(target: &str, source: &str) -> Value {
    json!({"source_labels": [format!("__meta_kubernetes_{source}")], "target_label": target})
}

fn keep(source: &str, regex: &Value) -> Value {
    let source = format!("__meta_kubernetes_{source}");
    json!({"source_labels": [source], "regex": regex, "action": "keep"})
}

fn job(name: &str, endpoint: &Value, rules: &[Value]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let rules: Vec<_> = rules.iter().cloned().chain(relabelings(endpoint)).collect();
    let config = json!({"scrape_configs": [{
        "job_name": name,
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["scrapeTimeout"],
        "file_sd_configs": [{"files": ["targets.json"]}],
        "relabel_configs": rules,
    }]});
    let path = folder.path().join("prometheus.yml");
    fs::write(&path, serde_saphyr::to_string(&config).unwrap()).unwrap();
    (folder, path)
}

fn by_the_pod_monitor(targets: &[Value]) -> Vec<Value> {
    let objects = rendered("manifests/overlays/prometheus-operator");
    let spec = &find(&objects, "PodMonitor")["spec"];
    assert_eq!(spec["namespaceSelector"], json!({"any": true}));
    let selector = &spec["selector"]["matchExpressions"];
    assert_eq!(*selector, json!([{"key": "spark-role", "operator": "Exists"}]));
    let endpoint = &spec["podMetricsEndpoints"][0];
    let (folder, path) = job(
        "podMonitor/emberscope/emberscope/0",
        endpoint,
        &[
            json!({
                "source_labels": ["__meta_kubernetes_pod_phase"],
                "regex": "(Failed|Succeeded)",
                "action": "drop",
            }),
            keep("pod_labelpresent_spark_role", &json!("true")),
            keep("pod_container_port_name", &endpoint["port"]),
            set("namespace", "namespace"),
            set("container", "pod_container_name"),
            set("pod", "pod_name"),
            json!({"target_label": "job", "replacement": "emberscope/emberscope"}),
            json!({"target_label": "endpoint", "replacement": endpoint["port"]}),
        ],
    );
    fs::write(folder.path().join("targets.json"), json!(targets).to_string()).unwrap();
    kept_by(&path, "podMonitor/emberscope/emberscope/0", targets)
}

fn by_the_service_monitor(targets: &[Value]) -> Vec<Value> {
    let objects = rendered("manifests/overlays/prometheus-operator");
    let spec = &find(&objects, "ServiceMonitor")["spec"];
    let endpoint = &spec["endpoints"][0];
    let labels = &spec["selector"]["matchLabels"];
    let (folder, path) = job(
        "serviceMonitor/emberscope/emberscope/0",
        endpoint,
        &[
            keep("service_label_app_kubernetes_io_name", &labels["app.kubernetes.io/name"]),
            keep(
                "service_label_app_kubernetes_io_component",
                &labels["app.kubernetes.io/component"],
            ),
            keep("endpoint_port_name", &endpoint["port"]),
            set("namespace", "namespace"),
            set("service", "service_name"),
            set("pod", "pod_name"),
            set("container", "pod_container_name"),
            set("job", "service_name"),
            json!({"target_label": "endpoint", "replacement": endpoint["port"]}),
        ],
    );
    fs::write(folder.path().join("targets.json"), json!(targets).to_string()).unwrap();
    kept_by(&path, "serviceMonitor/emberscope/emberscope/0", targets)
}

#[test]
fn the_pod_monitor_makes_the_targets_of_the_plain_job() {
    let settings = AllSettings::offline(Config::default());
    let mut found = Vec::new();
    let samples = [
        ("10.0.0.1", "emr-driver"),
        ("10.0.0.2", "emr-executor"),
        ("10.0.0.3", "spark-submit-driver"),
        ("10.0.0.4", "spark-submit-executor"),
    ];
    for (address, sample) in samples {
        let pod = documents(&read(&format!("manifests/samples/{sample}.yaml"))).remove(0);
        let pod = inject(pod, "emr-data-team-a", &settings).unwrap().0;
        found.extend(targets(&pod, Whereabouts { address, ..AT }));
    }
    let mut connect = documents(&read("manifests/samples/spark-submit-driver.yaml")).remove(0);
    connect["metadata"]["labels"]["spark-role"] = json!("connect-server");
    let connect = inject(connect, "emr-data-team-a", &settings).unwrap().0;
    found.extend(targets(&connect, Whereabouts { address: "10.0.0.5", ..AT }));
    for phase in ["Succeeded", "Failed"] {
        let mut finished = found[0].clone();
        finished["labels"]["__meta_kubernetes_pod_container_port_name"] = json!("emberscope");
        finished["labels"]["__meta_kubernetes_pod_phase"] = json!(phase);
        found.push(finished);
    }
    let expected = kept("scrape-config.yaml", "emberscope", &found);
    assert_eq!(expected.len(), 5);
    assert_eq!(by_the_pod_monitor(&found), expected);
}

#[test]
fn the_service_monitor_makes_the_targets_of_the_plain_job() {
    let objects = base();
    let mut pod = find(&objects, "Deployment")["spec"]["template"].clone();
    pod["metadata"]["name"] = json!("emberscope-1");
    pod["metadata"]["namespace"] = json!("emberscope");
    let found = endpoints(find(&objects, "Service"), &pod, AT);
    let expected = kept("scrape-config.yaml", "emberscope-webhook", &found);
    assert_eq!(expected.len(), 1);
    assert_eq!(by_the_service_monitor(&found), expected);
}
