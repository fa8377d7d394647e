//! Connections: accepted, limited, and at the end drained.

mod timeouts;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use prometheus::IntCounterVec;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use crate::lifecycle::{self, Phase, Watch};
use crate::peer::{Peer, Stage};
use crate::peers::{Peers, Place};
use timeouts::{TimedStream, Timeouts};

/// What one client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at a time; for a further one somebody else has to go.
    pub connections: usize,
    /// From accepting to the end of the TLS handshake.
    pub handshake: Duration,
    /// From then on.
    pub timeouts: Timeouts,
    /// Size of the request's head.
    pub header_bytes: usize,
}

impl Limits {
    /// For API servers. Each keeps at most 25 connections that it does not use. They close idle connections after 90 s; waiting longer than they do means
    /// that no request ever meets a connection that is being closed on it. They give one request 30 s
    /// at most; this server gives up on a body after 10 s.
    pub(crate) const WEBHOOK: Self = Self {
        connections: 256,
        handshake: Duration::from_secs(5),
        timeouts: Timeouts {
            first: Duration::from_secs(5),
            request: Duration::from_secs(15),
            idle: Duration::from_mins(2),
        },
        header_bytes: 16 << 10,
    };
    /// For probes and Prometheus.
    pub(crate) const OPS: Self = Self {
        connections: 64,
        handshake: Duration::from_secs(5),
        // A probe must find a place however many others hold one and say nothing.
        timeouts: Timeouts {
            first: Duration::from_secs(5),
            request: Duration::from_secs(15),
            idle: Duration::from_secs(5),
        },
        header_bytes: 16 << 10,
    };
}

/// How much is read from a connection at once, at most: what one record of TLS holds, twice.
const READ_BUFFER: usize = 32 << 10;

/// For how long open requests are waited for at the end.
const DRAIN: Duration = Duration::from_secs(10);

/// One port.
pub(crate) struct Listener {
    /// TLS, or none for plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Limits for each client.
    pub limits: Limits,
    /// When to stop.
    pub phase: Watch,
    /// Counts those that had to go for others, by what they did.
    pub evictions: IntCounterVec,
}

impl Listener {
    /// Serves until the phase is [`Phase::Draining`], then finishes what is open.
    pub(crate) async fn serve(self, listener: TcpListener, router: Router) {
        let graceful = GracefulShutdown::new();
        let peers = Peers::new(self.limits.connections, self.evictions);
        let tls = self.tls.map(Tls::new).map(Arc::new);
        let mut draining = self.phase.clone();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&listener, &peers) => accepted,
                () = lifecycle::reached(&mut draining, Phase::Draining) => break,
            };
            let Some((stream, place)) = accepted else {
                continue;
            };
            let (tls, limits) = (tls.clone(), self.limits);
            let (router, watcher) = (router.clone(), graceful.watcher());
            tokio::spawn(async move {
                let peer = Arc::clone(place.peer());
                let served = async {
                    match tls {
                        None => connection(stream, &peer, router, limits, watcher).await,
                        Some(tls) => {
                            let handshake = tls.accept(stream, &peer);
                            match tokio::time::timeout(limits.handshake, handshake).await {
                                Ok(Ok(stream)) => {
                                    connection(stream, &peer, router, limits, watcher).await;
                                }
                                Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
                                Err(_) => debug!("TLS handshake took too long"),
                            }
                        }
                    }
                };
                tokio::select! {
                    () = served => {}
                    () = peer.evicted() => debug!("a connection had to go for another"),
                }
                drop(place);
            });
        }
        drop(listener);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            warn!("some connections did not end in time");
        }
    }
}

/// Handshakes of one port.
struct Tls {
    config: Arc<ServerConfig>,
    /// Whose handshake is computed. That takes longer than a review, and anybody can ask for it: one at
    /// a time leaves the other thread to those who have shaken hands.
    computing: Mutex<()>,
}

impl Tls {
    fn new(config: Arc<ServerConfig>) -> Self {
        Self { config, computing: Mutex::default() }
    }

    async fn accept(&self, stream: TcpStream, peer: &Peer) -> io::Result<TlsStream<TcpStream>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        peer.enter(Stage::Answering);
        let finished = {
            let _one_at_a_time = self.computing.lock().await;
            hello.into_stream(Arc::clone(&self.config))
        };
        peer.enter(Stage::Opening);
        finished.await
    }
}

/// The next connection and its place among those allowed.
async fn accept(listener: &TcpListener, peers: &Arc<Peers>) -> Option<(TcpStream, Place)> {
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small and awaited: no reason to wait for more to send.
            let _ = stream.set_nodelay(true);
            Some((stream, peers.admit().await))
        }
        Err(error) => {
            // Out of file descriptors, mostly: others will close theirs.
            warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection<S>(
    stream: S,
    peer: &Arc<Peer>,
    router: Router,
    limits: Limits,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TimedStream::new(stream, limits.timeouts, Arc::clone(peer));
    let (router, peer) = (TowerToHyperService::new(router), Arc::clone(peer));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let peer = Arc::clone(&peer);
        request.extensions_mut().insert(Arc::clone(&peer));
        let answer = router.call(request);
        async move {
            let response = answer.await?;
            if response.status().is_success() {
                peer.prove();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The stream has limits of its own, which know a connection's first request from the next.
        .header_read_timeout(None)
        .max_header_size(limits.header_bytes)
        .max_buf_size(READ_BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests;
