//! Pods from a file or standard input: one, a List of them as `kubectl get` prints it, or several
//! documents.

mod yaml;

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Error, Result, anyhow, bail};
use emberscope_core::config::Image;
use emberscope_core::review::Request;
use emberscope_core::{AllSettings, ClusterState, Config, OwnImage};
use serde_json::Value;

use crate::cli::Format;

/// The most that is read: an AdmissionReview can be no larger.
const LIMIT: u64 = 8 << 20;

/// What was read.
#[derive(Debug)]
pub(crate) struct Input {
    /// In their order.
    pub(crate) documents: Vec<Document>,
    /// What they were written in.
    pub(crate) format: Format,
}

/// Settings as a command line says them, where there is no cluster to ask.
pub(crate) fn offline(config: Option<&Path>, image: Option<Image>) -> Result<AllSettings> {
    let cluster = ClusterState { own_image: OwnImage::said(image), ..ClusterState::offline() };
    Ok(AllSettings::new(Config::load(config)?, cluster))
}

/// One object of the file.
#[derive(Debug)]
pub(crate) enum Document {
    /// A pod, which may have stood in an AdmissionReview.
    Pod {
        /// The pod.
        pod: Value,
        /// The namespace that it is created in.
        namespace: String,
    },
    /// A List, or a list of one kind.
    List {
        /// Itself, with no items.
        list: Value,
        /// What is in it.
        items: Vec<Document>,
    },
    /// Something else, which nothing is done to.
    Other(Value),
}

impl Input {
    /// All pods, in their order, whatever they stand in.
    pub(crate) fn pods(&self) -> Vec<(&Value, &str)> {
        fn of<'d>(documents: &'d [Document], pods: &mut Vec<(&'d Value, &'d str)>) {
            for document in documents {
                match document {
                    Document::Pod { pod, namespace } => pods.push((pod, namespace)),
                    Document::List { items, .. } => of(items, pods),
                    Document::Other(_) => {}
                }
            }
        }
        let mut pods = Vec::new();
        of(&self.documents, &mut pods);
        pods
    }
}

/// The objects in a file (`-`: standard input), of which one at least is a pod.
pub(crate) fn read(path: &Path, namespace: Option<&str>) -> Result<Input> {
    let name = path.display();
    let text = text(path).with_context(|| format!("cannot read {name}"))?;
    let (values, format) =
        values(&text).with_context(|| format!("{name} is neither YAML nor JSON"))?;
    let cannot = || format!("cannot use {name}");
    let documents: Result<Vec<_>> =
        values.into_iter().map(|value| document(value, namespace)).collect();
    let input = Input { documents: documents.with_context(cannot)?, format };
    if input.pods().is_empty() {
        return Err(no_pod(&input.documents)).with_context(cannot);
    }
    Ok(input)
}

/// The documents of a text; JSON may follow JSON with nothing in between.
fn values(text: &str) -> Result<(Vec<Value>, Format)> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        // What looks like JSON may be YAML's short form.
        return match values.collect::<Result<Vec<Value>, _>>() {
            Ok(values) => Ok((values, Format::Json)),
            Err(_) => Ok((yaml::documents(text)?, Format::Json)),
        };
    }
    Ok((yaml::documents(text)?, Format::Yaml))
}

/// Why there is nothing to do.
fn no_pod(documents: &[Document]) -> Error {
    match documents {
        [] => anyhow!("there is nothing in it"),
        [Document::Other(object)] => match object["kind"].as_str() {
            Some(kind) => anyhow!("kind is {kind}; it has to be Pod, List or AdmissionReview"),
            None => anyhow!("there is no field kind; it has to be Pod, List or AdmissionReview"),
        },
        _ => anyhow!("there is no Pod in it"),
    }
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

/// What an object is; a pod's namespace is what the user says, what the review says, what the pod says,
/// in this order.
fn document(mut input: Value, said: Option<&str>) -> Result<Document> {
    let places =
        ["/request/namespace", "/request/object/metadata/namespace", "/metadata/namespace"];
    let found = places.iter().find_map(|place| input.pointer(place)?.as_str());
    let namespace = said.or(found).unwrap_or("default").to_owned();
    let kind = input["kind"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "Pod" => Ok(Document::Pod { pod: input, namespace }),
        "AdmissionReview" if !asks_for_a_pod(&input) => {
            bail!(
                "the AdmissionReview is not about the creation of a pod, so the webhook does nothing"
            )
        }
        "AdmissionReview" => match input.pointer_mut("/request/object").map(Value::take) {
            Some(Value::Object(pod)) => Ok(Document::Pod { pod: Value::Object(pod), namespace }),
            _ => bail!("the AdmissionReview has no request.object"),
        },
        list if list.ends_with("List") && input["items"].is_array() => {
            let items = input["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            let items = items.into_iter().map(|mut item| {
                // In the API's own lists the kind is said once, by the list.
                if list == "PodList" && item.is_object() && item.get("kind").is_none() {
                    item["kind"] = "Pod".into();
                    item["apiVersion"] = "v1".into();
                }
                document(item, said)
            });
            Ok(Document::List { items: items.collect::<Result<_>>()?, list: input })
        }
        _ => Ok(Document::Other(input)),
    }
}

/// Whether the webhook would look at the review's object.
fn asks_for_a_pod(review: &Value) -> bool {
    let request = review.get("request").map(Value::to_string).unwrap_or_default();
    // A request that cannot be read has no object either, which is said elsewhere.
    serde_json::from_str::<Request<'_>>(&request).map_or(true, |request| request.creates_a_pod())
}

#[cfg(test)]
mod tests;
