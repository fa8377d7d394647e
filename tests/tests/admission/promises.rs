//! What the webhook promises of every patch: only `add`, every original value still there, lists in
//! their order, twice is once, the quality-of-service class stays, no pod but a Guaranteed one asks for more, and the result is a pod to
//! k8s-openapi.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emberscope_core::admission;
use emberscope_core::{AllSettings, Namespaces};
use emberscope_tests::effective_requests::effective_requests;
use emberscope_tests::quality_of_service::{Class, class};
use emberscope_tests::untouched::lost;
use json_patch::{Patch, PatchOperation};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

/// The decoded patch of an answer, if it has one.
pub(crate) fn patch_of(answer: &Value) -> Result<Option<Value>> {
    let Some(patch) = answer["response"].get("patch") else {
        return Ok(None);
    };
    ensure!(answer["response"]["patchType"] == "JSONPatch");
    let patch = STANDARD.decode(patch.as_str().context("the patch is no string")?)?;
    Ok(Some(serde_json::from_slice(&patch)?))
}

/// Holds the patch for a review against every promise.
pub(crate) fn hold(review: &[u8], patch: &Value, settings: &AllSettings) -> Result<()> {
    let mut review: Value = serde_json::from_slice(review)?;
    let original = review["request"]["object"].clone();
    let patch: Patch = serde_json::from_value(patch.clone())?;
    let adds = patch.0.iter().all(|operation| matches!(operation, PatchOperation::Add(_)));
    ensure!(adds, "an operation is not add");
    let mut patched = original.clone();
    json_patch::patch(&mut patched, &patch).context("the patch does not apply")?;
    let lost = lost(&original, &patched);
    ensure!(lost.is_empty(), "{lost:?} is gone or another");
    let (before, after) = (class(&original)?, class(&patched)?);
    ensure!(before == after, "the pod was {before:?} and is {after:?}");
    let asked_for_more = &original["metadata"]["annotations"]["emberscope.dev/cpu-request"];
    if after != Class::Guaranteed && asked_for_more.is_null() {
        let (before, after) = (effective_requests(&original)?, effective_requests(&patched)?);
        ensure!(before == after, "the pod asked for {before:?} and asks for {after:?}");
    }
    let _: Pod = serde_json::from_value(patched.clone()).context("the result is no pod")?;

    review["request"]["object"] = patched;
    let again = admission::answer(&serde_json::to_vec(&review)?, settings, &Namespaces::default());
    let again: Value = serde_json::from_slice(&again.body)?;
    ensure!(again["response"].get("patch").is_none(), "a second time there is a patch again");
    Ok(())
}
