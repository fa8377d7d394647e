//! What the API server does with a pod: asks the webhook, applies the patch that comes back.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use emberscope_core::admission;
use emberscope_core::{AllSettings, Config, Namespaces};
use serde_json::{Value, json};

use crate::http;

/// The name of the container that the webhook injects.
pub const SIDECAR: &str = "emberscope-sidecar";

/// A pod as the cluster would store it, and what was done to it.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The patched pod.
    pub pod: Value,
    /// The operations of the patch.
    pub operations: usize,
}

impl Admitted {
    /// The value of `SPARK_SUBMIT_OPTS` on the Spark container.
    pub fn spark_submit_opts(&self) -> Result<&str> {
        let containers = self.pod["spec"]["containers"].as_array().into_iter().flatten();
        containers
            .flat_map(|container| container["env"].as_array().into_iter().flatten())
            .find(|variable| variable["name"] == "SPARK_SUBMIT_OPTS")
            .and_then(|variable| variable["value"].as_str())
            .context("the patched pod has no SPARK_SUBMIT_OPTS")
    }

    /// The arguments of the injected sidecar.
    pub fn sidecar_arguments(&self) -> Result<Vec<String>> {
        let sidecar = self.sidecar()?;
        let arguments = sidecar["args"].as_array().context("the sidecar has no arguments")?;
        Ok(arguments.iter().filter_map(|argument| argument.as_str().map(str::to_owned)).collect())
    }

    /// The value of one of the sidecar's arguments, as a port.
    pub fn sidecar_port(&self, argument: &str) -> Result<u16> {
        let prefix = format!("--{argument}=");
        let arguments = self.sidecar_arguments()?;
        let value = arguments.iter().find_map(|given| given.strip_prefix(&prefix));
        let value = value.with_context(|| format!("the sidecar has no argument --{argument}"))?;
        value.parse().with_context(|| format!("--{argument}={value} is no port"))
    }

    fn sidecar(&self) -> Result<&Value> {
        let mut inits = self.pod["spec"]["initContainers"].as_array().into_iter().flatten();
        inits
            .find(|container| container["name"] == SIDECAR)
            .with_context(|| format!("the patched pod has no native sidecar {SIDECAR}"))
    }
}

/// A captured review, with annotations added to its pod as its owner would, and without the label
/// that carries the application id: the job of the capture is over, and another one runs.
pub fn review(file: &Path, annotations: &[(&str, &str)]) -> Result<Value> {
    let text = fs::read(file).with_context(|| format!("{} could not be read", file.display()))?;
    let mut review: Value =
        serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))?;
    let metadata = &mut review["request"]["object"]["metadata"];
    if let Some(labels) = metadata["labels"].as_object_mut() {
        labels.remove("spark-app-selector");
    }
    for (key, value) in annotations {
        metadata["annotations"][*key] = json!(value);
    }
    Ok(review)
}

/// Sends a review to the webhook as an API server does, and applies what it answers to the pod.
pub async fn admit(port: u16, authority: &Path, review: &Value) -> Result<Admitted> {
    let body = Bytes::from(serde_json::to_vec(review)?);
    let answer = http::post_tls(port, "/mutate?timeout=2s", authority, body).await?.ok()?;
    let answer: Value = serde_json::from_slice(&answer).context("the answer is not JSON")?;
    apply(review, &answer)
}

/// What the webhook with that configuration makes of the pod, without a server.
pub fn decide(review: &Value, configuration: &str) -> Result<Admitted> {
    let config = Config::parse(configuration, None)?;
    let admission = admission::answer(
        &serde_json::to_vec(review)?,
        &AllSettings::offline(config),
        &Namespaces::default(),
    );
    apply(review, &serde_json::from_slice(&admission.body)?)
}

/// The pod of `review` with the patch of `answer` applied to it.
pub fn apply(review: &Value, answer: &Value) -> Result<Admitted> {
    let response = &answer["response"];
    ensure!(response["uid"] == review["request"]["uid"], "the answer has another uid: {response}");
    ensure!(response["allowed"] == true, "the webhook did not allow the pod: {response}");
    let Some(encoded) = response["patch"].as_str() else {
        bail!("the webhook answered without a patch: {response}");
    };
    ensure!(response["patchType"] == "JSONPatch", "the patch is not a JSON Patch: {response}");
    let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(encoded)?)?;
    let mut pod = review["request"]["object"].clone();
    json_patch::patch(&mut pod, &patch).context("the patch does not apply to the pod")?;
    Ok(Admitted { pod, operations: patch.0.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(patch: &Value) -> Value {
        let patch = STANDARD.encode(patch.to_string());
        json!({"response": {"uid": "u", "allowed": true, "patchType": "JSONPatch", "patch": patch}})
    }

    fn asked() -> Value {
        json!({"request": {"uid": "u", "object": {"spec": {"containers": [{"name": "spark"}]}}}})
    }

    #[test]
    fn the_patch_is_applied_to_the_pod_that_was_asked_about() {
        let admitted = apply(
            &asked(),
            &answer(&json!([
                {"op": "add", "path": "/spec/containers/0/env", "value": [{"name": "SPARK_SUBMIT_OPTS", "value": "-Da=b"}]},
                {"op": "add", "path": "/spec/initContainers", "value": [{"name": SIDECAR, "args": ["--port=9814"]}]},
            ])),
        )
        .unwrap();
        assert_eq!(admitted.spark_submit_opts().unwrap(), "-Da=b");
        assert_eq!(admitted.sidecar_port("port").unwrap(), 9814);
        assert_eq!(admitted.operations, 2);
    }

    #[test]
    fn an_answer_to_another_question_is_refused() {
        let mut other = answer(&json!([]));
        other["response"]["uid"] = json!("v");
        assert!(apply(&asked(), &other).unwrap_err().to_string().contains("another uid"));
    }

    #[test]
    fn an_answer_without_a_patch_shows_the_reason_that_it_gives() {
        let silent = json!({"response": {"uid": "u", "allowed": true, "warnings": ["not Spark"]}});
        assert!(apply(&asked(), &silent).unwrap_err().to_string().contains("not Spark"));
    }
}
