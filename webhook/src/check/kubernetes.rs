//! The first link: the API server, its version, and which sidecars follow from it.

use kube::Client;
use serde_json::Value;

use super::ask::{self, Refusal};
use super::finding::{API, Finding, PLACEMENT};
use crate::config::{Config, Mode};
use crate::serve::cluster::placement;

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

/// Whether every kubelet knows native sidecars; asks the nodes where the version does not tell.
pub(super) async fn native(
    client: &Client,
    version: &Result<Value, Refusal>,
) -> Result<bool, Refusal> {
    if let Err(refusal) = version {
        return Err(refusal.clone());
    }
    let asked = tokio::time::timeout(ask::PATIENCE, placement::native_everywhere(client)).await;
    asked.map_err(|_| Refusal::Late)?.map_err(|error| match error.downcast_ref() {
        Some(kube::Error::Api(status)) if status.code == 403 => {
            Refusal::Forbidden("list nodes".to_owned())
        }
        _ => Refusal::Failed(format!("{error:#}")),
    })
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
    let number = |key: &str| placement::number(version[key].as_str().unwrap_or_default());
    if (number("major"), number("minor")) >= OLDEST {
        return API.pass(format!("the API server answers: {text}"));
    }
    API.fail(
        format!("the API server is {text}; Emberscope needs {}.{} or newer", OLDEST.0, OLDEST.1),
        "upgrade the cluster",
    )
}

/// How sidecars are placed, by what kubelets know and what the configuration says.
pub(super) fn placed(native: &Result<bool, Refusal>, config: Option<&Config>) -> Finding {
    let mode = config.map_or(Mode::Auto, |config| config.sidecar.mode);
    match (mode, native) {
        (Mode::Classic, _) => PLACEMENT.pass("sidecars are classic: sidecar.mode says so"),
        (Mode::Native, Ok(false)) => PLACEMENT.fail(
            "sidecar.mode is native, but not every kubelet knows native sidecars (1.29): pods on the others would wait for ever",
            "set sidecar.mode to auto in the ConfigMap",
        ),
        (Mode::Native, _) => PLACEMENT.pass("sidecars are native: sidecar.mode says so"),
        (Mode::Auto, Ok(true)) => {
            PLACEMENT.pass("sidecars are native: every kubelet is 1.29 or newer")
        }
        (Mode::Auto, Ok(false)) => {
            PLACEMENT.pass("sidecars are classic: not every kubelet is 1.29 or newer")
        }
        (Mode::Auto, Err(refusal)) => PLACEMENT.refused("what kubelets know", refusal),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

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
    fn placement_follows_from_kubelets_unless_the_configuration_says_otherwise() {
        let mut config = Config::default();
        assert!(placed(&Ok(true), Some(&config)).sentence.contains("native"));
        assert!(placed(&Ok(false), Some(&config)).sentence.contains("classic"));
        let forbidden = Err(Refusal::Forbidden("list nodes".into()));
        let unknown = placed(&forbidden, Some(&config));
        assert_eq!(unknown.outcome, Outcome::Warn);
        assert!(unknown.sentence.contains("list nodes"), "{}", unknown.sentence);
        config.sidecar.mode = Mode::Native;
        assert_eq!(placed(&Ok(false), Some(&config)).outcome, Outcome::Fail);
        assert_eq!(placed(&forbidden, Some(&config)).outcome, Outcome::Pass);
    }
}
