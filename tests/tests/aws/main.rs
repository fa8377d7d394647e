//! `manifests/aws` and `manifests/samples/start-job-run.sh` against what stands in for AWS: moto's
//! server for the services that it knows, a server of a few lines for the rest. The real AWS CLI
//! talks to both.
//!
//! Needs the virtual environment `.cache/aws`, which `tests/setup.sh test` makes.

// All of this is test code; clippy.toml allows these only inside of `#[test]` functions.
#![allow(clippy::panic, clippy::unwrap_used)]

mod account;
mod cleanup;
mod grafana;
mod job;
mod rules;
mod script;
mod stand_in;
mod terraform;

use std::fs;
use std::path::{Path, PathBuf};

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
