//! The sidecar as Prometheus, Spark and the kubelet meet it: the real binary, real sockets, real
//! signals. Only Spark is a fake, which serves captured pages or misbehaves.
//!
//! `promtool` (Debian: `prometheus`) checks the pages too, where it is on the `PATH`.

// Helpers are test code too, which Clippy does not see.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod arguments;
mod clients;
mod formats;
mod harness;
mod life;
mod push;
mod scrape;
mod status_api;
