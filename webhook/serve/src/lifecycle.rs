//! The life of the server: running, lame duck, draining.
//!
//! Endpoints of a Service only steer new connections, and an API server keeps its own open. So on
//! SIGTERM the server first says on every answer that the connection ends with it, while it still
//! takes new ones; only then does it stop.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

/// Where in its life the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Serving.
    Running,
    /// Not ready any more; answers close their connection, new ones are still taken.
    LameDuck,
    /// No new connections; open requests are finished.
    Draining,
}

/// Tells the phase, and when it changes.
pub(crate) type Watch = watch::Receiver<Phase>;

/// Follows SIGTERM and SIGINT; a second signal ends the lame duck at once.
pub(crate) fn watch_signals(lame_duck: Duration) -> Result<Watch> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (sender, receiver) = watch::channel(Phase::Running);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        info!(seconds = lame_duck.as_secs(), "asked to end; lame duck");
        sender.send_replace(Phase::LameDuck);
        tokio::select! {
            () = tokio::time::sleep(lame_duck) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("draining");
        sender.send_replace(Phase::Draining);
        // Keeps the channel open for those who look later.
        sender.closed().await;
    });
    Ok(receiver)
}

/// Returns once the phase is `wanted` or later.
pub(crate) async fn reached(watch: &mut Watch, wanted: Phase) {
    // An error means that the sender is gone, and with it the server.
    let _ = watch.wait_for(|phase| *phase >= wanted).await;
}
