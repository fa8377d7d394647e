//! The sidecar exporter.

pub mod args;
pub mod exposition;
