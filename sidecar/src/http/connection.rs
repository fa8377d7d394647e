//! One connection, and how long its client is waited for.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::debug;

use crate::scrape::Lease;

/// From the opening of the connection, or the answer before, to the end of the next request's head.
/// Idle connections end the same way: opening another costs Prometheus a round trip.
const HEAD: Duration = Duration::from_secs(5);

/// From the head to the beginning of the answer: more than any scrape is allowed.
const ANSWER: Duration = Duration::from_secs(70);

/// From the beginning of the answer to its end. Prometheus itself gives a scrape 10 s.
const WRITE: Duration = Duration::from_secs(10);

/// Heads longer than this are answered with 431. Prometheus sends half a kilobyte.
const HEAD_BYTES: usize = 16 * 1024;

/// How long the client is waited for as things stand.
#[derive(Debug, Clone, Default)]
struct ClientTimeout {
    /// Until then; before the first request, and between requests, it is [`HEAD`].
    until: Option<Instant>,
    /// Or until the text that it reads has to go.
    lease: Option<Lease>,
}

/// Serves one connection until the client closes it or takes too long, or `stop` says so.
pub(super) async fn serve(stream: TcpStream, app: Router, mut stop: watch::Receiver<bool>) {
    // Else the end of a small page waits until the client has acknowledged its head: 40 ms on
    // Linux.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "answers may be slow");
    }
    let (timeout, changes) = watch::channel(ClientTimeout::default());
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        timeout.send_replace(ClientTimeout::within(ANSWER, None));
        let (app, timeout) = (app.clone(), timeout.clone());
        async move {
            let answer: Result<Response<Body>, _> = app.call(request).await;
            let lease = answer.as_ref().ok().and_then(|answer| answer.extensions().get().cloned());
            timeout.send_replace(ClientTimeout::within(WRITE, lease));
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        // A client that has said all (`nc -N`) still wants its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let mut over = std::pin::pin!(over(changes));
    let mut stopping = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    debug!(%error, "connection ended early");
                }
                return;
            }
            () = over.as_mut() => {
                debug!("client took too long");
                return;
            }
            () = async { drop(stop.wait_for(|stop| *stop).await) }, if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

impl ClientTimeout {
    fn within(time: Duration, lease: Option<Lease>) -> Self {
        Self { until: Some(Instant::now() + time), lease }
    }

    /// Returns when it is over.
    async fn over(self) {
        let time = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let lease = async {
            match self.lease {
                Some(lease) => lease.over().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = time => {}, () = lease => {} }
    }
}

/// Returns when the time, which may change meanwhile, is over.
async fn over(mut timeout: watch::Receiver<ClientTimeout>) {
    loop {
        let now = timeout.borrow_and_update().clone();
        tokio::select! {
            () = now.over() => return,
            // If it can change no more, what it is now is the last.
            Ok(()) = timeout.changed() => {}
        }
    }
}
