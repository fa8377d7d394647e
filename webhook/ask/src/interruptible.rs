//! Questions that end when whoever asked them wants to leave.

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Asks until there is an answer; nothing if it was asked to end (Ctrl-C, SIGTERM).
pub fn until_asked_to_end<T>(question: impl Future<Output = Result<T>>) -> Result<Option<T>> {
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
