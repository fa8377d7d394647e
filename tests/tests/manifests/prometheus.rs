//! `manifests/monitoring/prometheus`: which targets the shipped jobs keep, and how they label them.
//! The oracle is Prometheus' own `promtool check service-discovery`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{documents, output, read};

const FILES: [&str; 3] =
    ["scrape-config.yaml", "scrape-config-annotations.yaml", "scrape-config-walkthrough.yaml"];

/// A shipped file with targets from a file in the place of Kubernetes, as its head describes.
fn with_targets(file: &str, targets: &Value) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let yaml = read(&format!("manifests/monitoring/prometheus/{file}"))
        .replace("kubernetes_sd_configs:", "file_sd_configs:")
        .replace("- role: pod", "- files: [targets.json]")
        .replace("- role: endpoints", "- files: [targets.json]");
    let path = directory.path().join("prometheus.yml");
    fs::write(&path, yaml).unwrap();
    fs::write(directory.path().join("targets.json"), targets.to_string()).unwrap();
    (directory, path)
}

/// A target as Prometheus discovers it for one port of a container; labels go without their
/// `__meta_kubernetes_`.
pub(crate) fn target(address: &str, port_name: &str, labels: &[(&str, &str)]) -> Value {
    let common = [
        ("namespace", "spark-jobs"),
        ("pod_name", "taxi-driver"),
        ("pod_node_name", "node-1"),
        ("pod_phase", "Running"),
        ("pod_container_port_name", port_name),
    ];
    let labels: Map<_, _> = common
        .iter()
        .chain(labels)
        .map(|(key, value)| (format!("__meta_kubernetes_{key}"), json!(value)))
        .collect();
    json!({"targets": [address], "labels": labels})
}

/// The labels of the targets that a job of a shipped file keeps, in the order of their addresses,
/// without those that begin with `__scrape`.
pub(crate) fn kept(file: &str, job: &str, targets: &[Value]) -> Vec<Value> {
    let (_directory, path) = with_targets(file, &json!(targets));
    kept_by(&path, job, targets)
}

/// The same of any configuration that reads these targets from a file.
pub(crate) fn kept_by(path: &Path, job: &str, targets: &[Value]) -> Vec<Value> {
    let path = path.to_str().unwrap();
    let found = output("promtool", &["check", "service-discovery", "--timeout=1s", path, job]);
    let found: Vec<Value> = serde_json::from_str(&found).unwrap();
    assert_eq!(found.len(), targets.len(), "promtool saw other targets than it was given");
    let mut kept: Vec<_> = found.into_iter().map(|mut target| target["labels"].take()).collect();
    kept.retain(|labels| *labels != json!({}));
    for labels in &mut kept {
        labels.as_object_mut().unwrap().retain(|key, _| !key.starts_with("__scrape"));
    }
    kept.sort_by_key(|labels| labels["__address__"].as_str().map(str::to_owned));
    kept
}

#[test]
fn the_files_are_valid_and_each_job_discovers_pods_alike() {
    for file in FILES {
        let (_directory, path) = with_targets(file, &json!([]));
        output("promtool", &["check", "config", path.to_str().unwrap()]);
        let config = documents(&read(&format!("manifests/monitoring/prometheus/{file}"))).remove(0);
        for job in config["scrape_configs"].as_array().unwrap() {
            // The same in each job: Prometheus then watches pods once.
            let role = match job["job_name"].as_str().unwrap() {
                "kubernetes-service-endpoints" => "endpoints",
                _ => "pod",
            };
            let name = &job["job_name"];
            assert_eq!(job["kubernetes_sd_configs"], json!([{"role": role}]), "{name}");
        }
    }
}

#[test]
fn the_sidecars_port_is_scraped_and_labelled_and_no_other() {
    let emr = [
        ("pod_container_init", "true"),
        ("pod_label_spark_role", "driver"),
        ("pod_label_team", "data-a"),
        ("pod_label_spark_app_selector", "spark-1"),
        ("pod_label_spark_app_name", "taxi-trip"),
        ("pod_label_emr_containers_amazonaws_com_job_id", "0001"),
        ("pod_label_emr_containers_amazonaws_com_virtual_cluster_id", "vc1"),
    ];
    let targets =
        [target("10.0.0.1:9814", "emberscope", &emr), target("10.0.0.1:4040", "spark-ui", &emr)];
    let expected = json!({
        "__address__": "10.0.0.1:9814",
        "__metrics_path__": "/metrics",
        "__scheme__": "http",
        "emr_containers_amazonaws_com_job_id": "0001",
        "emr_containers_amazonaws_com_virtual_cluster_id": "vc1",
        "instance": "10.0.0.1:9814",
        "job": "emberscope",
        "namespace": "spark-jobs",
        "node": "node-1",
        "pod": "taxi-driver",
        "spark_app_name": "taxi-trip",
        "spark_role": "driver",
        "team": "data-a",
    });
    assert_eq!(kept("scrape-config.yaml", "emberscope", &targets), [expected]);
}

/// Alerts and dashboards know two roles.
#[test]
fn a_spark_connect_server_is_a_driver_by_both_ways() {
    for (file, job) in [(FILES[0], "emberscope"), (FILES[1], "emberscope-annotations")] {
        let pod = target(
            "10.0.0.1:9814",
            "emberscope",
            &[
                ("pod_label_spark_role", "connect-server"),
                ("pod_annotation_prometheus_io_scrape", "true"),
            ],
        );
        let kept = kept(file, job, &[pod]);
        assert_eq!(kept.len(), 1, "{job}");
        assert_eq!(kept[0]["spark_role"], "driver", "{job}");
    }
}

#[test]
fn finished_pods_are_dropped_by_both_ways() {
    for (file, job) in [(FILES[0], "emberscope"), (FILES[1], "emberscope-annotations")] {
        let pod = |address, phase| {
            target(
                address,
                "emberscope",
                &[
                    ("pod_phase", phase),
                    ("pod_label_spark_role", "executor"),
                    ("pod_annotation_prometheus_io_scrape", "true"),
                ],
            )
        };
        let targets = [
            pod("10.0.0.1:9814", "Running"),
            pod("10.0.0.2:9814", "Succeeded"),
            pod("10.0.0.3:9814", "Failed"),
            pod("10.0.0.4:9814", "Pending"),
        ];
        let kept = kept(file, job, &targets);
        let addresses: Vec<_> = kept.iter().map(|labels| &labels["__address__"]).collect();
        assert_eq!(addresses, ["10.0.0.1:9814", "10.0.0.4:9814"], "{job}");
    }
}

#[test]
fn annotations_choose_port_and_path_of_spark_pods_only() {
    let annotations = [
        ("pod_annotation_prometheus_io_scrape", "true"),
        ("pod_annotation_prometheus_io_port", "9814"),
        ("pod_annotation_prometheus_io_path", "/metrics"),
    ];
    let spark = [&annotations[..], &[("pod_label_spark_role", "driver")]].concat();
    let own_page = [
        ("pod_annotation_prometheus_io_scrape", "true"),
        ("pod_annotation_prometheus_io_port", "4040"),
        ("pod_annotation_prometheus_io_path", "/metrics/executors/prometheus/"),
        ("pod_label_spark_role", "driver"),
    ];
    let targets = [
        target("10.0.0.1:4040", "spark-ui", &spark),
        target("[fd00::1]:7078", "driver-rpc-port", &spark),
        target("10.0.0.2:7078", "driver-rpc-port", &own_page),
        target("10.0.0.3:80", "http", &annotations),
        target("10.0.0.4:4040", "spark-ui", &[("pod_label_spark_role", "driver")]),
    ];
    let kept = kept("scrape-config-annotations.yaml", "emberscope-annotations", &targets);
    let scraped: Vec<_> =
        kept.iter().map(|labels| [&labels["__address__"], &labels["__metrics_path__"]]).collect();
    let expected = [
        ["10.0.0.1:9814", "/metrics"],
        ["10.0.0.2:4040", "/metrics/executors/prometheus/"],
        ["[fd00::1]:9814", "/metrics"],
    ];
    assert_eq!(scraped, expected);
}

#[test]
fn the_webhooks_own_port_is_scraped_and_no_other() {
    let labels = [
        ("pod_label_app_kubernetes_io_name", "emberscope"),
        ("pod_label_app_kubernetes_io_component", "webhook"),
    ];
    let targets = [
        target("10.0.0.1:8080", "metrics", &labels),
        target("10.0.0.1:8443", "webhook", &labels),
        target("10.0.0.2:8080", "metrics", &[("pod_label_app_kubernetes_io_name", "other")]),
    ];
    let kept = kept("scrape-config.yaml", "emberscope-webhook", &targets);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["__address__"], "10.0.0.1:8080");
    assert_eq!(kept[0]["pod"], "taxi-driver");
}

#[test]
fn no_job_copies_all_pod_labels() {
    for file in FILES {
        let config = documents(&read(&format!("manifests/monitoring/prometheus/{file}"))).remove(0);
        for job in config["scrape_configs"].as_array().unwrap() {
            for rule in job["relabel_configs"].as_array().unwrap() {
                assert_ne!(rule["action"], "labelmap", "{}", job["job_name"]);
            }
        }
    }
}
