//! What of the namespaces would refuse pods because of their sidecars: LimitRanges and quotas, and
//! whether the webhook may read them.

use emberscope_core::Namespaces;
use emberscope_core::contract::NAME;
use emberscope_core::namespace_state::{LimitRange, Quota};
use kube::Client;
use serde_json::{Value, json};

use crate::ask::{self, Refusal, Resource};
use crate::finding::{Finding, LIMITS};

/// What the webhook reads, in the plural.
const KINDS: [&str; 2] = ["limitranges", "resourcequotas"];

/// Reads the LimitRanges and quotas of all namespaces; a finding for each kind that cannot be read, without
/// which the reasons of pods that have no sidecar may lack one.
pub(super) async fn fetch(client: &Client) -> (Namespaces, Vec<Finding>) {
    let mut namespaces = Namespaces::default();
    let [ranges, quotas] = KINDS.map(|kind| Resource { api: "v1", kind, namespace: None });
    let read = ask::each(client, &ranges, "", |object| {
        let namespace = namespace_of(&object);
        if let Ok(object) = serde_json::from_value(object) {
            namespaces.learn(&namespace, |known| known.limit_ranges.push(LimitRange::of(&object)));
        }
    });
    let unread_ranges = unread("the LimitRanges of namespaces", read.await);
    let read = ask::each(client, &quotas, "", |object| {
        let namespace = namespace_of(&object);
        if let Ok(object) = serde_json::from_value(object) {
            namespaces.learn(&namespace, |known| known.quotas.push(Quota::of(&object)));
        }
    });
    let unread_quotas = unread("the quotas of namespaces", read.await);
    (namespaces, unread_ranges.into_iter().chain(unread_quotas).collect())
}

fn unread(what: &str, read: Result<bool, Refusal>) -> Option<Finding> {
    read.err().map(|refusal| LIMITS.refused(what, &refusal))
}

fn namespace_of(object: &Value) -> String {
    object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned()
}

/// Asks the API server what the webhook's service account may: each right that it lacks.
pub(super) async fn lacking(client: &Client, server: &str) -> Result<Vec<String>, Refusal> {
    let reviews = "authorization.k8s.io/v1";
    let resource = Resource { api: reviews, kind: "subjectaccessreviews", namespace: None };
    let mut lacking = Vec::new();
    for kind in KINDS {
        for verb in ["list", "watch"] {
            let review = json!({
                "apiVersion": reviews, "kind": "SubjectAccessReview",
                "spec": {
                    "user": format!("system:serviceaccount:{server}:{NAME}"),
                    "groups": ["system:serviceaccounts", "system:authenticated"],
                    "resourceAttributes": {"verb": verb, "resource": kind},
                },
            });
            let answer = ask::create_dry(client, &resource, &review).await?;
            if answer["status"]["allowed"] != true {
                lacking.push(format!("{verb} {kind}"));
            }
        }
    }
    Ok(lacking)
}

/// The finding about the webhook's rights.
pub(super) fn judge(lacking: &Result<Vec<String>, Refusal>) -> Finding {
    match lacking {
        Err(refusal) => LIMITS.refused("whether the webhook may read LimitRanges and quotas", refusal),
        Ok(lacking) if lacking.is_empty() => {
            LIMITS.pass("the webhook may read the LimitRanges and quotas of namespaces")
        }
        Ok(lacking) => LIMITS.warn(
            format!(
                "the webhook may not {}: pods are injected as if there were none, and may be refused for it",
                lacking.join(", ")
            ),
            "kubectl apply -f manifests/base/rbac.yaml",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Outcome;

    #[test]
    fn a_right_that_the_webhook_lacks_is_a_warning_that_names_it() {
        assert_eq!(judge(&Ok(Vec::new())).outcome, Outcome::Pass);
        let found = judge(&Ok(vec!["watch limitranges".to_owned()]));
        assert_eq!(found.outcome, Outcome::Warn);
        assert!(found.sentence.contains("may not watch limitranges"), "{}", found.sentence);
    }
}
