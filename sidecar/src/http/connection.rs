//! One connection, and the patience that there is with it.

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

use super::said;
use crate::scrape::Loan;

/// From the opening of the connection, or the answer before, to the end of the next request's head.
/// Idle connections end the same way: opening another costs Prometheus a round trip.
const HEAD: Duration = Duration::from_secs(5);

/// From the head to the beginning of the answer: more than any scrape is allowed.
const ANSWER: Duration = Duration::from_secs(70);

/// From the beginning of the answer to its end. Prometheus itself gives a scrape 10 s.
const WRITE: Duration = Duration::from_secs(10);

/// Heads longer than this are answered with 431. Prometheus sends half a kilobyte.
const HEAD_BYTES: usize = 16 * 1024;

/// How long there is patience with the client as things stand.
#[derive(Debug, Clone, Default)]
struct Patience {
    /// Until then; before the first request, and between requests, it is [`HEAD`].
    until: Option<Instant>,
    /// Or until the text that it reads has to go.
    loan: Option<Loan>,
}

/// Serves one connection until the client closes it, patience ends, or `stop` says so.
pub(super) async fn serve(stream: TcpStream, app: Router, mut stop: watch::Receiver<bool>) {
    // Else the end of a small page waits until the client has acknowledged its head: 40 ms on
    // Linux.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "answers may be slow");
    }
    let (patience, watched) = watch::channel(Patience::default());
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        patience.send_replace(Patience::within(ANSWER, None));
        let (app, patience) = (app.clone(), patience.clone());
        async move {
            let answer: Result<Response<Body>, _> = app.call(request).await;
            let loan = answer.as_ref().ok().and_then(|answer| answer.extensions().get().cloned());
            patience.send_replace(Patience::within(WRITE, loan));
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
    let mut over = std::pin::pin!(over(watched));
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
            () = said(&mut stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

impl Patience {
    fn within(time: Duration, loan: Option<Loan>) -> Self {
        Self { until: Some(Instant::now() + time), loan }
    }

    /// Returns when it has ended.
    async fn ends(self) {
        let time = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let loan = async {
            match self.loan {
                Some(loan) => loan.over().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = time => {}, () = loan => {} }
    }
}

/// Returns when patience, which may change meanwhile, has ended.
async fn over(mut patience: watch::Receiver<Patience>) {
    loop {
        let now = patience.borrow_and_update().clone();
        tokio::select! {
            () = now.ends() => return,
            // If it can change no more, what it is now is the last.
            Ok(()) = patience.changed() => {}
        }
    }
}
