//! The tables of the documentation say what the code says.
//!
//! A table stands between `<!-- generated: NAME -->` and `<!-- end -->`; `make golden` writes it.

#![allow(clippy::unwrap_used, clippy::panic)] // In a test that is the message.

mod alerts;
mod check;
mod commands;
mod compatibility;
mod drills;
mod generated;
mod links;
mod metrics;
mod migrating;
mod webhook;
mod why;
