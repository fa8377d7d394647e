//! The third link, first half: the API server's webhook configuration, against the shipped one.

use serde_json::{Value, json};

use super::ask::Refusal;
use super::finding::{FAILURE_POLICY, Finding, SELECTORS, TIMEOUT, WEBHOOK};
use super::namespaces::{ENABLED, LABEL};
use super::selector::selects;
use super::server::{APPLY, NAME};

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
pub(super) fn judge(found: &Result<Value, Refusal>, namespace: &str) -> Vec<Finding> {
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
        selectors(webhook, namespace),
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
            format!("{APPLY}, or name the other with --namespace"),
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

/// The selectors by what they select, however they say it.
fn selectors(webhook: &Value, namespace: &str) -> Finding {
    let namespaces = |labels: &[(&str, &str)]| selects(&webhook["namespaceSelector"], labels);
    let pods = |labels: &[(&str, &str)]| selects(&webhook["objectSelector"], labels);
    let named = |name| [(LABEL, ENABLED), ("kubernetes.io/metadata.name", name)];
    if !namespaces(&named("a")) {
        let why = format!("namespaceSelector does not select namespaces with {LABEL}={ENABLED}");
        return SELECTORS.fail(why, APPLY);
    }
    for role in ["driver", "executor"] {
        if !pods(&[("spark-role", role)]) {
            let why = format!("objectSelector does not select pods with spark-role={role}");
            return SELECTORS.fail(why, APPLY);
        }
    }
    let too_much = if namespaces(&[("kubernetes.io/metadata.name", "a")]) {
        "namespaceSelector selects namespaces without the label too"
    } else if ["kube-system", namespace].into_iter().any(|name| namespaces(&named(name))) {
        "namespaceSelector would select kube-system or the webhook's own namespace, were they labelled"
    } else if pods(&[]) {
        "objectSelector selects pods that are not Spark's too"
    } else {
        return SELECTORS.pass("Spark's pods in labelled namespaces are selected, and no others");
    };
    SELECTORS.warn(too_much, APPLY)
}

/// The command that sets one field of the webhook.
fn set(field: &str, value: &Value) -> String {
    let patch = json!([{"op": "replace", "path": format!("/webhooks/0/{field}"), "value": value}]);
    format!("kubectl patch mutatingwebhookconfiguration {NAME} --type=json -p '{patch}'")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Outcome;
    use super::*;

    fn shipped() -> Value {
        let manifest = include_str!("../../../manifests/base/mutatingwebhookconfiguration.yaml");
        serde_saphyr::from_str(manifest).unwrap()
    }

    fn not_passed(configuration: Value) -> Vec<Finding> {
        let mut findings = judge(&Ok(configuration), "emberscope");
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
            ("objectSelector", json!({}), Outcome::Warn),
        ] {
            let mut configuration = shipped();
            configuration["webhooks"][0][field] = selector.clone();
            let found = not_passed(configuration);
            assert_eq!(found.len(), 1, "{field} {selector}");
            assert_eq!((found[0].check, found[0].outcome), (SELECTORS, outcome), "{selector}");
        }
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
