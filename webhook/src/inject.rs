//! `emberscope inject`: the webhook's function on a file.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use emberscope_core::{AllSettings, Decision, NamespaceState, Outcome, Pod, outcome_for};
use json_patch::Patch;
use serde_json::Value;

use crate::cli::{Format, Inject};
use crate::input::{self, Document};
use crate::output::print;

/// Prints the patched pods or the patches; says on standard error what was decided.
pub fn run(args: &Inject) -> Result<ExitCode> {
    let settings = input::offline(args.config.as_deref(), args.image.clone())?;
    let input = input::read(&args.filename, args.namespace.as_deref())?;
    let format = args.output.unwrap_or(input.format);
    let mut injection = Injection { settings: &settings, patches: Vec::new() };
    let documents: Result<Vec<Value>> =
        input.documents.into_iter().map(|document| injection.of(document)).collect();
    let documents =
        documents.with_context(|| format!("cannot inject {}", args.filename.display()))?;
    print(if args.patch {
        written(&injection.patches, format)?
    } else {
        written(&documents, format)?
    })
}

/// What is done to every pod of a file.
struct Injection<'s> {
    settings: &'s AllSettings,
    /// Of each pod, in their order.
    patches: Vec<Patch>,
}

impl Injection<'_> {
    /// The object with its pods patched.
    fn of(&mut self, document: Document) -> Result<Value> {
        match document {
            Document::Pod { pod, namespace } => {
                let name = named(&pod, "the pod");
                let (pod, outcome) =
                    inject(pod, &namespace, self.settings).with_context(|| name.clone())?;
                report(&name, &outcome)?;
                self.patches.push(Patch(outcome.patch));
                Ok(pod)
            }
            Document::List { mut list, items } => {
                let items: Result<Vec<Value>> =
                    items.into_iter().map(|item| self.of(item)).collect();
                list["items"] = Value::Array(items?);
                Ok(list)
            }
            Document::Other(object) => {
                let kind = object["kind"].as_str().unwrap_or("without a kind");
                writeln!(
                    io::stderr(),
                    "{}: no pod ({kind}), left as it is",
                    named(&object, "an object")
                )?;
                Ok(object)
            }
        }
    }
}

fn named(object: &Value, otherwise: &str) -> String {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    name.unwrap_or(otherwise).to_owned()
}

/// Does to a pod of a namespace what the webhook does.
pub fn inject(mut pod: Value, namespace: &str, settings: &AllSettings) -> Result<(Value, Outcome)> {
    let raw = serde_json::to_string(&pod)?;
    let view: Pod<'_> =
        serde_json::from_str(&raw).context("the pod has a field of another type")?;
    let outcome = outcome_for(&view, namespace, settings, &NamespaceState::default());
    json_patch::patch(&mut pod, &outcome.patch)?;
    Ok((pod, outcome))
}

/// Documents one after the other.
fn written(documents: &[impl serde::Serialize], format: Format) -> Result<String> {
    let documents: Result<Vec<String>> = documents
        .iter()
        .map(|document| {
            Ok(match format {
                Format::Yaml => serde_saphyr::to_string(document)?,
                Format::Json => serde_json::to_string_pretty(document)? + "\n",
            })
        })
        .collect();
    Ok(documents?.join(match format {
        Format::Yaml => "---\n",
        Format::Json => "",
    }))
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
