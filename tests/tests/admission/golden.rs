//! Golden admissions: each folder of `golden/admission` is a pod or review and what becomes of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use emberscope_core::{Admission, admission};
use emberscope_core::{AllSettings, Config, Namespaces};
use serde_json::{Value, json};

use crate::promises;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/admission");

#[test]
fn every_case_gets_the_answer_in_its_folder() {
    let entries = fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() >= 40, "only {} cases in {ROOT}", cases.len());
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|error| format!("{}: {error:#}", case.display())))
        .collect();
    assert!(failed.is_empty(), "{}\n`make golden` accepts new answers", failed.join("\n"));
}

fn check(case: &Path) -> Result<()> {
    let config = case.join("config.yaml");
    let settings = AllSettings::offline(Config::load(config.exists().then_some(config.as_path()))?);
    let review = review(case)?;
    let admission = admission::answer(&review, &settings, &Namespaces::default());
    let answer = answer(&admission)?;
    if let Some(Value::Array(_)) = answer.get("patch") {
        promises::hold(&review, &answer["patch"], &settings)?;
    }
    let expected = case.join("answer.yaml");
    let yaml = serde_saphyr::to_string(&answer)?;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&expected, yaml)?;
        return Ok(());
    }
    let written = fs::read_to_string(&expected).context("answer.yaml cannot be read")?;
    ensure!(yaml == written, "the answer is\n{yaml}");
    Ok(())
}

/// The body that an API server would send.
fn review(case: &Path) -> Result<Vec<u8>> {
    let review = case.join("review.json");
    if review.exists() {
        return Ok(fs::read(review)?);
    }
    let pod: Value = serde_saphyr::from_str(&fs::read_to_string(case.join("pod.yaml"))?)?;
    let namespace = &pod["metadata"]["namespace"];
    Ok(serde_json::to_vec(&json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "0",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "operation": "CREATE",
            "namespace": namespace,
            "name": pod["metadata"]["name"],
            "object": pod,
        },
    }))?)
}

/// The answer as a person reads it: the patch decoded.
fn answer(admission: &Admission) -> Result<Value> {
    let review: Value = serde_json::from_slice(&admission.body)?;
    ensure!(review["kind"] == "AdmissionReview");
    let response = &review["response"];
    ensure!(response["allowed"] == true, "not allowed");
    ensure!(response["uid"].is_string(), "no uid");
    let mut answer = json!({"code": admission.outcome.code()});
    for key in ["auditAnnotations", "warnings"] {
        if let Some(value) = response.get(key) {
            answer[key] = value.clone();
        }
    }
    if let Some(patch) = promises::patch_of(&review)? {
        answer["patch"] = patch;
    }
    Ok(answer)
}
