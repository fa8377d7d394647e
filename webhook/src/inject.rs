//! `emberscope inject`: the webhook's function on a file.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use json_patch::{Patch, PatchOperation};
use serde_json::Value;

use crate::admit::{self, Outcome, Verdict};
use crate::args::{Format, Inject};
use crate::config::Config;
use crate::decide::{self, Role};
use crate::patch;
use crate::pod::Pod;
use crate::review::Request;
use crate::settings::AllSettings;

/// The most that is read: an AdmissionReview can be no larger.
const LIMIT: u64 = 8 << 20;

/// Prints the patched pod or the patch; says on standard error what was decided.
pub fn run(args: &Inject) -> Result<()> {
    let settings = AllSettings::offline(Config::load(args.config.as_deref())?);
    let text = read(&args.filename)?;
    let (pod, namespace) = parse(&args.filename, &text, args.namespace.as_deref())?;
    let injected = inject(pod, &namespace, &settings)
        .with_context(|| format!("cannot inject {}", args.filename.display()))?;
    report(&injected.outcome)?;
    let format = args.output.unwrap_or(if text.trim_start().starts_with('{') {
        Format::Json
    } else {
        Format::Yaml
    });
    let output = if args.patch {
        print(&Patch(injected.operations), format)?
    } else {
        print(&injected.pod, format)?
    };
    match io::stdout().write_all(output.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// A pod after the webhook's function.
#[derive(Debug)]
pub struct Injected {
    /// The pod, patched.
    pub pod: Value,
    /// What was done to it.
    pub operations: Vec<PatchOperation>,
    /// What was decided.
    pub outcome: Outcome,
}

/// Does to a pod of a namespace what the webhook does.
pub fn inject(mut pod: Value, namespace: &str, settings: &AllSettings) -> Result<Injected> {
    let raw = serde_json::to_string(&pod)?;
    let view: Pod<'_> =
        serde_json::from_str(&raw).context("the pod has a field of another type")?;
    let settings = settings.of(namespace, &view);
    let decision = decide::decide(&view, settings);
    let operations = patch::operations(&view, &decision);
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("the pod");
    let outcome = admit::outcome(&decision, Role::of(&view), name.to_owned(), settings);
    json_patch::patch(&mut pod, &operations)?;
    Ok(Injected { pod, operations, outcome })
}

/// The pod in a file (`-`: standard input), and the namespace that it is created in.
pub(crate) fn read_pod(path: &Path, namespace: Option<&str>) -> Result<(Value, String)> {
    parse(path, &read(path)?, namespace)
}

fn parse(path: &Path, text: &str, namespace: Option<&str>) -> Result<(Value, String)> {
    let name = path.display();
    let input: Value = serde_saphyr::from_str(text)
        .with_context(|| format!("{name} is neither YAML nor JSON of one object"))?;
    pod_of(input, namespace).with_context(|| format!("cannot use {name}"))
}

fn read(path: &Path) -> Result<String> {
    read_text(path).with_context(|| format!("cannot read {}", path.display()))
}

fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().lock().take(LIMIT + 1).read_to_string(&mut text)?;
    } else {
        fs::File::open(path)?.take(LIMIT + 1).read_to_string(&mut text)?;
    }
    if text.len() as u64 > LIMIT {
        bail!("it is larger than {} MiB", LIMIT >> 20);
    }
    Ok(text)
}

/// The pod in a Pod or an AdmissionReview, and the namespace that it is created in: what the user
/// says, what the review says, what the pod says, in this order.
fn pod_of(mut input: Value, said: Option<&str>) -> Result<(Value, String)> {
    let places =
        ["/request/namespace", "/request/object/metadata/namespace", "/metadata/namespace"];
    let found = places.iter().find_map(|place| input.pointer(place)?.as_str());
    let namespace = said.or(found).unwrap_or("default").to_owned();
    match input["kind"].as_str() {
        Some("Pod") => Ok((input, namespace)),
        Some("AdmissionReview") if !asks_for_a_pod(&input) => {
            bail!(
                "the AdmissionReview is not about the creation of a pod, so the webhook does nothing"
            )
        }
        Some("AdmissionReview") => match input.pointer_mut("/request/object").map(Value::take) {
            Some(Value::Object(pod)) => Ok((Value::Object(pod), namespace)),
            _ => bail!("the AdmissionReview has no request.object"),
        },
        Some(kind) => bail!("kind is {kind}; it has to be Pod or AdmissionReview"),
        None => bail!("there is no field kind; it has to be Pod or AdmissionReview"),
    }
}

/// Whether the webhook would look at the review's object.
fn asks_for_a_pod(review: &Value) -> bool {
    let request = review.get("request").map(Value::to_string).unwrap_or_default();
    // A request that cannot be read has no object either, which is said elsewhere.
    serde_json::from_str::<Request<'_>>(&request).map_or(true, |request| request.creates_a_pod())
}

fn print(value: &impl serde::Serialize, format: Format) -> Result<String> {
    Ok(match format {
        Format::Yaml => serde_saphyr::to_string(value)?,
        Format::Json => serde_json::to_string_pretty(value)? + "\n",
    })
}

fn report(outcome: &Outcome) -> Result<()> {
    let mut stderr = io::stderr().lock();
    let pod = &outcome.pod;
    match outcome.verdict {
        Verdict::Injected => writeln!(stderr, "{pod}: injected")?,
        Verdict::Repaired => writeln!(stderr, "{pod}: repaired")?,
        Verdict::Skipped(skip) => {
            writeln!(stderr, "{pod}: not injected, {}: {}", skip.code(), skip.sentence())?;
        }
    }
    for partial in &outcome.warnings {
        if !matches!(outcome.verdict, Verdict::Skipped(_)) {
            writeln!(stderr, "{pod}: {}", partial.trim_start_matches("emberscope: "))?;
        }
    }
    Ok(())
}
