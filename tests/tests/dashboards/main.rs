//! The Grafana dashboards: their files are what the descriptions make, they keep some rules, and every
//! query of every panel and variable finds data after a real Spark run.

// All of this is test code; clippy.toml allows these only inside of `#[test]` functions.
#![allow(clippy::panic, clippy::unwrap_used)]

mod files;
mod grafana;
mod promtool;
mod rules;
mod run;
mod stock;
mod surroundings;
mod without_data;

use std::path::{Path, PathBuf};

use emberscope_tests::dashboards::{self, Dashboard};

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All dashboards, made anew.
fn made() -> Vec<Dashboard> {
    dashboards::made(&root().join("manifests/monitoring/grafana/source")).unwrap()
}
