//! The documents, without an API server: with one they are tested in `tests/tests/cluster`.

use emberscope_core::plan::overrides::ANNOTATIONS;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding,
};
use serde_json::Value;

use emberscope_core::Config;

use super::*;

fn parsed(config: &str) -> Vec<Value> {
    let settings = AllSettings::offline(Config::parse(config, None).unwrap());
    let yaml = documents(&settings).unwrap();
    serde_saphyr::from_multiple(&yaml).unwrap()
}

#[test]
fn policy_and_binding_are_what_kubernetes_has_types_for() {
    let documents = parsed("");
    assert_eq!(documents.len(), 2);
    let policy: MutatingAdmissionPolicy = serde_json::from_value(documents[0].clone()).unwrap();
    // Nothing was lost on the way: every field is one that Kubernetes knows.
    assert_eq!(serde_json::to_value(&policy).unwrap(), documents[0]);
    let binding: MutatingAdmissionPolicyBinding =
        serde_json::from_value(documents[1].clone()).unwrap();
    assert_eq!(serde_json::to_value(&binding).unwrap(), documents[1]);
    assert_eq!(binding.spec.unwrap().policy_name, policy.metadata.name);
}

/// The expressions are written by hand; that none is forgotten is told by the table.
#[test]
fn every_annotation_that_users_may_set_is_asked_for() {
    let yaml = documents(&AllSettings::offline(Config::default())).unwrap();
    for annotation in ANNOTATIONS {
        let asked = format!("annotations[?'emberscope.dev/{}']", annotation.name);
        assert!(yaml.contains(&asked), "{asked}");
    }
}

/// It makes kube-apiserver 1.36 panic on the pod, which is refused then.
#[test]
fn no_operation_has_a_list_of_objects_as_its_value() {
    let policy = &parsed("")[0];
    let expression = &policy["spec"]["mutations"][0]["jsonPatch"]["expression"];
    let expression = expression.as_str().unwrap();
    assert!(expression.contains("value: []"), "{expression}");
    assert!(!expression.contains("value: [Object"), "{expression}");
}

#[test]
fn every_profile_has_a_policy_of_its_own_and_no_pod_two() {
    let documents = parsed(
        "profiles: [{name: a, match: {namespaces: ['a-*', b]}}, {name: c, match: {podLabels: {x: \"it's\"}}}]",
    );
    let policies: Vec<_> = documents.iter().step_by(2).collect();
    let names: Vec<_> = policies.iter().map(|policy| policy["metadata"]["name"].as_str()).collect();
    assert_eq!(names, [Some("emberscope-a"), Some("emberscope-c"), Some("emberscope")]);
    let conditions = |policy: &Value| {
        let conditions = policy["spec"]["matchConditions"].as_array().unwrap();
        let text = |c: &Value| c["expression"].as_str().unwrap().to_owned();
        conditions.iter().map(text).collect::<Vec<_>>()
    };
    let a = "(request.namespace.matches('^a-.*$') || request.namespace.matches('^b$'))";
    let c = r"'x' in object.metadata.labels && object.metadata.labels['x'] == 'it\'s'";
    let ends: Vec<_> = policies.iter().map(|policy| conditions(policy).pop().unwrap()).collect();
    assert_eq!(ends, [a.to_owned(), format!("!({a})"), format!("!({c})")]);
    assert!(conditions(policies[1]).contains(&c.to_owned()));
    assert!(conditions(policies[2]).contains(&format!("!({a})")));
}
