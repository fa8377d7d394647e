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

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

pub use answer::{Answer, answer};
pub use facts::Facts;
pub use gather::{Cost, Kind, Options, QUERIES, Query};

/// What is known of the application that is called so; nothing if it was asked to end (Ctrl-C, SIGTERM). An error
/// says why there is no answer: nobody to ask, or no such application and which there are.
pub fn gather(options: &Options, called: &str) -> Result<Option<Facts>> {
    until_asked_to_end(gather::facts(options, called))
}

/// What is known of every application of a namespace, or of all; as [`gather`].
pub fn gather_all(options: &Options) -> Result<Option<Vec<Facts>>> {
    until_asked_to_end(gather::all(options))
}

/// The same as [`gather`], for callers that have a runtime and end by themselves.
pub async fn gather_now(options: &Options, called: &str) -> Result<Facts> {
    gather::facts(options, called).await
}

fn until_asked_to_end<T>(question: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let found = runtime.block_on(async {
        tokio::select! {
            found = Box::pin(question) => found.map(Some),
            () = asked_to_end() => Ok(None),
        }
    });
    // A name that is still being looked up keeps nobody waiting.
    runtime.shutdown_background();
    found
}

/// Waits for Ctrl-C or SIGTERM, which the first process of a container has to ask for.
async fn asked_to_end() {
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate)] = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
