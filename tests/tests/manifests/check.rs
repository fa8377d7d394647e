//! `components/check`: rights for people, none of which the webhook has or can use to change things.

use serde_json::Value;

use crate::{base, documents, read};

fn role() -> Value {
    documents(&read("manifests/components/check/clusterrole.yaml")).remove(0)
}

#[test]
fn whoever_checks_may_read_and_sees_no_secret() {
    let role = role();
    for rule in role["rules"].as_array().unwrap() {
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
