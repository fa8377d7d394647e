//! `manifests/base`: complete, well-formed, and of one piece.

use std::{env, fs, iter};

use clap::Parser as _;
use emberscope::cli::Args;
use emberscope_core::Config;
use emberscope_core::config::DEFAULT_YAML;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::serde::Serialize;
use k8s_openapi::serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{base, documents, find, read, root};

/// Reads an object as its type and writes it back: what the type does not know is lost.
pub(crate) fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    serde_json::to_value(typed).unwrap()
}

#[test]
fn every_object_is_what_its_kubernetes_type_holds() {
    let objects = base();
    for object in &objects {
        let kind = object["kind"].as_str().unwrap();
        let again = match kind {
            "ClusterRole" => through::<ClusterRole>(object),
            "ClusterRoleBinding" => through::<ClusterRoleBinding>(object),
            "ConfigMap" => through::<ConfigMap>(object),
            "Deployment" => through::<Deployment>(object),
            "MutatingWebhookConfiguration" => through::<MutatingWebhookConfiguration>(object),
            "Namespace" => through::<Namespace>(object),
            "NetworkPolicy" => through::<NetworkPolicy>(object),
            "PodDisruptionBudget" => through::<PodDisruptionBudget>(object),
            "Role" => through::<Role>(object),
            "RoleBinding" => through::<RoleBinding>(object),
            "Service" => through::<Service>(object),
            "ServiceAccount" => through::<ServiceAccount>(object),
            _ => panic!("the base has a {kind} that no test knows"),
        };
        assert_eq!(again, *object, "{kind}");
    }
    assert_eq!(objects.len(), 12);
}

#[test]
fn every_object_is_labelled_and_has_the_one_name() {
    for object in base() {
        let (kind, metadata) = (&object["kind"], &object["metadata"]);
        assert_eq!(metadata["name"], "emberscope", "{kind}");
        for (key, value) in [
            ("name", "emberscope"),
            ("component", "webhook"),
            ("part-of", "emberscope"),
            ("version", env!("CARGO_PKG_VERSION")),
        ] {
            assert_eq!(metadata["labels"][format!("app.kubernetes.io/{key}")], value, "{kind}");
        }
    }
}

#[test]
fn all_selectors_are_one_and_find_the_deployments_pods() {
    let objects = base();
    let deployment = find(&objects, "Deployment");
    let selector = &deployment["spec"]["selector"]["matchLabels"];
    assert_eq!(find(&objects, "Service")["spec"]["selector"], *selector);
    assert_eq!(find(&objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"], *selector);
    assert_eq!(find(&objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"], *selector);
    let template = &deployment["spec"]["template"];
    let spread = &template["spec"]["topologySpreadConstraints"][0];
    assert_eq!(spread["labelSelector"]["matchLabels"], *selector);
    let labels = &template["metadata"]["labels"];
    let selector = selector.as_object().unwrap();
    assert_eq!(selector.len(), 2);
    for (key, value) in selector {
        assert_eq!(labels[key], *value);
    }
}

#[test]
fn ports_are_named_once_and_lead_to_the_container() {
    let objects = base();
    let container = &find(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let ports = [
        json!({"name": "webhook", "containerPort": 8443}),
        json!({"name": "metrics", "containerPort": 8080}),
    ];
    assert_eq!(container["ports"], json!(ports));
    let service = &find(&objects, "Service")["spec"]["ports"];
    assert_eq!(service[0], json!({"name": "webhook", "port": 443, "targetPort": "webhook"}));
    assert_eq!(service[1], json!({"name": "metrics", "port": 8080, "targetPort": "metrics"}));
    let policy = &find(&objects, "NetworkPolicy")["spec"];
    assert_eq!(policy["ingress"], json!([{"ports": [{"port": 8443}, {"port": 8080}]}]));
    assert_eq!(policy["policyTypes"], json!(["Ingress"]));
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "metrics"}));
    }
}

/// Seen on a node with 25 times as many runnable threads as CPUs: with the default of one second, both
/// replicas were ended at once, and the pods created meanwhile have no sidecar.
#[test]
fn a_replica_on_a_busy_node_is_neither_ended_nor_taken_out_of_service_for_one_slow_second() {
    let objects = base();
    let container = &find(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let seconds =
        |probe: &str, key: &str, default| container[probe][key].as_u64().unwrap_or(default);
    for probe in ["livenessProbe", "readinessProbe"] {
        assert!(seconds(probe, "timeoutSeconds", 1) >= 5, "{probe}");
    }
    let patience = seconds("livenessProbe", "periodSeconds", 10)
        * seconds("livenessProbe", "failureThreshold", 3);
    assert!(patience >= 60, "{patience} s");
}

#[test]
fn the_webhook_may_do_exactly_this() {
    let objects = base();
    let namespaced = json!([
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["emberscope-tls"], "verbs": ["get", "list", "watch", "update"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    ]);
    assert_eq!(find(&objects, "Role")["rules"], namespaced);
    let cluster = json!([
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations"],
            "resourceNames": ["emberscope"],
            "verbs": ["get", "list", "watch", "patch"],
        },
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
        {"apiGroups": [""], "resources": ["limitranges", "resourcequotas"], "verbs": ["list", "watch"]},
    ]);
    assert_eq!(find(&objects, "ClusterRole")["rules"], cluster);
    let account =
        json!([{"kind": "ServiceAccount", "name": "emberscope", "namespace": "emberscope"}]);
    for (binding, role) in [("RoleBinding", "Role"), ("ClusterRoleBinding", "ClusterRole")] {
        assert_eq!(find(&objects, binding)["subjects"], account);
        assert_eq!(find(&objects, binding)["roleRef"]["kind"], role);
    }
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], "emberscope");
    assert_eq!(find(&objects, "ServiceAccount")["automountServiceAccountToken"], false);
}

#[test]
fn the_names_in_the_arguments_are_those_of_the_objects() {
    let objects = base();
    let container = &find(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let arguments: Vec<_> =
        container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let value = |option: &str| {
        let start = format!("--{option}=");
        arguments.iter().find_map(|word| word.strip_prefix(start.as_str())).unwrap()
    };
    let parsed = Args::try_parse_from(iter::once("emberscope").chain(arguments.iter().copied()));
    assert!(parsed.is_ok(), "{parsed:?}");
    let role = find(&objects, "Role");
    assert_eq!(role["rules"][0]["resourceNames"][0], value("tls-secret"));
    let cluster_role = find(&objects, "ClusterRole");
    assert_eq!(cluster_role["rules"][0]["resourceNames"][0], value("webhook-configuration"));
    assert_eq!(
        find(&objects, "MutatingWebhookConfiguration")["metadata"]["name"],
        value("webhook-configuration")
    );
    // The certificate is for `emberscope` in that namespace, which is the Service's name.
    assert_eq!(container["env"][0]["name"], "POD_NAMESPACE");
    // The ConfigMap's key is the file's name.
    let (directory, file) = value("config").rsplit_once('/').unwrap();
    assert_eq!(container["volumeMounts"][0]["mountPath"], directory);
    assert!(find(&objects, "ConfigMap")["data"][file].is_string());
}

#[test]
fn the_shipped_configuration_is_the_documented_default() {
    let file = "manifests/base/configmap.yaml";
    if env::var_os("UPDATE_GOLDEN").is_some() {
        let old = read(file);
        let head = old.split_once("  config.yaml: |\n").unwrap().0;
        let indent = |line: &str| format!("{}{line}\n", if line.is_empty() { "" } else { "    " });
        let text: String = DEFAULT_YAML.lines().map(indent).collect();
        fs::write(root().join(file), format!("{head}  config.yaml: |\n{text}")).unwrap();
    }
    let objects = base();
    let yaml = find(&objects, "ConfigMap")["data"]["config.yaml"].as_str().unwrap();
    assert_eq!(
        yaml, DEFAULT_YAML,
        "{file} has to hold webhook/core/src/config/default.yaml: UPDATE_GOLDEN=1 copies it"
    );
    assert_eq!(Config::parse(yaml, None).unwrap(), Config::default());
}

#[test]
fn a_rolling_update_never_takes_a_replica_before_its_successor_is_ready() {
    let objects = base();
    let spec = &find(&objects, "Deployment")["spec"];
    assert_eq!(spec["replicas"], 2);
    let rolling = &spec["strategy"]["rollingUpdate"];
    assert_eq!(*rolling, json!({"maxUnavailable": 0, "maxSurge": 1}));
    assert_eq!(find(&objects, "PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
}

/// Read rather than rendered: in the README its base is a folder beside the repository's.
#[test]
fn the_overlay_in_the_readme_changes_what_is_there() {
    let readme = read("manifests/README.md");
    let block = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let overlay = &documents(block)[0];
    let objects = base();
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    let (image, tag) = pod["containers"][0]["image"].as_str().unwrap().split_once(':').unwrap();
    assert_eq!(overlay["images"][0]["name"], image);
    assert_eq!(overlay["images"][0]["newTag"], tag);
    // Nothing else is to be set: the webhook injects what it runs.
    assert!(overlay["patches"].is_null());
}
