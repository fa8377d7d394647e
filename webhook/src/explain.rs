//! `emberscope explain`: why a pod is injected or not, and where each value comes from.
//!
//! ```text
//! pod, settings -> outcome -> the rule that decided      rules
//!                     |------> what the sidecar gets     values, each with its origin
//!                     '------> what the pod lacks        missing
//! ```
//!
//! The decision is that of [`outcome_for`]; nothing is decided here. Each value has its origin beside
//! it already.

mod text;
mod values;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use emberscope_core::contract::INJECTED;
use emberscope_core::plan::ORDER;
use emberscope_core::{
    AllSettings, Decision, NamespaceState, Outcome, PARTIALS, Pod, SKIPS, Settings, Skip,
    outcome_for,
};
use serde::Serialize;
use serde_json::Value;

use crate::cli::{Explain, Report};
use crate::input;
use crate::output::print;

/// Exit code where a pod would be left alone.
const LEFT_ALONE: u8 = 3;

/// What depends on LimitRanges and quotas, which only the cluster knows.
const OF_NAMESPACES: [Skip; 2] = [Skip::LimitRange, Skip::QuotaFull];

/// All that there is to say about one pod.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The pod's name.
    pub pod: String,
    /// The namespace that it is looked at in.
    pub namespace: String,
    /// `injected`, `repaired`, or the code of the reason why not.
    pub decision: &'static str,
    /// The decision in a sentence.
    pub sentence: String,
    /// The configuration's profile that selects the pod, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The rules, in the order in which they are asked.
    pub rules: Vec<Rule>,
    /// What the sidecar, and the driver, would get.
    pub values: Vec<values::Row>,
    /// What the pod would not get: warnings, each with its code.
    pub missing: Vec<String>,
}

/// One rule, and what became of it.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// The code of the reason that it gives, or `namespace`.
    pub code: &'static str,
    /// Its result.
    pub result: RuleResult,
    /// When it holds.
    pub sentence: &'static str,
}

/// What a rule said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleResult {
    /// It lets the pod pass.
    Passes,
    /// It decided.
    Decides,
    /// It was not asked: an earlier one decided.
    NotAsked,
    /// Only the cluster knows.
    Unknown,
}

/// Prints an explanation of each pod, or the table of reasons.
pub fn run(args: &Explain) -> Result<ExitCode> {
    if args.reasons {
        return print(reasons(args.output)?);
    }
    let settings = input::offline(args.config.as_deref(), args.image.clone())?;
    let file = args.filename.as_deref().context("-f FILE names the pod")?;
    let input = input::read(file, args.namespace.as_deref())?;
    let explanations: Result<Vec<Explanation>> = input
        .pods()
        .into_iter()
        .map(|(pod, namespace)| explain(pod, namespace, &settings))
        .collect();
    let explanations = explanations.with_context(|| format!("{}", file.display()))?;
    print(match (args.output, explanations.as_slice()) {
        (Report::Text, all) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        (Report::Json, [one]) => serde_json::to_string_pretty(one)? + "\n",
        (Report::Json, all) => serde_json::to_string_pretty(all)? + "\n",
    })?;
    let left_alone = |explanation: &Explanation| match explanation.decision {
        "injected" | "repaired" => false,
        code => code != Skip::AlreadyInjected.code(),
    };
    Ok(if explanations.iter().any(left_alone) {
        ExitCode::from(LEFT_ALONE)
    } else {
        ExitCode::SUCCESS
    })
}

/// Explains what becomes of a pod in a namespace.
pub fn explain(pod: &Value, namespace: &str, all: &AllSettings) -> Result<Explanation> {
    let raw = serde_json::to_string(pod)?;
    let view: Pod<'_> = serde_json::from_str(&raw).context("a field is of another type")?;
    let settings = all.of(namespace, &view);
    let outcome = outcome_for(&view, namespace, all, &NamespaceState::default());
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("(without a name)");
    Ok(Explanation {
        pod: name.to_owned(),
        namespace: namespace.to_owned(),
        decision: outcome.code(),
        sentence: sentence(&outcome.decision, &view, settings),
        rules: rules(&outcome),
        values: match &outcome.decision {
            Decision::Inject(plan) => values::rows(&view, plan, settings),
            Decision::Repair { .. } | Decision::Skip(_) => Vec::new(),
        },
        missing: outcome.missing(),
        profile: outcome.profile,
    })
}

fn sentence(decision: &Decision, pod: &Pod<'_>, settings: &Settings) -> String {
    match decision {
        Decision::Inject(_) => "gets the sidecar".to_owned(),
        Decision::Repair { .. } => {
            "has the sidecar and gets back its restartPolicy, which something dropped".to_owned()
        }
        Decision::Skip(Skip::AlreadyInjected) => match pod.annotation(INJECTED) {
            Some(by) if by == settings.injected => {
                format!("has the sidecar already, by this configuration ({by})")
            }
            Some(by) => format!(
                "has the sidecar already, by another version or configuration ({by}; now it would be {})",
                settings.injected
            ),
            None => "has a container of the sidecar's name, by nobody known here".to_owned(),
        },
        Decision::Skip(skip) => format!("is left alone: {}", skip.sentence()),
    }
}

/// The rules with their results, by the one that decided.
fn rules(outcome: &Outcome) -> Vec<Rule> {
    let decided = match outcome.decision {
        Decision::Skip(skip) => Some(skip),
        Decision::Repair { .. } => Some(Skip::AlreadyInjected),
        Decision::Inject(_) => None,
    };
    let decided = decided.and_then(|skip| ORDER.iter().position(|rule| *rule == skip));
    let namespace = Rule {
        code: "namespace",
        result: RuleResult::Unknown,
        sentence: "the namespace has no label emberscope.dev/inject=enabled",
    };
    let rules = ORDER.iter().enumerate().map(|(index, skip)| Rule {
        code: skip.code(),
        result: match decided {
            Some(decided) if index == decided => RuleResult::Decides,
            Some(decided) if index > decided => RuleResult::NotAsked,
            _ if OF_NAMESPACES.contains(skip) => RuleResult::Unknown,
            _ => RuleResult::Passes,
        },
        sentence: skip.sentence(),
    });
    std::iter::once(namespace).chain(rules).collect()
}

/// All reasons, whatever the pod.
fn reasons(output: Report) -> Result<String> {
    #[derive(Serialize)]
    struct Reason {
        code: &'static str,
        sentence: &'static str,
    }
    let skips = SKIPS.iter().map(|one| Reason { code: one.code(), sentence: one.sentence() });
    let partials = PARTIALS.iter().map(|one| Reason { code: one.code(), sentence: one.sentence() });
    let (skips, partials): (Vec<_>, Vec<_>) = (skips.collect(), partials.collect());
    Ok(match output {
        Report::Json => {
            let both = serde_json::json!({"notInjected": skips, "notFullyInjected": partials});
            serde_json::to_string_pretty(&both)? + "\n"
        }
        Report::Text => {
            let rows = |reasons: &[Reason]| {
                let rows: Vec<_> = reasons.iter().map(|r| [r.code, r.sentence]).collect();
                text::table(&rows)
            };
            format!(
                "Why a pod is not injected:\n{}\nWhy an injected pod does not get everything:\n{}",
                rows(&skips),
                rows(&partials)
            )
        }
    })
}

#[cfg(test)]
mod tests;
