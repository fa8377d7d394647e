//! `manifests/monitoring/rules`: Prometheus takes the files, each alert fires when it should and is
//! silent when not, each has its runbook, and every metric that is asked for exists.
//!
//! Needs `promtool`, `amtool` and `prometheus-alertmanager` on the PATH; kubectl is that of the cluster tests.

// All of this is test code; clippy.toml allows these only inside of `#[test]` functions.
#![allow(clippy::panic, clippy::unwrap_used)]

mod alertmanager;
mod expression;
mod files;
mod ledger;
mod managed;
mod many_executors;
mod metric_names;
mod operator;
mod pages;
mod replicas;
mod runbooks;
mod units;
mod usage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use emberscope_tests::rules::{self, Rule};

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the files in a folder of the repository, without their extension.
fn stems(folder: &str) -> Vec<String> {
    let files = fs::read_dir(root().join(folder)).unwrap();
    let stem =
        |path: PathBuf| path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("").to_owned();
    let mut stems: Vec<_> = files.map(|file| stem(file.unwrap().path())).collect();
    stems.sort();
    stems
}

fn all() -> Vec<Rule> {
    rules::all(&root()).unwrap_or_else(|error| panic!("{error}"))
}

fn alerts() -> Vec<Rule> {
    all().into_iter().filter(Rule::is_alert).collect()
}

/// The names of all alerts, sorted.
fn alert_names() -> Vec<String> {
    let mut names: Vec<_> = alerts().into_iter().map(|alert| alert.name).collect();
    names.sort();
    names
}

/// What a program prints, both ways; a failure ends the test with it.
fn output(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("these tests need {} on the PATH: {error}", program.display())
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}:\n{said}", program.display());
    said
}

fn promtool(arguments: &[&str]) -> String {
    output(Path::new("promtool"), arguments)
}
