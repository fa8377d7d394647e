//! What Prometheus' Kubernetes discovery (`role: pod`, `role: endpoints`) would know of a pod, for
//! `file_sd_configs`.
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

/// The targets of `role: endpoints` for a Service with this pod behind it: its ports, and then all other
/// ports of the pod's containers, which is the same when all of its ports are ports of the containers.
#[must_use]
pub fn endpoints(service: &Value, pod: &Value, at: Whereabouts<'_>) -> Vec<Value> {
    let metadata = &service["metadata"];
    let mut found = targets(pod, at);
    for target in &mut found {
        if let Some(labels) = target["labels"].as_object_mut() {
            put(labels, "service_name", &metadata["name"]);
            put(labels, "endpoints_name", &metadata["name"]);
            put(labels, "endpoint_ready", &json!("true"));
            describe(labels, "service", metadata);
            let port = ["name", "number"]
                .map(|key| labels[&format!("__meta_kubernetes_pod_container_port_{key}")].clone());
            let mut ports = service["spec"]["ports"].as_array().into_iter().flatten();
            if let Some(own) = ports.find(|own| {
                let leads_to = &own["targetPort"];
                port.contains(leads_to) || port.contains(&json!(leads_to.to_string()))
            }) {
                put(labels, "endpoint_port_name", &own["name"]);
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
    describe(&mut labels, "pod", metadata);
    labels
}

/// An object's own labels and annotations.
fn describe(labels: &mut Map<String, Value>, role: &str, metadata: &Value) {
    for (kind, source) in [("label", "labels"), ("annotation", "annotations")] {
        for (key, value) in metadata[source].as_object().into_iter().flatten() {
            let key = label_name(key);
            put(labels, &format!("{role}_{kind}_{key}"), value);
            put(labels, &format!("{role}_{kind}present_{key}"), &json!("true"));
        }
    }
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

    #[test]
    fn behind_a_service_the_same_ports_are_targets_with_the_services_labels_too() {
        let pod = json!({
            "metadata": {"name": "p", "namespace": "n", "annotations": {"a": "of the pod"}},
            "spec": {"containers": [{"name": "spark", "ports": [{"name": "spark-ui", "containerPort": 4040}]}]},
        });
        let service = json!({
            "metadata": {"name": "s", "annotations": {"a": "of the Service"}},
            "spec": {"ports": [{"name": "ui", "targetPort": 4040}, {"name": "rpc", "targetPort": 7078}]},
        });
        let found = endpoints(&service, &pod, Whereabouts { address: "127.0.0.1", node: "here" });
        assert_eq!(found[0]["targets"], json!(["127.0.0.1:4040"]));
        let labels = &found[0]["labels"];
        assert_eq!(labels["__meta_kubernetes_pod_annotation_a"], "of the pod");
        assert_eq!(labels["__meta_kubernetes_service_annotation_a"], "of the Service");
        assert_eq!(labels["__meta_kubernetes_service_annotationpresent_a"], "true");
        assert_eq!(labels["__meta_kubernetes_service_name"], "s");
        assert_eq!(labels["__meta_kubernetes_endpoint_port_name"], "ui");
    }
}
