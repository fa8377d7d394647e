//! The webhook's function from bytes to bytes: readable cases, and properties over generated pods.

#![allow(clippy::unwrap_used)] // In a test that is the message.

mod consent;
mod golden;
mod namespaces;
mod promises;
mod properties;
