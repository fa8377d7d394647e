//! What Prometheus' Kubernetes discovery (`role: pod`) would know of a pod, for `file_sd_configs`.
//!
//! One target per container port, init containers included, with the `__meta_kubernetes_*` labels
//! of Prometheus' own `discovery/kubernetes/pod.go`; so that relabelling rules that are written
//! for a cluster run unchanged without one.

use anyhow::Result;
use serde_json::{Map, Value, json};

/// Where a pod runs, which only a cluster could say.
#[derive(Debug, Clone, Copy)]
pub struct Whereabouts<'a> {
    /// The pod's address.
    pub address: &'a str,
    /// The name of its node.
    pub node: &'a str,
}

/// The pod's targets, as the entries of a `file_sd_configs` file.
#[must_use]
pub fn targets(pod: &Value, at: Whereabouts<'_>) -> Vec<Value> {
    let common = pod_labels(pod, at);
    let mut found = Vec::new();
    for (list, init) in [("containers", "false"), ("initContainers", "true")] {
        for container in pod["spec"][list].as_array().into_iter().flatten() {
            for port in container["ports"].as_array().into_iter().flatten() {
                let mut labels = common.clone();
                let number = &port["containerPort"];
                for (key, value) in [
                    ("pod_container_init", json!(init)),
                    ("pod_container_name", container["name"].clone()),
                    ("pod_container_image", container["image"].clone()),
                    ("pod_container_port_name", port["name"].clone()),
                    ("pod_container_port_number", json!(number.to_string())),
                    (
                        "pod_container_port_protocol",
                        json!(port["protocol"].as_str().unwrap_or("TCP")),
                    ),
                ] {
                    put(&mut labels, key, &value);
                }
                found.push(
                    json!({"targets": [format!("{}:{number}", at.address)], "labels": labels}),
                );
            }
        }
    }
    found
}

/// A pod of the shipped Deployment (`manifests/base/deployment.yaml`) whose metrics are on that port.
pub fn webhook(deployment: &str, metrics: u16) -> Result<Value> {
    let deployment: Value = serde_saphyr::from_str(deployment)?;
    let mut pod = deployment["spec"]["template"].clone();
    pod["metadata"]["namespace"] = "emberscope".into();
    pod["metadata"]["name"] = "emberscope-0".into();
    for port in pod["spec"]["containers"][0]["ports"].as_array_mut().into_iter().flatten() {
        if port["name"] == "metrics" {
            port["containerPort"] = metrics.into();
        }
    }
    Ok(pod)
}

fn pod_labels(pod: &Value, at: Whereabouts<'_>) -> Map<String, Value> {
    let metadata = &pod["metadata"];
    let mut labels = Map::new();
    put(&mut labels, "namespace", &metadata["namespace"]);
    put(&mut labels, "pod_name", &metadata["name"]);
    put(&mut labels, "pod_ip", &json!(at.address));
    put(&mut labels, "pod_host_ip", &json!(at.address));
    put(&mut labels, "pod_node_name", &json!(at.node));
    put(&mut labels, "pod_phase", &json!("Running"));
    put(&mut labels, "pod_ready", &json!("true"));
    for (kind, presence, source) in [
        ("pod_label_", "pod_labelpresent_", &metadata["labels"]),
        ("pod_annotation_", "pod_annotationpresent_", &metadata["annotations"]),
    ] {
        for (key, value) in source.as_object().into_iter().flatten() {
            let key = label_name(key);
            put(&mut labels, &format!("{kind}{key}"), value);
            put(&mut labels, &format!("{presence}{key}"), &json!("true"));
        }
    }
    labels
}

fn put(labels: &mut Map<String, Value>, key: &str, value: &Value) {
    if value.is_string() {
        labels.insert(format!("__meta_kubernetes_{key}"), value.clone());
    }
}

/// Prometheus' `SanitizeLabelName`: every character that a label name may not have becomes `_`.
fn label_name(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_of_every_container_is_a_target_with_the_pods_labels() {
        let pod = json!({
            "metadata": {
                "name": "p", "namespace": "n",
                "labels": {"spark-role": "driver"},
                "annotations": {"prometheus.io/port": "9814"},
            },
            "spec": {
                "containers": [{"name": "spark", "ports": [{"name": "spark-ui", "containerPort": 4040}]}],
                "initContainers": [{"name": "sidecar", "ports": [{"name": "emberscope", "containerPort": 9814}]}],
            },
        });
        let found = targets(&pod, Whereabouts { address: "127.0.0.1", node: "here" });
        assert_eq!(found.len(), 2);
        assert_eq!(found[1]["targets"], json!(["127.0.0.1:9814"]));
        let labels = &found[1]["labels"];
        assert_eq!(labels["__meta_kubernetes_pod_container_port_name"], "emberscope");
        assert_eq!(labels["__meta_kubernetes_pod_container_port_number"], "9814");
        assert_eq!(labels["__meta_kubernetes_pod_container_init"], "true");
        assert_eq!(labels["__meta_kubernetes_pod_label_spark_role"], "driver");
        assert_eq!(labels["__meta_kubernetes_pod_annotation_prometheus_io_port"], "9814");
        assert_eq!(labels["__meta_kubernetes_namespace"], "n");
    }
}
