//! The third link where `emberscope policy` takes the webhook's place: the API server carries the
//! rules out itself, so there is nobody to call, only policies and their bindings.

use emberscope_core::config::Roles;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use crate::finding::{FAILURE_POLICY, Finding, NAMESPACE, POLICY, POLICY_BINDING, WEBHOOK};
use crate::webhook::{self, Selection};
use emberscope_ask::{self as ask, Refusal, Resource};

/// The labels that `emberscope policy` gives both kinds of object.
const LABELS: &str = "app.kubernetes.io/part-of=emberscope,app.kubernetes.io/component=policy";

/// What prints and applies both again.
const APPLY: &str = "emberscope policy | kubectl apply -f -
where they were made with --config FILE, with that again";

/// Who gives pods the sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A server, which the API server calls.
    Webhook,
    /// The API server itself.
    Policy,
}

/// What was found of policies.
#[derive(Debug)]
pub(super) struct Policies {
    policies: Result<Vec<Value>, Refusal>,
    bindings: Result<Vec<Value>, Refusal>,
}

impl Policies {
    /// Asks for all of them. An API server before 1.36 knows no such kind: there are none.
    pub(super) async fn fetch(client: &Client) -> Self {
        let of = |kind| Resource { api: "admissionregistration.k8s.io/v1", kind, namespace: None };
        let kinds = [of("mutatingadmissionpolicies"), of("mutatingadmissionpolicybindings")];
        let (policies, bindings) = tokio::join!(
            ask::list(client, &kinds[0], LABELS),
            ask::list(client, &kinds[1], LABELS),
        );
        let known = |found: Result<(Vec<Value>, bool), Refusal>| match found {
            Err(Refusal::Missing) => Ok(Vec::new()),
            found => found.map(|(found, _)| found),
        };
        Self { policies: known(policies), bindings: known(bindings) }
    }

    fn found(&self) -> &[Value] {
        self.policies.as_deref().unwrap_or_default()
    }

    /// Who does the work, by what is known of the webhook configuration.
    pub(super) fn by(&self, webhook: &Result<Value, Refusal>) -> By {
        match webhook {
            Err(Refusal::Missing) if !self.found().is_empty() => By::Policy,
            _ => By::Webhook,
        }
    }

    /// Since when the policies are in force.
    pub(super) fn installed(&self) -> Option<Timestamp> {
        let all = self.found().iter().chain(self.bindings.as_deref().unwrap_or_default());
        all.filter_map(crate::created).max()
    }

    /// In place of the findings about a server.
    pub(super) fn instead_of_a_server() -> Finding {
        NAMESPACE.skip("no server is needed: policies of the API server's own do the work")
    }

    /// All findings, where the policies do the work.
    pub(super) fn judge(&self, namespace: &str, roles: &Roles) -> Vec<Finding> {
        let names: Vec<&str> = self.found().iter().map(name).collect();
        let mut findings = vec![
            WEBHOOK.skip("there is none, nor is one needed: policies do the work"),
            POLICY.pass(match names.len() {
                1 => format!("the MutatingAdmissionPolicy {} is there", names[0]),
                _ => format!(
                    "{} MutatingAdmissionPolicies are there: {}",
                    names.len(),
                    names.join(", ")
                ),
            }),
            self.bound(roles),
            self.failure_policy(),
        ];
        let selections = self.found().iter().map(|policy| {
            let constraints = &policy["spec"]["matchConstraints"];
            let selection = Selection::new(constraints, "resourceRules", roles);
            webhook::selectors(selection, namespace, &format!("policy {}: ", name(policy)), APPLY)
        });
        findings.extend(selections.max_by_key(|finding| finding.outcome));
        findings
    }

    /// A finding beside those about the webhook, if there is something to say.
    pub(super) fn beside(&self, webhook: &Result<Value, Refusal>) -> Option<Finding> {
        match (&self.policies, webhook) {
            (Err(refusal), Err(Refusal::Missing)) => {
                Some(POLICY.refused("whether policies do the webhook's work", refusal))
            }
            (Ok(policies), Ok(_)) if !policies.is_empty() => Some(POLICY.warn(
                "there are policies beside the webhook: whichever comes first leaves the other nothing to do",
                format!(
                    "kubectl delete mutatingadmissionpolicies,mutatingadmissionpolicybindings -l {LABELS}"
                ),
            )),
            _ => None,
        }
    }

    fn bound(&self, roles: &Roles) -> Finding {
        let bindings = match &self.bindings {
            Ok(bindings) => bindings,
            Err(refusal) => return POLICY_BINDING.refused("which policies are bound", refusal),
        };
        for policy in self.found().iter().map(name) {
            let Some(binding) = bindings.iter().find(|one| one["spec"]["policyName"] == *policy)
            else {
                return POLICY_BINDING.fail(
                    format!("the policy {policy} has no binding, so that it is in force nowhere"),
                    APPLY,
                );
            };
            let narrowed = &binding["spec"]["matchResources"];
            let selection = Selection::new(narrowed, "resourceRules", roles);
            if let Some(missed) = selection.misses() {
                return POLICY_BINDING
                    .fail(format!("the binding of policy {policy}: its {missed}"), APPLY);
            }
        }
        POLICY_BINDING.pass("each policy is bound")
    }

    fn failure_policy(&self) -> Finding {
        let strict = self.found().iter().find(|policy| policy["spec"]["failurePolicy"] != "Ignore");
        match strict {
            None => FAILURE_POLICY
                .pass("failurePolicy is Ignore: no pod is refused because of a policy"),
            Some(policy) => FAILURE_POLICY.fail(
                format!(
                    "failurePolicy of policy {} is not Ignore: where an expression fails, Spark's pods are refused",
                    name(policy)
                ),
                APPLY,
            ),
        }
    }
}

fn name(policy: &Value) -> &str {
    policy["metadata"]["name"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
