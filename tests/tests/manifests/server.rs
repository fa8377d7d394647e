//! `manifests/monitoring/prometheus` as a whole server, and the components beside it: what they run, as
//! whom, and what they may see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::pod_security::violations;
use super::prometheus::kept_by;
use super::shipped::{config_map, configuration};
use super::{output, rendered};

/// The two overlays with a Prometheus in them.
const OVERLAYS: [&str; 2] = ["manifests/overlays/prometheus", "manifests/overlays/amp"];

/// What runs pods, with their specs.
fn workloads(objects: &[Value]) -> Vec<(&Value, &Value)> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let found = objects.iter().filter(|object| kinds.iter().any(|kind| object["kind"] == *kind));
    found.map(|object| (object, &object["spec"]["template"]["spec"])).collect()
}

fn named<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    let mut found = objects
        .iter()
        .filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.next().unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// The configuration in a file, with targets from a file in the place of the cluster's (Debian's promtool
/// knows no other discovery), and with an authority and a token, which promtool wants to see.
fn written(config: &Value, targets: &[Value]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config.clone();
    for job in config["scrape_configs"].as_array_mut().unwrap() {
        if job.as_object_mut().unwrap().remove("kubernetes_sd_configs").is_some() {
            job["file_sd_configs"] = json!([{"files": ["targets.json"]}]);
        }
    }
    let text = serde_saphyr::to_string(&config).unwrap();
    fs::write(folder.path().join("targets.json"), json!(targets).to_string()).unwrap();
    for file in ["token", "ca.crt"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    let here = folder.path().to_str().unwrap();
    let text = text.replace("/var/run/secrets/kubernetes.io/serviceaccount", here);
    let path = folder.path().join("prometheus.yml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn promtool_takes_the_configuration_of_every_server() {
    for overlay in OVERLAYS {
        let config = configuration(&rendered(overlay));
        let (_folder, path) = written(&config, &[]);
        output("promtool", &["check", "config", path.to_str().unwrap()]);
        let jobs = config["scrape_configs"].as_array().unwrap().iter();
        let jobs: BTreeSet<_> = jobs.map(|job| job["job_name"].as_str().unwrap()).collect();
        let expected = [
            "apiserver",
            "emberscope",
            "emberscope-prometheus",
            "emberscope-webhook",
            "kube-state-metrics",
            "kubelet-cadvisor",
            "node-exporter",
        ];
        assert_eq!(jobs, BTreeSet::from(expected), "{overlay}");
    }
}

#[test]
fn the_volumes_are_where_the_configuration_looks() {
    let objects = rendered(OVERLAYS[0]);
    let container = &named(&objects, "StatefulSet", "emberscope-prometheus")["spec"]["template"]["spec"]
        ["containers"][0];
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mounts: BTreeMap<_, _> = mounts
        .iter()
        .map(|mount| (mount["mountPath"].as_str().unwrap(), mount["name"].as_str().unwrap()))
        .collect();
    let expected = [
        ("/etc/prometheus", "config"),
        ("/etc/prometheus-rules", "rules"),
        ("/prometheus", "data"),
    ];
    assert_eq!(mounts, BTreeMap::from(expected));
    let config = &config_map(&objects)["prometheus.yml"];
    assert!(config.as_str().unwrap().contains("- /etc/prometheus/scrape-*.yaml\n"));
    assert!(config.as_str().unwrap().contains("- /etc/prometheus-rules/*.yaml\n"));
    let arguments = container["args"].as_array().unwrap();
    assert!(arguments.contains(&json!("--config.file=/etc/prometheus/prometheus.yml")));
    assert!(arguments.contains(&json!("--storage.tsdb.path=/prometheus")));
}

#[test]
fn every_workload_meets_restricted_pod_security_but_the_node_exporter() {
    let objects = rendered(OVERLAYS[0]);
    let mut namespaces = BTreeSet::new();
    for (object, pod) in workloads(&objects) {
        let name = object["metadata"]["name"].as_str().unwrap();
        let namespace = object["metadata"]["namespace"].as_str().unwrap();
        let found = violations(pod);
        if name == "emberscope-node-exporter" {
            let expected =
                ["hostNetwork", "hostPID", "hostPath", "hostPath", "\"node-exporter\": host port"];
            assert_eq!(found, expected);
        } else {
            assert_eq!(found, Vec::<String>::new(), "{name}");
            let labels = &named(&objects, "Namespace", namespace)["metadata"]["labels"];
            assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted", "{name}");
        }
        namespaces.insert(namespace);
    }
    assert_eq!(
        namespaces,
        BTreeSet::from(["emberscope", "emberscope-monitoring", "emberscope-node-exporter"])
    );
}

#[test]
fn every_container_has_resources_a_version_and_a_read_only_root() {
    for (object, pod) in workloads(&rendered(OVERLAYS[0])) {
        let name = &object["metadata"]["name"];
        for container in pod["containers"].as_array().unwrap() {
            let (_, tag) = container["image"].as_str().unwrap().rsplit_once(':').unwrap();
            let number = tag.trim_start_matches('v');
            let parts: Vec<_> = number.split('.').map(str::parse::<u32>).collect();
            assert!(parts.len() == 3 && parts.iter().all(Result::is_ok), "{name}: {tag}");
            assert!(container["resources"]["requests"]["cpu"].is_string(), "{name}");
            assert!(container["resources"]["requests"]["memory"].is_string(), "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{name}");
        }
    }
}

/// What each cluster-wide role of the overlay allows.
#[test]
fn prometheus_and_its_exporters_may_do_exactly_this() {
    let objects = rendered(OVERLAYS[0]);
    let expected = [
        (
            "emberscope-prometheus",
            json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}]),
        ),
        (
            "emberscope-prometheus-kubelet",
            json!([
                {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
            ]),
        ),
        (
            "emberscope-prometheus-apiserver",
            json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]),
        ),
        (
            "emberscope-kube-state-metrics",
            json!([
                {
                    "apiGroups": [""],
                    "resources": ["pods", "nodes", "namespaces"],
                    "verbs": ["list", "watch"],
                },
                {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list", "watch"]},
            ]),
        ),
    ];
    let roles = objects.iter().filter(|object| {
        object["kind"] == "ClusterRole" && object["metadata"]["name"] != "emberscope"
    });
    assert_eq!(roles.count(), expected.len());
    for (name, rules) in expected {
        assert_eq!(named(&objects, "ClusterRole", name)["rules"], rules, "{name}");
    }
    // kube-state-metrics watches what it is allowed to, and nothing that it would be refused.
    let pod = &named(&objects, "Deployment", "emberscope-kube-state-metrics")["spec"]["template"];
    let arguments = pod["spec"]["containers"][0]["args"].as_array().unwrap();
    assert!(arguments.contains(&json!("--resources=pods,nodes,namespaces,deployments")));
}

/// Each exporter's own port is scraped once, and no other pod's.
#[test]
fn the_jobs_of_the_components_find_their_pods() {
    let objects = rendered(OVERLAYS[0]);
    let config = configuration(&objects);
    let mut found = Vec::new();
    for (object, pod) in workloads(&objects) {
        for port in pod["containers"][0]["ports"].as_array().unwrap() {
            let labels = object["spec"]["template"]["metadata"]["labels"].as_object().unwrap();
            let mut target: serde_json::Map<_, _> = labels
                .iter()
                .map(|(key, value)| (key.replace(['.', '/', '-'], "_"), value.clone()))
                .map(|(key, value)| (format!("__meta_kubernetes_pod_label_{key}"), value))
                .collect();
            target.insert(
                "__meta_kubernetes_pod_container_port_name".to_owned(),
                port["name"].clone(),
            );
            target.insert("__meta_kubernetes_pod_node_name".to_owned(), json!("node-1"));
            let address = format!(
                "{}:{}",
                object["metadata"]["name"].as_str().unwrap(),
                port["containerPort"]
            );
            found.push(json!({"targets": [address], "labels": target}));
        }
    }
    let (_folder, path) = written(&config, &found);
    for (job, address, node) in [
        ("node-exporter", "emberscope-node-exporter:9100", json!("node-1")),
        ("kube-state-metrics", "emberscope-kube-state-metrics:8080", json!(null)),
        ("emberscope-webhook", "emberscope:8080", json!("node-1")),
    ] {
        let kept = kept_by(&path, job, &found);
        assert_eq!(kept.len(), 1, "{job}: {kept:?}");
        assert_eq!(kept[0]["__address__"], address, "{job}");
        assert_eq!(kept[0]["node"], node, "{job}");
    }
}

/// Not nodes/proxy, and cAdvisor's old timestamps are not taken over.
#[test]
fn kubelets_are_asked_for_containers_only() {
    let config = configuration(&rendered(OVERLAYS[0]));
    let jobs = config["scrape_configs"].as_array().unwrap();
    let job = jobs.iter().find(|job| job["job_name"] == "kubelet-cadvisor").unwrap();
    assert_eq!(job["metrics_path"], "/metrics/cadvisor");
    assert_eq!(job["kubernetes_sd_configs"], json!([{"role": "node"}]));
    assert_eq!(job["honor_timestamps"], false);
    assert_eq!(job["honor_labels"], true);
}

/// Each API server by its own address, and of its thousands of series those of the webhook.
#[test]
fn api_servers_are_asked_for_their_calls_of_the_webhook_only() {
    let objects = rendered(OVERLAYS[0]);
    let config = configuration(&objects);
    let jobs = config["scrape_configs"].as_array().unwrap();
    let job = jobs.iter().find(|job| job["job_name"] == "apiserver").unwrap();
    let endpoints = json!([{"role": "endpoints", "namespaces": {"names": ["default"]}}]);
    assert_eq!(job["kubernetes_sd_configs"], endpoints);
    let role = named(&objects, "Role", "emberscope-prometheus-apiserver");
    assert_eq!(role["metadata"]["namespace"], "default");
    let kept = &job["metric_relabel_configs"][0];
    assert_eq!(kept["action"], "keep");
    let regex = "apiserver_admission_webhook_fail_open_count;pods\\.emberscope\\.dev";
    assert_eq!(kept["regex"], regex);
    let target = |service: &str, port: &str| {
        json!({"targets": [format!("{service}-{port}:443")], "labels": {
            "__meta_kubernetes_service_name": service,
            "__meta_kubernetes_endpoint_port_name": port,
        }})
    };
    let targets =
        [target("kubernetes", "https"), target("kubernetes", "x"), target("web", "https")];
    let (_folder, path) = written(&config, &targets);
    let found = kept_by(&path, "apiserver", &targets);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["__address__"], "kubernetes-https:443");
}

#[test]
fn the_autoscaler_is_for_the_container_that_there_is() {
    let vpa = super::documents(&super::read(
        "manifests/components/vertical-pod-autoscaler/verticalpodautoscaler.yaml",
    ))
    .remove(0);
    let objects = rendered(OVERLAYS[0]);
    let target = &vpa["spec"]["targetRef"];
    let server =
        named(&objects, target["kind"].as_str().unwrap(), target["name"].as_str().unwrap());
    assert_eq!(vpa["metadata"]["namespace"], server["metadata"]["namespace"]);
    let container = &server["spec"]["template"]["spec"]["containers"][0];
    let policy = &vpa["spec"]["resourcePolicy"]["containerPolicies"][0];
    assert_eq!(policy["containerName"], container["name"]);
    // There is one replica, and the autoscaler leaves fewer than two alone by itself.
    assert_eq!(server["spec"]["replicas"], 1);
    assert_eq!(vpa["spec"]["updatePolicy"]["minReplicas"], 1);
}

#[test]
fn every_object_of_every_overlay_is_labelled_as_ours() {
    let overlays = fs::read_dir(super::root().join("manifests/overlays")).unwrap();
    let overlays: Vec<_> = overlays.map(|entry| entry.unwrap().file_name()).collect();
    assert!(overlays.len() >= 4, "{overlays:?}");
    for overlay in overlays {
        let overlay = format!("manifests/overlays/{}", overlay.to_str().unwrap());
        for object in rendered(&overlay) {
            let labels = &object["metadata"]["labels"];
            let what = format!("{overlay}: {} {}", object["kind"], object["metadata"]["name"]);
            assert_eq!(labels["app.kubernetes.io/part-of"], "emberscope", "{what}");
            assert_eq!(labels["app.kubernetes.io/version"], env!("CARGO_PKG_VERSION"), "{what}");
            assert!(
                object["metadata"]["name"].as_str().unwrap().starts_with("emberscope"),
                "{what}"
            );
        }
    }
}
