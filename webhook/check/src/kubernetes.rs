//! The first link: the API server, its version, and what its kubelets know.

use emberscope_core::NativeSidecars;
use emberscope_core::native_sidecars::server_version;
use kube::Client;
use serde_json::Value;

use crate::finding::{API, Finding, NATIVE_SIDECARS};
use emberscope_ask::{self as ask, Refusal, Resource};

/// The oldest API server that manifests/README.md speaks for; `matchConditions` are on by default from
/// 1.28 on.
const OLDEST: (u32, u32) = (1, 29);

/// What the API server says about itself.
pub(super) async fn version(client: &Client) -> Result<Value, Refusal> {
    ask::value(client, "/version", "get /version").await
}

/// Whether the API server cannot be asked anything.
pub(super) const fn is_gone(version: &Result<Value, Refusal>) -> bool {
    matches!(version, Err(refusal) if !matches!(refusal, Refusal::Forbidden(_)))
}

/// What kubelets know of native sidecars; asks the nodes where the version does not tell.
pub(super) async fn native_sidecars(
    client: &Client,
    version: &Result<Value, Refusal>,
) -> Result<NativeSidecars, Refusal> {
    let version = version.as_ref().map_err(Clone::clone)?;
    if let Some(known) = NativeSidecars::by_server(number(version)) {
        return Ok(known);
    }
    let nodes = Resource { api: "v1", kind: "nodes", namespace: None };
    let mut kubelets = Vec::new();
    ask::each(client, &nodes, "", |node| {
        let version = node["status"]["nodeInfo"]["kubeletVersion"].as_str();
        kubelets.push(version.unwrap_or_default().to_owned());
    })
    .await?;
    Ok(NativeSidecars::by_kubelets(kubelets.iter().map(String::as_str)))
}

fn number(version: &Value) -> (u32, u32) {
    let text = |key: &str| version[key].as_str().unwrap_or_default();
    server_version(text("major"), text("minor"))
}

/// Whether the version suffices.
pub(super) fn api(version: &Result<Value, Refusal>) -> Finding {
    let version = match version {
        Ok(version) => version,
        Err(refusal @ Refusal::Forbidden(_)) => return API.refused("its version", refusal),
        Err(refusal) => {
            return API.fail(
                format!("the API server does not answer: {refusal}"),
                "kubectl cluster-info\n--kubeconfig and --context choose another cluster",
            );
        }
    };
    let text = version["gitVersion"].as_str().unwrap_or("of an unknown version");
    if number(version) >= OLDEST {
        return API.pass(format!("the API server answers: {text}"));
    }
    API.fail(
        format!("the API server is {text}; Emberscope needs {}.{} or newer", OLDEST.0, OLDEST.1),
        "upgrade the cluster",
    )
}

/// Whether pods get a sidecar, by what kubelets know.
pub(super) fn kubelets(know: &Result<NativeSidecars, Refusal>) -> Finding {
    match know {
        Ok(NativeSidecars::Everywhere) => {
            NATIVE_SIDECARS.pass("every kubelet knows native sidecars: all are 1.29 or newer")
        }
        Ok(NativeSidecars::Unknown) => NATIVE_SIDECARS.warn(
            "what kubelets know is not known: there are no nodes",
            "kubectl get nodes",
        ),
        Ok(NativeSidecars::NotEverywhere) => NATIVE_SIDECARS.fail(
            "not every kubelet is 1.29 or newer, so that pods are left alone (no_native_sidecars): on the others they would wait for ever",
            "kubectl get nodes\nupgrade or drain the nodes whose VERSION is below v1.29",
        ),
        Err(refusal) => NATIVE_SIDECARS.refused("what kubelets know", refusal),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Outcome;

    fn server(minor: &str) -> Finding {
        api(&Ok(json!({"major": "1", "minor": minor, "gitVersion": format!("v1.{minor}.1")})))
    }

    #[test]
    fn a_version_that_is_too_old_does_not_suffice() {
        assert_eq!(server("28").outcome, Outcome::Fail);
        assert_eq!(server("29+").outcome, Outcome::Pass);
        assert_eq!(server("36").sentence, "the API server answers: v1.36.1");
    }

    #[test]
    fn a_server_that_does_not_answer_is_a_failure_with_the_reason() {
        let found = api(&Err(Refusal::Failed("Connection refused".into())));
        assert_eq!(found.outcome, Outcome::Fail);
        assert!(found.sentence.ends_with("Connection refused"), "{}", found.sentence);
    }

    #[test]
    fn a_version_that_may_not_be_asked_for_is_a_warning_and_the_rest_is_looked_at() {
        let forbidden = Err(Refusal::Forbidden("get /version".into()));
        assert_eq!(api(&forbidden).outcome, Outcome::Warn);
        assert!(!is_gone(&forbidden) && is_gone(&Err(Refusal::Late)));
    }

    #[test]
    fn an_old_kubelet_is_a_failure_and_a_right_that_is_missing_here_a_warning() {
        assert_eq!(kubelets(&Ok(NativeSidecars::Everywhere)).outcome, Outcome::Pass);
        let old = kubelets(&Ok(NativeSidecars::NotEverywhere));
        assert_eq!(old.outcome, Outcome::Fail);
        assert!(old.sentence.contains("no_native_sidecars"), "{}", old.sentence);
        let unknown = kubelets(&Err(Refusal::Forbidden("list nodes".into())));
        assert_eq!(unknown.outcome, Outcome::Warn);
        assert!(unknown.sentence.contains("list nodes"), "{}", unknown.sentence);
    }
}
