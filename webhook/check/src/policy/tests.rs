use serde_json::json;

use super::*;
use crate::finding::Outcome;

/// Two policies as `emberscope policy` prints them, as far as it is looked at here, and their bindings.
/// With the real ones the whole check is tested in `tests/tests/cluster/check/policy.rs`.
fn printed() -> Policies {
    let names = ["emberscope-a", "emberscope"];
    let manifest = include_str!("../../../../manifests/base/mutatingwebhookconfiguration.yaml");
    let configuration: Value = serde_saphyr::from_str(manifest).unwrap();
    let webhook = &configuration["webhooks"][0];
    let policy = |name| {
        json!({
            "metadata": {"name": name},
            "spec": {"failurePolicy": "Ignore", "matchConstraints": {
                "namespaceSelector": webhook["namespaceSelector"],
                "objectSelector": webhook["objectSelector"],
                "resourceRules": webhook["rules"],
            }},
        })
    };
    let binding = |name| json!({"metadata": {"name": name}, "spec": {"policyName": name}});
    Policies { policies: Ok(names.map(policy).into()), bindings: Ok(names.map(binding).into()) }
}

fn not_passed(policies: &Policies) -> Vec<(&'static str, Outcome)> {
    let findings = policies.judge("emberscope", &Roles::default()).into_iter();
    let told = findings.map(|one| (one.check.code, one.outcome));
    told.filter(|(_, outcome)| *outcome != Outcome::Pass).collect()
}

const NO_WEBHOOK: (&str, Outcome) = ("webhook", Outcome::Skip);

#[test]
fn what_is_printed_passes() {
    let policies = printed();
    assert_eq!(not_passed(&policies), [NO_WEBHOOK]);
    assert_eq!(policies.by(&Err(Refusal::Missing)), By::Policy);
    assert_eq!(policies.by(&Ok(json!({}))), By::Webhook);
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
        let mut policies = printed();
        break_it(&mut policies);
        assert_eq!(not_passed(&policies), [NO_WEBHOOK, (check, Outcome::Fail)]);
    }
}

#[test]
fn without_policies_nothing_is_said_of_them_and_beside_a_webhook_they_are_a_warning() {
    let none = Policies { policies: Ok(Vec::new()), bindings: Ok(Vec::new()) };
    assert_eq!(none.beside(&Ok(json!({}))), None);
    assert_eq!(none.by(&Err(Refusal::Missing)), By::Webhook);
    let both = printed().beside(&Ok(json!({}))).unwrap();
    assert_eq!((both.check, both.outcome), (POLICY, Outcome::Warn));
    let forbidden = Refusal::Forbidden("list mutatingadmissionpolicies".into());
    let unknown = Policies { policies: Err(forbidden.clone()), bindings: Err(forbidden) };
    assert_eq!(unknown.beside(&Ok(json!({}))), None);
    assert_eq!(unknown.beside(&Err(Refusal::Missing)).unwrap().outcome, Outcome::Warn);
}
