//! How jobs end, with real Spark, real sidecars and a real Prometheus: nothing is lost, and how it
//! ended is known.
//!
//! The webhook's decisions are taken from its library; `main_job` has the server.

#![allow(clippy::unwrap_used)] // In a test that is the message.

mod killed;
mod short_job;
