//! `emberscope explain`: why a pod is injected or not, and where each value comes from.
//!
//! ```text
//! pod, settings -> decide -> the rule that decided      rules
//!                    |------> what the sidecar gets     values, each with its origin
//!                    '------> what the pod lacks        missing
//! ```
//!
//! The decision is that of [`decide`]; nothing is decided here. Where a value comes
//! from is found by looking at the layers that it can come from, the last one first.

mod origin;
mod text;
mod values;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use crate::admit::{self, Outcome, Verdict};
use crate::args::{Explain, Report};
use crate::config::Config;
use crate::decide::{self, Decision, Role};
use crate::inject;
use crate::overrides::INJECTED;
use crate::pod::Pod;
use crate::reason::{PARTIALS, SKIPS, Skip};
use crate::settings::{AllSettings, Settings};

/// Exit code for a pod that would be left alone.
pub const LEFT_ALONE: u8 = 3;

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
    pub result: Answer,
    /// When it holds.
    pub sentence: &'static str,
}

/// What a rule said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It lets the pod pass.
    Passes,
    /// It decided.
    Decides,
    /// It was not asked: an earlier one decided.
    NotAsked,
    /// Only the cluster knows.
    Unknown,
}

/// Prints the explanation, or the table of reasons.
pub fn run(args: &Explain) -> Result<ExitCode> {
    let (output, code) = if args.reasons {
        (reasons(args.output)?, ExitCode::SUCCESS)
    } else {
        let settings = AllSettings::offline(Config::load(args.config.as_deref())?);
        let file = args.filename.as_deref().context("-f FILE names the pod")?;
        let (pod, namespace) = inject::read_pod(file, args.namespace.as_deref())?;
        let explanation =
            explain(&pod, &namespace, &settings).with_context(|| format!("{}", file.display()))?;
        let code = match explanation.decision {
            "injected" | "repaired" => ExitCode::SUCCESS,
            code if code == Skip::AlreadyInjected.code() => ExitCode::SUCCESS,
            _ => ExitCode::from(LEFT_ALONE),
        };
        let output = match args.output {
            Report::Text => explanation.to_string(),
            Report::Json => serde_json::to_string_pretty(&explanation)? + "\n",
        };
        (output, code)
    };
    match io::stdout().write_all(output.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(code),
        written => written.context("cannot write to standard output").map(|()| code),
    }
}

/// Explains what becomes of a pod in a namespace.
pub fn explain(pod: &Value, namespace: &str, all: &AllSettings) -> Result<Explanation> {
    let raw = serde_json::to_string(pod)?;
    let view: Pod<'_> = serde_json::from_str(&raw).context("a field is of another type")?;
    let settings = all.of(namespace, &view);
    let decision = decide::decide(&view, settings);
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("(without a name)");
    let outcome = admit::outcome(&decision, Role::of(&view), name.to_owned(), settings);
    let values = match &decision {
        Decision::Inject(plan) => values::rows(&view, plan, all, settings),
        Decision::Repair { .. } | Decision::Skip(_) => Vec::new(),
    };
    let missing = match outcome.verdict {
        Verdict::Skipped(_) => Vec::new(),
        _ => outcome.warnings.clone(),
    };
    Ok(Explanation {
        pod: name.to_owned(),
        namespace: namespace.to_owned(),
        decision: outcome.verdict.code(),
        sentence: sentence(&outcome, &view, settings),
        profile: settings.profile.clone(),
        rules: rules(&outcome),
        values,
        missing,
    })
}

fn sentence(outcome: &Outcome, pod: &Pod<'_>, settings: &Settings) -> String {
    match outcome.verdict {
        Verdict::Injected => "gets the sidecar".to_owned(),
        Verdict::Repaired => {
            "has the sidecar and gets back its restartPolicy, which something dropped".to_owned()
        }
        Verdict::Skipped(Skip::AlreadyInjected) => match pod.annotation(INJECTED) {
            Some(by) if by == settings.injected => {
                format!("has the sidecar already, by this configuration ({by})")
            }
            Some(by) => format!(
                "has the sidecar already, by another version or configuration ({by}; now it would be {})",
                settings.injected
            ),
            None => "has a container of the sidecar's name, by nobody known here".to_owned(),
        },
        Verdict::Skipped(skip) => format!("is left alone: {}", skip.sentence()),
    }
}

/// The rules with their results, by the one that decided.
fn rules(outcome: &Outcome) -> Vec<Rule> {
    let decided = match outcome.verdict {
        Verdict::Skipped(skip) => decide::ORDER.iter().position(|rule| *rule == skip),
        Verdict::Repaired => decide::ORDER.iter().position(|rule| *rule == Skip::AlreadyInjected),
        Verdict::Injected => None,
    };
    let namespace = Rule {
        code: "namespace",
        result: Answer::Unknown,
        sentence: "the namespace has no label emberscope.dev/inject=enabled",
    };
    let rules = decide::ORDER.iter().enumerate().map(|(index, skip)| Rule {
        code: skip.code(),
        result: match decided {
            Some(decided) if index == decided => Answer::Decides,
            Some(decided) if index > decided => Answer::NotAsked,
            _ => Answer::Passes,
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
    let skips = SKIPS.map(|skip| Reason { code: skip.code(), sentence: skip.sentence() });
    let partials = PARTIALS.map(|one| Reason { code: one.code(), sentence: one.sentence() });
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
