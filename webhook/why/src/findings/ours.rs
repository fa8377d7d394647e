//! Emberscope's own part in it.

use super::finding::{Certainty, Found, Provoked, Rule, Severity};
use crate::answer::Verdict;
use crate::facts::Pod;
use crate::units;

pub(super) const NO_SIDECAR: Rule = Rule {
    code: "no_sidecar",
    severity: Severity::Info,
    certainty: Certainty::Certain,
    meaning: "Pods of the application have no sidecar: what is said here is from the API server alone.",
    needs: "Spark pods without the annotation emberscope.dev/injected",
    advice: "`emberscope explain` says why a pod was left alone, `emberscope check` what is wrong with the set-up.",
    alert: Some("EmberscopePodNotInjected"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let without: Vec<&Pod> = case.facts.pods.iter().filter(|pod| !pod.injected).collect();
        let first = without.first()?;
        let sentence = format!(
            "{} of {} has no sidecar",
            without.len(),
            units::count(case.facts.pods.len() as f64, "pod")
        )
        .replace("1 of 1 pod has", "the pod has");
        let namespace = &case.facts.application.namespace;
        Some(
            Found::new(Severity::Info, Certainty::Certain, sentence)
                .status(
                    "no annotation emberscope.dev/injected",
                    first.created_at,
                    Some(&first.name),
                )
                .advise(format!(
                    "kubectl -n {namespace} get pod {} -o yaml | emberscope explain -f -",
                    first.name
                )),
        )
    },
};

pub(super) const SIDECAR_RESTARTED: Rule = Rule {
    code: "sidecar_restarted",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "A sidecar crashed and was started again. The job went on; figures of that time are missing.",
    needs: "restarts of a container emberscope-sidecar",
    advice: "Its log and last state say why; tell us.",
    alert: Some("EmberscopeSidecarRestarting"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let hit = |pod: &&Pod| pod.sidecar.as_ref().is_some_and(|sidecar| sidecar.restarts > 0);
        let pod = case
            .facts
            .pods
            .iter()
            .filter(hit)
            .max_by_key(|pod| pod.sidecar.as_ref().map_or(0, |sidecar| sidecar.restarts))?;
        let restarts = pod.sidecar.as_ref()?.restarts;
        Some(
            Found::new(
                Severity::Warning,
                Certainty::Certain,
                format!(
                    "Emberscope's sidecar was started again {}",
                    units::count(restarts as f64, "time")
                ),
            )
            .status(units::count(restarts as f64, "restart"), None, Some(&pod.name))
            .advise(format!(
                "kubectl -n {} logs {} -c emberscope-sidecar --previous",
                case.facts.application.namespace, pod.name
            )),
        )
    },
};

pub(super) const SOURCE_DOWN: Rule = Rule {
    code: "source_down",
    severity: Severity::Info,
    certainty: Certainty::Certain,
    meaning: "A sidecar could not read one of its sources, so that some findings cannot be made.",
    needs: "emberscope_source_up of a pod that was still running",
    advice: "`emberscope_source_errors_total` has the reason.",
    alert: Some("EmberscopeSourceDown"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let (pod, sources) = case.facts.sources_down.iter().next()?;
        // At the end of an application its sources go one by one.
        if case.verdict != Verdict::Running {
            return None;
        }
        let pods = case.facts.sources_down.len() as f64;
        Some(
            Found::new(
                Severity::Info,
                Certainty::Certain,
                format!(
                    "sidecars of {} had no figures from {}",
                    units::count(pods, "pod"),
                    sources.join(", ")
                ),
            )
            .figure(
                format!("emberscope_source_up is 0: {}", sources.join(", ")),
                case.facts.application.last_seen_at,
                Some(pod),
            )
            .advise("emberscope check tells which sources are down and why"),
        )
    },
};
