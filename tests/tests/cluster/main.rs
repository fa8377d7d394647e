//! The webhook behind a real API server: installed as shipped, asked by kube-apiserver itself.
//!
//! One control plane serves all of these tests. Most share it, each in namespaces of its own; those
//! that break something, or count calls, have it to themselves.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // In a test that is the message.

mod certificates;
mod check;
mod comparison;
mod configuration;
mod executor_policy;
mod failures;
mod fixture;
mod fuse;
mod injection;
mod load;
mod pods;
mod policy;
mod quotas;
mod reinvocation;
mod rolling_update;
mod selection;
mod spark_submit;
mod yaml;
