//! What the tests share: the sidecar as a child process, a fake Spark, a process file system of
//! plain files, and a client.

mod client;
mod page;
mod proc;
mod sidecar;
mod spark;

use std::time::{Duration, Instant};

pub(crate) use client::{Answer, Prometheus, exchange, get, request};
pub(crate) use page::Page;
pub(crate) use proc::FakeProc;
pub(crate) use sidecar::{Sidecar, free_port};
pub(crate) use spark::{DRIVER, EXECUTORS, FakeSpark, Mood};

/// Longer than anything takes on a machine that has other work, too.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until it is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A page that was captured from a real Spark.
pub(crate) fn captured(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/servlet/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
