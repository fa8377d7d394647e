//! The "restricted" Pod Security Standard, which the namespace enforces on the webhook's own pods
//! (<https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>).

use serde_json::{Value, json};

use super::{base, find};

/// What in a pod spec restricted Pod Security would refuse.
pub(crate) fn violations(pod: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod[field] == true {
            found.push(field.to_owned());
        }
    }
    let allowed = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        let kinds = volume.as_object().unwrap().keys();
        found.extend(
            kinds.filter(|kind| *kind != "name" && !allowed.contains(&kind.as_str())).cloned(),
        );
    }
    let containers = ["initContainers", "containers"].map(|list| pod[list].as_array());
    for container in containers.into_iter().flatten().flatten() {
        let own = &container["securityContext"];
        let mut refuse = |what: &str| found.push(format!("{}: {what}", container["name"]));
        // A container's word counts before the pod's.
        let effective = |field: &str| match &own[field] {
            Value::Null => pod["securityContext"][field].clone(),
            said => said.clone(),
        };
        if own["allowPrivilegeEscalation"] != false || own["privileged"] == true {
            refuse("privileges");
        }
        if own["capabilities"]["drop"] != json!(["ALL"]) || !own["capabilities"]["add"].is_null() {
            refuse("capabilities");
        }
        if effective("runAsNonRoot") != true || effective("runAsUser") == 0 {
            refuse("user");
        }
        if effective("seccompProfile")["type"] != "RuntimeDefault" {
            refuse("seccomp");
        }
        for port in container["ports"].as_array().into_iter().flatten() {
            if !port["hostPort"].is_null() {
                refuse("host port");
            }
        }
    }
    found
}

#[test]
fn the_namespace_enforces_restricted_and_the_webhooks_pods_meet_it() {
    let objects = base();
    let labels = &find(&objects, "Namespace")["metadata"]["labels"];
    for mode in ["enforce", "audit", "warn"] {
        assert_eq!(labels[format!("pod-security.kubernetes.io/{mode}")], "restricted");
    }
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(violations(pod), Vec::<String>::new());
}

#[test]
fn the_webhook_has_less_than_restricted_allows() {
    let objects = base();
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    // A number: the kubelet cannot tell whether a user by name is root.
    assert!(pod["securityContext"]["runAsUser"].as_i64().unwrap() > 0);
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert!(container["resources"]["requests"]["memory"].is_string());
    assert!(container["resources"]["limits"]["memory"].is_string());
}

#[test]
fn each_kind_of_violation_is_found() {
    let objects = base();
    let pod = &find(&objects, "Deployment")["spec"]["template"]["spec"];
    for (pointer, value, word) in [
        ("/containers/0/securityContext", json!({}), "privileges"),
        ("/containers/0/securityContext/capabilities/drop", json!([]), "capabilities"),
        ("/securityContext/runAsUser", json!(0), "user"),
        ("/securityContext/seccompProfile", json!(null), "seccomp"),
        ("/volumes/0", json!({"name": "node", "hostPath": {"path": "/"}}), "hostPath"),
        ("/containers/0/ports/0", json!({"containerPort": 1, "hostPort": 1}), "host port"),
    ] {
        let mut pod = pod.clone();
        *pod.pointer_mut(pointer).unwrap() = value;
        let found = violations(&pod);
        assert!(found.iter().any(|line| line.contains(word)), "{pointer}: {found:?}");
    }
}
