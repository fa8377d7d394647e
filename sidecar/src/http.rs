//! The HTTP/1.1 server that Prometheus and people meet.
//!
//! | request | answer |
//! |---|---|
//! | `GET /metrics` | one scrape, as text format 0.0.4 or `OpenMetrics` 1.0, with gzip for who takes it; `?name[]=` selects families |
//! | `GET /healthz` | 200 while the sidecar lives |
//! | `GET /` | a page for people: what this is, and where to look |
//!
//! `HEAD` is answered alike; anything else is 404 or 405. Every wait for a client has an end, and
//! there are so many clients and no more: who connects and does nothing, or reads slowly, can
//! neither hold memory nor keep Prometheus out for long.

mod connection;
mod listen;
mod page;
mod routes;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::debug;

pub(crate) use listen::listen;
pub(crate) use routes::{Site, routes};

/// Connections at a time. More wait to be accepted; each of these is closed within seconds if it
/// makes no progress. Prometheus needs one.
const CONNECTIONS: usize = 64;

/// How long answers that are on their way may take when the sidecar ends.
const DRAIN: Duration = Duration::from_secs(2);

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    /// The address; `::` takes IPv4 too.
    pub(crate) ip: IpAddr,
    /// The port.
    pub(crate) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip, self.port).fmt(f)
    }
}

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
