//! A pod from a file or standard input.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use emberscope_core::config::Image;
use emberscope_core::review::Request;
use emberscope_core::{AllSettings, ClusterState, Config, OwnImage};
use serde_json::Value;

use crate::cli::Format;

/// The most that is read: an AdmissionReview can be no larger.
const LIMIT: u64 = 8 << 20;

/// A pod that was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// The pod.
    pub(crate) pod: Value,
    /// The namespace that it is created in.
    pub(crate) namespace: String,
    /// What it was written in.
    pub(crate) format: Format,
}

/// Settings as a command line says them, where there is no cluster to ask.
pub(crate) fn offline(config: Option<&Path>, image: Option<Image>) -> Result<AllSettings> {
    let cluster = ClusterState { own_image: OwnImage::said(image), ..ClusterState::offline() };
    Ok(AllSettings::new(Config::load(config)?, cluster))
}

/// The pod in a Pod or an AdmissionReview in a file (`-`: standard input).
pub(crate) fn read(path: &Path, namespace: Option<&str>) -> Result<Input> {
    let name = path.display();
    let text = text(path).with_context(|| format!("cannot read {name}"))?;
    let input: Value = serde_saphyr::from_str(&text)
        .with_context(|| format!("{name} is neither YAML nor JSON of one object"))?;
    let format = if text.trim_start().starts_with('{') { Format::Json } else { Format::Yaml };
    let (pod, namespace) = pod(input, namespace).with_context(|| format!("cannot use {name}"))?;
    Ok(Input { pod, namespace, format })
}

fn text(path: &Path) -> Result<String> {
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

/// The pod, and the namespace that it is created in: what the user says, what the review says, what
/// the pod says, in this order.
fn pod(mut input: Value, said: Option<&str>) -> Result<(Value, String)> {
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
