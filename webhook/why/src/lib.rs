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
pub mod redact;
pub mod render;
pub mod units;

pub use answer::{Answer, answer};
pub use facts::Facts;
