//! Accepting connections, so many and no more.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::debug;

use super::connection;

/// Connections at a time. More wait to be accepted; each of these is closed within seconds if it
/// makes no progress. Prometheus needs one.
const CONNECTIONS: usize = 64;

/// How long answers that are on their way may take when the sidecar ends.
const DRAIN: Duration = Duration::from_secs(2);

/// Accepts connections until `stop` says so; then lets the answers under way finish.
pub(crate) async fn serve(listener: TcpListener, app: Router, stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut stopped = stop.clone();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection::serve(stream, app.clone(), stop.clone()));
                }
                Err(error) => {
                    // Out of file descriptors, for one: trying at once again would only burn CPU.
                    debug!(%error, "connection not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = said(&mut stopped) => break,
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        debug!("clients that did not read their answers in time are cut off");
    }
}

/// Returns when `stop` says so, or nobody is left to say it.
pub(crate) async fn said(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
