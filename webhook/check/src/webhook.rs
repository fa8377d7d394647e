//! The third link, first half: the API server's webhook configuration, against the shipped one.

use std::collections::BTreeMap;

use emberscope_core::config::Roles;
use emberscope_core::contract::{NAME, OPT_IN, OPT_IN_VALUE, SPARK_ROLE};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};
use serde_json::{Value, json};

use crate::finding::{FAILURE_POLICY, Finding, SELECTORS, TIMEOUT, WEBHOOK};
use crate::server::APPLY;
use emberscope_ask::Refusal;

/// More than this delays every Spark pod when the webhook hangs.
const LONGEST: i64 = 5;

/// The webhook of a configuration that is this program's.
pub(super) fn webhook(configuration: &Value) -> &Value {
    &configuration["webhooks"][0]
}

/// The authorities that the API server trusts here.
pub(super) fn ca_bundle(configuration: &Value) -> Option<&str> {
    webhook(configuration)["clientConfig"]["caBundle"].as_str().filter(|text| !text.is_empty())
}

/// All findings but those about certificates.
pub(super) fn judge(
    found: &Result<Value, Refusal>,
    namespace: &str,
    roles: &Roles,
) -> Vec<Finding> {
    let configuration = match found {
        Ok(configuration) => configuration,
        Err(Refusal::Missing) => {
            return vec![WEBHOOK.fail(
                format!(
                    "there is no MutatingWebhookConfiguration {NAME}, so the API server calls nobody"
                ),
                APPLY,
            )];
        }
        Err(refusal) => return vec![WEBHOOK.refused("the MutatingWebhookConfiguration", refusal)],
    };
    let webhook = webhook(configuration);
    if webhook.is_null() {
        let why = format!("the MutatingWebhookConfiguration {NAME} has no webhooks");
        return vec![WEBHOOK.fail(why, APPLY)];
    }
    vec![
        target(&webhook["clientConfig"], namespace),
        failure_policy(webhook),
        timeout(webhook),
        selectors(Selection::new(webhook, "rules", roles), namespace, "", APPLY),
    ]
}

/// Whom the API server calls.
fn target(client: &Value, namespace: &str) -> Finding {
    if let Some(url) = client["url"].as_str() {
        return WEBHOOK.pass(format!("the API server calls {url}, not the Service"));
    }
    let service = &client["service"];
    let text = |key: &str| service[key].as_str().unwrap_or_default();
    let called = format!("{}/{}", text("namespace"), text("name"));
    if called != format!("{namespace}/{NAME}") {
        return WEBHOOK.fail(
            format!("the API server calls the Service {called}, not {namespace}/{NAME}"),
            format!("{APPLY}\nor name the other namespace with --namespace"),
        );
    }
    if text("path") != "/mutate" {
        return WEBHOOK.fail(
            format!("the API server asks for {:?}; the server answers at /mutate", text("path")),
            APPLY,
        );
    }
    WEBHOOK.pass(format!("the API server calls the Service {called}"))
}

fn failure_policy(webhook: &Value) -> Finding {
    match webhook["failurePolicy"].as_str() {
        Some("Ignore") => {
            FAILURE_POLICY.pass("failurePolicy is Ignore: no pod is refused because of the webhook")
        }
        other => FAILURE_POLICY.fail(
            format!(
                "failurePolicy is {}: while the webhook is down, Spark's pods are refused",
                other.unwrap_or("Fail")
            ),
            set("failurePolicy", &json!("Ignore")),
        ),
    }
}

fn timeout(webhook: &Value) -> Finding {
    // The API server's default where nothing is said.
    let seconds = webhook["timeoutSeconds"].as_i64().unwrap_or(10);
    if seconds > LONGEST {
        return TIMEOUT.warn(
            format!("timeoutSeconds is {seconds}: so long may a hanging webhook hold up each pod"),
            set("timeoutSeconds", &json!(2)),
        );
    }
    TIMEOUT.pass(format!("timeoutSeconds is {seconds}"))
}

/// What a webhook or a policy is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection<'a> {
    /// Has `namespaceSelector` and `objectSelector`.
    of: &'a Value,
    rules: &'a Value,
    /// Which pods it should be for.
    roles: &'a Roles,
}

impl<'a> Selection<'a> {
    /// The selection in a webhook or in a policy's constraints, whose rules have another name.
    pub(super) fn new(of: &'a Value, key: &str, roles: &'a Roles) -> Self {
        Self { of, rules: &of[key], roles }
    }

    fn namespaces(self, labels: &[(&str, &str)]) -> bool {
        selects(&self.of["namespaceSelector"], labels)
    }

    fn pods(self, labels: &[(&str, &str)]) -> bool {
        selects(&self.of["objectSelector"], labels)
    }

    /// Whether one of the rules is for pods that are created; where there are none, all is selected.
    fn created_pods(self) -> bool {
        let Some(rules) = self.rules.as_array() else {
            return true;
        };
        let says = |list: &Value, words: &[&str]| {
            let list = list.as_array().into_iter().flatten();
            list.into_iter().any(|one| one == "*" || words.iter().any(|word| one == *word))
        };
        rules.iter().any(|rule| {
            says(&rule["operations"], &["CREATE"])
                && says(&rule["apiGroups"], &[""])
                && says(&rule["apiVersions"], &["v1"])
                && says(&rule["resources"], &["pods", "*/*"])
        })
    }

    /// Which part leaves out pods that are to be injected.
    pub(super) fn misses(self) -> Option<String> {
        let missing = if !self.namespaces(&named("a")) {
            format!("namespaceSelector does not select namespaces with {OPT_IN}={OPT_IN_VALUE}")
        } else if let Some(role) = self.roles.all().find(|role| !self.pods(&[(SPARK_ROLE, role)])) {
            format!("objectSelector does not select pods with {SPARK_ROLE}={role}")
        } else if !self.created_pods() {
            "rules do not select pods that are created".to_owned()
        } else {
            return None;
        };
        Some(missing)
    }
}

/// Whether a selector selects an object with these labels; one that says nothing selects all, one
/// that cannot be read none.
fn selects(selector: &Value, labels: &[(&str, &str)]) -> bool {
    let selector: Option<LabelSelector> = serde_json::from_value(selector.clone()).unwrap_or(None);
    let labels: BTreeMap<String, String> =
        labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Selector::try_from(selector.unwrap_or_default()).is_ok_and(|one| one.matches(&labels))
}

/// The labels of a namespace that opted in.
const fn named(name: &str) -> [(&str, &str); 2] {
    [(OPT_IN, OPT_IN_VALUE), ("kubernetes.io/metadata.name", name)]
}

/// A selection by what it selects, however it says it.
pub(super) fn selectors(of: Selection<'_>, server: &str, whose: &str, remedy: &str) -> Finding {
    if let Some(missing) = of.misses() {
        return SELECTORS.fail(format!("{whose}{missing}"), remedy);
    }
    let too_much = if of.namespaces(&[("kubernetes.io/metadata.name", "a")]) {
        "namespaceSelector selects namespaces without the label too"
    } else if ["kube-system", server].into_iter().any(|name| of.namespaces(&named(name))) {
        "namespaceSelector would select kube-system or the webhook's own namespace, were they labelled"
    } else if of.pods(&[]) {
        "objectSelector selects pods that are not Spark's too"
    } else {
        return SELECTORS.pass("Spark's pods in labelled namespaces are selected, and no others");
    };
    SELECTORS.warn(format!("{whose}{too_much}"), remedy)
}

/// The command that sets one field of the webhook.
fn set(field: &str, value: &Value) -> String {
    let patch = json!([{"op": "replace", "path": format!("/webhooks/0/{field}"), "value": value}]);
    format!("kubectl patch mutatingwebhookconfiguration {NAME} --type=json -p '{patch}'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Outcome;

    fn shipped() -> Value {
        let manifest = include_str!("../../../manifests/base/mutatingwebhookconfiguration.yaml");
        serde_saphyr::from_str(manifest).unwrap()
    }

    fn not_passed(configuration: Value) -> Vec<Finding> {
        let mut findings = judge(&Ok(configuration), "emberscope", &Roles::default());
        findings.retain(|finding| finding.outcome != Outcome::Pass);
        findings
    }

    #[test]
    fn what_is_shipped_passes() {
        assert_eq!(not_passed(shipped()), []);
    }

    #[test]
    fn a_policy_of_fail_fails_with_the_command_that_mends_it() {
        let mut configuration = shipped();
        configuration["webhooks"][0]["failurePolicy"] = json!("Fail");
        let found = not_passed(configuration);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].check.code, "failure_policy");
        assert_eq!(
            found[0].remedy.as_deref().unwrap(),
            r#"kubectl patch mutatingwebhookconfiguration emberscope --type=json -p '[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]'"#
        );
    }

    #[test]
    fn selectors_that_miss_pods_fail_and_those_that_take_too_many_warn() {
        for (field, selector, outcome) in [
            (
                "namespaceSelector",
                json!({"matchLabels": {"emberscope.dev/inject": "true"}}),
                Outcome::Fail,
            ),
            ("namespaceSelector", json!({}), Outcome::Warn),
            (
                "namespaceSelector",
                json!({"matchLabels": {"emberscope.dev/inject": "enabled"}}),
                Outcome::Warn,
            ),
            ("objectSelector", json!({"matchLabels": {"spark-role": "driver"}}), Outcome::Fail),
            // What was shipped before Spark Connect servers were known.
            (
                "objectSelector",
                json!({"matchExpressions": [
                    {"key": "spark-role", "operator": "In", "values": ["driver", "executor"]},
                ]}),
                Outcome::Fail,
            ),
            ("objectSelector", json!({}), Outcome::Warn),
            ("rules", json!([]), Outcome::Fail),
            (
                "rules",
                json!([{"operations": ["UPDATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]),
                Outcome::Fail,
            ),
            (
                "rules",
                json!([{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}]),
                Outcome::Pass,
            ),
        ] {
            let mut configuration = shipped();
            configuration["webhooks"][0][field] = selector.clone();
            let found = not_passed(configuration);
            let found: Vec<_> = found.iter().map(|one| (one.check, one.outcome)).collect();
            let expected = (outcome != Outcome::Pass).then_some((SELECTORS, outcome));
            assert_eq!(found, Vec::from_iter(expected), "{field} {selector}");
        }
    }

    #[test]
    fn a_role_that_the_configuration_adds_has_to_be_selected() {
        let yaml = "roles: {driver: [driver, connect-server, thrift-server]}";
        let config = emberscope_core::Config::parse(yaml, None).unwrap();
        let found = judge(&Ok(shipped()), "emberscope", &config.roles);
        let found: Vec<_> = found.iter().filter(|one| one.outcome == Outcome::Fail).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].sentence.contains("spark-role=thrift-server"), "{}", found[0].sentence);
    }

    #[test]
    fn another_service_or_path_fails_and_a_long_time_out_warns() {
        for (path, value, check) in [
            ("/webhooks/0/clientConfig/service/namespace", json!("other"), WEBHOOK),
            ("/webhooks/0/clientConfig/service/path", json!("/"), WEBHOOK),
            ("/webhooks/0/timeoutSeconds", json!(30), TIMEOUT),
        ] {
            let mut configuration = shipped();
            *configuration.pointer_mut(path).unwrap() = value;
            let found = not_passed(configuration);
            assert_eq!(found.len(), 1, "{path}");
            assert_eq!(found[0].check, check);
        }
    }
}
