//! The answer: what became of the application, and the findings, the likeliest cause first.

mod outcome;

use serde::{Deserialize, Serialize};

use crate::facts::{Application, Asked, Facts, Time, Unknown};
use crate::findings::{CATALOG, Case, Certainty, Change, Evidence, Severity};
use crate::redact;

pub use outcome::{Outcome, Verdict};

/// The version of the answer's JSON: it changes when a field is taken away or means something else.
pub const SCHEMA: u32 = 1;

/// A finding, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Its name in the catalog.
    pub code: String,
    /// What it means here.
    pub severity: Severity,
    /// How sure it is.
    pub certainty: Certainty,
    /// What it is.
    pub sentence: String,
    /// What says so.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub changes: Vec<Change>,
    /// The alert that says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// Where to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
}

/// What it ran with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// The most executors that there were at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executors: Option<f64>,
    /// Tasks that one can run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_cores: Option<f64>,
    /// The memory limit of one, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor_memory_bytes: Option<f64>,
    /// The memory limit of the driver, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_memory_bytes: Option<f64>,
}

/// What became of an application, why, and what to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it was asked for.
    pub asked_at: Time,
    /// Which application it is.
    pub application: Application,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took, or has taken, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// What it ran with.
    pub resources: Resources,
    /// The likeliest cause first.
    pub findings: Vec<Finding>,
    /// What could not be known, and why.
    pub unknown: Vec<Unknown>,
    /// Who was asked.
    pub asked: Vec<Asked>,
}

/// Answers from facts alone; nothing of them is said that is a secret or would act on a terminal.
#[must_use]
pub fn answer(facts: &Facts) -> Answer {
    let facts = &redact::all(facts);
    let outcome = outcome::of(facts);
    let case = Case { facts, verdict: outcome.verdict };
    let found = CATALOG.iter().filter_map(|rule| Some((rule, (rule.judge)(&case)?)));
    let mut findings: Vec<Finding> = found
        .map(|(rule, found)| Finding {
            code: rule.code.to_owned(),
            severity: found.severity,
            certainty: found.certainty,
            sentence: found.sentence,
            evidence: found.evidence,
            changes: found.changes,
            alert: rule.alert.map(str::to_owned),
            runbook: rule.alert.map(runbook),
        })
        .collect();
    // A stable sort: the catalog has causes before what they lead to.
    findings.sort_by_key(|finding| (finding.severity, finding.certainty));
    Answer {
        schema: SCHEMA,
        asked_at: facts.asked_at,
        application: facts.application.clone(),
        outcome,
        duration_seconds: facts.duration(),
        resources: resources(facts),
        findings,
        unknown: facts.unknown.clone(),
        asked: facts.asked.clone(),
    }
}

fn runbook(alert: &str) -> String {
    format!("https://github.com/emberscope/emberscope/blob/main/docs/runbooks/{alert}.md")
}

fn resources(facts: &Facts) -> Resources {
    let most = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::max);
    let limit_of_executors =
        most(&mut facts.executor_containers().filter_map(|one| one.limit_bytes));
    let asked_for = most(&mut facts.executor_pods().filter_map(|pod| pod.memory_limit_bytes));
    let of_driver = facts.driver_container().and_then(|one| one.limit_bytes);
    let pods = facts.executor_pods().count();
    Resources {
        executors: most(
            &mut facts.timeline.iter().map(|moment| moment.executors).filter(|count| *count > 0.0),
        )
        .or((pods > 0).then_some(pods as f64)),
        executor_cores: facts
            .settings
            .executor_cores
            .or(most(&mut facts.executors.iter().filter_map(|one| one.slots))),
        executor_memory_bytes: limit_of_executors.or(asked_for),
        driver_memory_bytes: of_driver
            .or(facts.driver_pod().and_then(|pod| pod.memory_limit_bytes)),
    }
}
