//! What `manifests/` promises: it renders, Kubernetes and Prometheus would take it, its parts agree
//! with each other and with the two programs, and its papers name every file.
//!
//! Needs `promtool` on the PATH; kubectl is that of the cluster tests.

// All of this is test code; clippy.toml allows these only inside of `#[test]` functions.
#![allow(clippy::panic, clippy::unwrap_used)]

mod admission;
mod arithmetic;
mod base;
mod cert_manager;
mod chart;
mod check;
mod collectors;
mod documents;
mod double_scraping;
mod examples;
mod executor_policy;
mod images;
mod network_policies;
mod operator;
mod pod_security;
mod prometheus;
mod release;
mod remote_write;
mod samples;
mod server;
mod shipped;
mod walkthrough;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use emberscope_tests::cluster::control_plane::ControlPlane;
use serde_json::Value;

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a program prints; a failure ends the test with what it says.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("these tests need {program} on the PATH: {error}"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// A file with one or more YAML documents.
fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// The objects of `manifests/base`.
fn base() -> Vec<Value> {
    rendered("manifests/base")
}

/// The objects of a kustomization, as `kubectl apply -k` would send them.
fn rendered(folder: &str) -> Vec<Value> {
    let directory = root().join(folder);
    let kubectl = ControlPlane::find().unwrap().kubectl;
    documents(&output(kubectl.to_str().unwrap(), &["kustomize", directory.to_str().unwrap()]))
}

/// The object of a kind; all of the base's are named `emberscope`.
fn find<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found: Vec<_> = objects.iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}");
    found[0]
}

/// The files below a folder of the repository, as paths from there.
fn files(folder: &str) -> Vec<String> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            // The chart's links lead to files that are found where they are.
            if path.is_dir() && !path.is_symlink() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let top = root().join(folder);
    let mut found = Vec::new();
    walk(&top, &mut found);
    let mut found: Vec<_> = found
        .iter()
        .map(|path| path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    found
}
