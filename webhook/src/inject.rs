//! `emberscope inject`: the webhook's function on a file.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use emberscope_core::{AllSettings, Decision, Outcome, Pod, outcome_for};
use json_patch::Patch;
use serde_json::Value;

use crate::cli::{Format, Inject};
use crate::input;
use crate::output::print;

/// Prints the patched pod or the patch; says on standard error what was decided.
pub fn run(args: &Inject) -> Result<ExitCode> {
    let settings = input::offline(args.config.as_deref(), args.image.clone())?;
    let input = input::read(&args.filename, args.namespace.as_deref())?;
    let name = input.pod.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.unwrap_or("the pod").to_owned();
    let (pod, outcome) = inject(input.pod, &input.namespace, &settings)
        .with_context(|| format!("cannot inject {}", args.filename.display()))?;
    report(&name, &outcome)?;
    let format = args.output.unwrap_or(input.format);
    print(if args.patch { written(&Patch(outcome.patch), format)? } else { written(&pod, format)? })
}

/// Does to a pod of a namespace what the webhook does.
pub fn inject(mut pod: Value, namespace: &str, settings: &AllSettings) -> Result<(Value, Outcome)> {
    let raw = serde_json::to_string(&pod)?;
    let view: Pod<'_> =
        serde_json::from_str(&raw).context("the pod has a field of another type")?;
    let outcome = outcome_for(&view, namespace, settings);
    json_patch::patch(&mut pod, &outcome.patch)?;
    Ok((pod, outcome))
}

fn written(value: &impl serde::Serialize, format: Format) -> Result<String> {
    Ok(match format {
        Format::Yaml => serde_saphyr::to_string(value)?,
        Format::Json => serde_json::to_string_pretty(value)? + "\n",
    })
}

fn report(pod: &str, outcome: &Outcome) -> Result<()> {
    let mut stderr = io::stderr().lock();
    match outcome.decision {
        Decision::Inject(_) => writeln!(stderr, "{pod}: injected")?,
        Decision::Repair { .. } => writeln!(stderr, "{pod}: repaired")?,
        Decision::Skip(skip) => {
            writeln!(stderr, "{pod}: not injected, {}: {}", skip.code(), skip.sentence())?;
        }
    }
    for missing in outcome.missing() {
        writeln!(stderr, "{pod}: {missing}")?;
    }
    Ok(())
}
