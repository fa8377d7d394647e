//! `components/check`: rights for people, none of which the webhook has or can use to change things.

use serde_json::Value;

use crate::pod_security::violations;
use crate::{base, documents, find, read};

fn role() -> Value {
    documents(&read("manifests/components/check/clusterrole.yaml")).remove(0)
}

#[test]
fn whoever_checks_may_read_and_sees_no_secret() {
    let role = role();
    // A question about what somebody may do: what is created is not kept.
    let question = "subjectaccessreviews";
    for rule in role["rules"].as_array().unwrap() {
        if rule["resources"] == serde_json::json!([question]) {
            assert_eq!(rule["verbs"], serde_json::json!(["create"]));
            continue;
        }
        for verb in rule["verbs"].as_array().unwrap() {
            assert!(["get", "list"].contains(&verb.as_str().unwrap()), "{rule}");
        }
        let resources = rule["resources"].as_array().unwrap();
        assert!(resources.iter().all(|one| one != "secrets" && one != "*"), "{rule}");
    }
}

#[test]
fn the_base_grants_these_rights_to_nobody() {
    let name = &role()["metadata"]["name"];
    for object in base() {
        assert_ne!((&object["metadata"]["name"], &object["roleRef"]["name"]), (name, name));
        assert_ne!(&object["roleRef"]["name"], name, "{object}");
    }
}

#[test]
fn the_component_holds_the_role() {
    let kustomization: Value =
        documents(&read("manifests/components/check/kustomization.yaml")).remove(0);
    assert_eq!(kustomization["resources"][0], "clusterrole.yaml");
    assert_eq!(kustomization["kind"], "Component");
}

#[test]
fn the_job_runs_the_webhooks_image_under_that_role_where_restricted_pods_alone_may_run() {
    let objects = documents(&read("manifests/components/check/job.yaml"));
    let (account, binding) =
        (find(&objects, "ServiceAccount"), find(&objects, "ClusterRoleBinding"));
    let job = find(&objects, "Job");
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(violations(pod), Vec::<String>::new());
    let base = base();
    let webhook = &find(&base, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(pod["containers"][0]["image"], webhook["image"]);
    assert_eq!(pod["containers"][0]["args"], serde_json::json!(["check"]));
    assert_eq!(pod["serviceAccountName"], account["metadata"]["name"]);
    assert_eq!(binding["roleRef"]["name"], role()["metadata"]["name"]);
    for key in ["name", "namespace"] {
        assert_eq!(binding["subjects"][0][key], account["metadata"][key]);
        assert_eq!(job["metadata"][key], account["metadata"][key]);
    }
    // The Service is for the webhook's pods.
    let service = &find(&base, "Service")["spec"]["selector"]["app.kubernetes.io/component"];
    let labels = &job["spec"]["template"]["metadata"]["labels"];
    assert_ne!(&labels["app.kubernetes.io/component"], service);
}
