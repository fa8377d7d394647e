//! `emberscope why`: what became of a Spark application, why, and what to change.
//!
//! ```text
//! Prometheus --+
//! API server --+--> gather --> facts --> findings --> answer --> render: text, json, markdown, html
//! driver log --+     (edge)   (types)     (pure)      (pure)     (pure)
//! ```
//!
//! Everything from [`facts`] on is a function of values: a case of the tests is a file of facts and the
//! answer to it.

pub mod answer;
pub mod driver_log;
pub mod facts;
pub mod findings;
mod gather;
pub mod redact;
pub mod render;
pub mod units;

use anyhow::Result;
use emberscope_ask::until_asked_to_end;

pub use answer::{Answer, answer};
pub use facts::Facts;
pub use gather::{Cost, Kind, Options, QUERIES, Query};

/// What is known of the application that is called so; nothing if it was asked to end (Ctrl-C, SIGTERM). An error
/// says why there is no answer: nobody to ask, or no such application and which there are.
pub fn gather(options: &Options, called: &str) -> Result<Option<Facts>> {
    until_asked_to_end(gather::facts(options, called))
}

/// What is known of every application of a namespace, or of all; as [`gather()`].
pub fn gather_all(options: &Options) -> Result<Option<Vec<Facts>>> {
    until_asked_to_end(gather::all(options))
}

/// The same as [`gather()`], for callers that have a runtime and end by themselves.
pub async fn gather_now(options: &Options, called: &str) -> Result<Facts> {
    gather::facts(options, called).await
}
