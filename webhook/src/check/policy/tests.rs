use serde_json::json;

use super::super::finding::Outcome;
use super::*;
use crate::config::Config;
use crate::settings::AllSettings;

/// What `emberscope policy` prints, as the API server lists it.
fn printed(config: &str) -> Policies {
    let settings = AllSettings::offline(Config::parse(config, None).unwrap());
    let yaml = crate::policy::documents(&settings).unwrap();
    let objects: Vec<Value> =
        yaml.split("---\n").skip(1).map(|one| serde_saphyr::from_str(one).unwrap()).collect();
    let of =
        |kind: &str| Ok(objects.iter().filter(|object| object["kind"] == kind).cloned().collect());
    Policies {
        policies: of("MutatingAdmissionPolicy"),
        bindings: of("MutatingAdmissionPolicyBinding"),
    }
}

fn not_passed(policies: &Policies) -> Vec<(&'static str, Outcome)> {
    let findings = policies.judge("emberscope").into_iter();
    let told = findings.map(|one| (one.check.code, one.outcome));
    told.filter(|(_, outcome)| *outcome != Outcome::Pass).collect()
}

const NO_WEBHOOK: (&str, Outcome) = ("webhook", Outcome::Skip);

#[test]
fn what_is_printed_passes_with_profiles_and_without() {
    for config in ["", "profiles: [{name: a, match: {namespaces: [x]}, sidecar: {image: b}}]"] {
        let policies = printed(config);
        assert_eq!(not_passed(&policies), [NO_WEBHOOK], "{config}");
        assert_eq!(policies.by(&Err(Refusal::Missing)), By::Policy);
        assert_eq!(policies.by(&Ok(json!({}))), By::Webhook);
    }
}

/// Takes something away.
type Break = fn(&mut Policies);

#[test]
fn a_policy_that_is_not_bound_or_selects_nothing_or_refuses_pods_fails() {
    let broken: [(&str, Break); 4] = [
        ("policy_binding", |all| all.bindings = Ok(Vec::new())),
        ("policy_binding", |all| {
            all.bindings.as_mut().unwrap()[0]["spec"]["matchResources"] =
                json!({"namespaceSelector": {"matchLabels": {"team": "b"}}});
        }),
        ("failure_policy", |all| {
            all.policies.as_mut().unwrap()[0]["spec"]["failurePolicy"] = json!("Fail");
        }),
        ("selectors", |all| {
            all.policies.as_mut().unwrap()[0]["spec"]["matchConstraints"]["resourceRules"][0]["operations"] =
                json!(["UPDATE"]);
        }),
    ];
    for (check, break_it) in broken {
        let mut policies = printed("");
        break_it(&mut policies);
        assert_eq!(not_passed(&policies), [NO_WEBHOOK, (check, Outcome::Fail)]);
    }
}

#[test]
fn without_policies_nothing_is_said_of_them_and_beside_a_webhook_they_are_a_warning() {
    let none = Policies { policies: Ok(Vec::new()), bindings: Ok(Vec::new()) };
    assert_eq!(none.beside(&Ok(json!({}))), None);
    assert_eq!(none.by(&Err(Refusal::Missing)), By::Webhook);
    let both = printed("").beside(&Ok(json!({}))).unwrap();
    assert_eq!((both.check, both.outcome), (POLICY, Outcome::Warn));
    let forbidden = Refusal::Forbidden("list mutatingadmissionpolicies".into());
    let unknown = Policies { policies: Err(forbidden.clone()), bindings: Err(forbidden) };
    assert_eq!(unknown.beside(&Ok(json!({}))), None);
    assert_eq!(unknown.beside(&Err(Refusal::Missing)).unwrap().outcome, Outcome::Warn);
}
