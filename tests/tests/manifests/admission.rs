//! The MutatingWebhookConfiguration: who is asked about which pods, and what silence means.

use emberscope_core::config::Roles;
use emberscope_core::contract::REFUSING;
use serde_json::json;

use super::{base, find};

#[test]
fn there_is_one_webhook_and_it_calls_the_service() {
    let objects = base();
    let webhooks = find(&objects, "MutatingWebhookConfiguration")["webhooks"].as_array().unwrap();
    assert_eq!(webhooks.len(), 1);
    assert_eq!(webhooks[0]["name"], "pods.emberscope.dev");
    let service = find(&objects, "Service");
    assert_eq!(
        webhooks[0]["clientConfig"],
        json!({"service": {
            "namespace": service["metadata"]["namespace"],
            "name": service["metadata"]["name"],
            "port": service["spec"]["ports"][0]["port"],
            "path": "/mutate",
        }}),
        "and nothing else: the webhook itself writes caBundle"
    );
}

#[test]
fn a_webhook_that_is_slow_or_gone_costs_no_job() {
    let objects = base();
    let webhook = &find(&objects, "MutatingWebhookConfiguration")["webhooks"][0];
    assert_eq!(webhook["failurePolicy"], "Ignore");
    assert_eq!(webhook["timeoutSeconds"], 2);
    assert_eq!(webhook["sideEffects"], "None");
    assert_eq!(webhook["reinvocationPolicy"], "IfNeeded");
    assert_eq!(webhook["matchPolicy"], "Equivalent");
    assert_eq!(webhook["admissionReviewVersions"], json!(["v1"]));
}

#[test]
fn only_new_spark_pods_of_namespaces_that_opted_in_are_shown() {
    let objects = base();
    let webhook = &find(&objects, "MutatingWebhookConfiguration")["webhooks"][0];
    let rule = json!({
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
        "scope": "Namespaced",
    });
    assert_eq!(webhook["rules"], json!([rule]));
    let roles: Vec<String> = Roles::default().all().map(str::to_owned).collect();
    assert_eq!(roles, ["driver", "connect-server", "executor"]);
    assert_eq!(
        webhook["objectSelector"],
        json!({"matchExpressions": [
            {"key": "spark-role", "operator": "In", "values": roles},
        ]})
    );
    assert_eq!(
        webhook["namespaceSelector"],
        json!({"matchExpressions": [
            {"key": "emberscope.dev/inject", "operator": "In", "values": ["enabled"]},
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": ["kube-system", "kube-public", "kube-node-lease", "emberscope"],
            },
        ]})
    );
    // The webhook's own namespace says no by its label, too, whatever it is called.
    let labels = &find(&objects, "Namespace")["metadata"]["labels"];
    assert_eq!(labels["emberscope.dev/inject"], "disabled");
}

/// What the expressions do is decided by an API server; here they may at least not fail on a pod
/// that has no annotations or labels, which CEL does not forgive.
#[test]
fn conditions_ask_whether_there_are_annotations_or_labels_before_they_read_them() {
    let objects = base();
    let webhook = &find(&objects, "MutatingWebhookConfiguration")["webhooks"][0];
    let conditions = webhook["matchConditions"].as_array().unwrap();
    let names: Vec<_> = conditions.iter().map(|condition| &condition["name"]).collect();
    assert_eq!(names, ["not-a-mirror-pod", "not-opted-out", "not-opted-out-by-label"]);
    for (condition, place) in conditions.iter().zip(["annotations", "annotations", "labels"]) {
        let expression = condition["expression"].as_str().unwrap();
        let first = expression.split("||").next().unwrap().trim();
        assert_eq!(first, format!("!has(object.metadata.{place})"), "{expression}");
    }
    for condition in &conditions[1..] {
        let expression = condition["expression"].as_str().unwrap();
        let [no, disabled] = REFUSING;
        let end =
            format!("['emberscope.dev/inject'].trim().lowerAscii() in ['{no}', '{disabled}'])");
        assert!(expression.ends_with(&end), "{expression}");
    }
}
