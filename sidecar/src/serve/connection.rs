//! One connection, and the patience that there is with it.

use std::net::IpAddr;
use std::sync::Arc;
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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::debug;

use super::basic_auth::Users;
use super::{Protection, said, tls};
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

/// Who has connected, and what stands between them and the page.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    pub(super) protection: watch::Receiver<Arc<Protection>>,
}

/// A connection, with TLS or without: HTTP is the same code over both.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Client {
    /// Serves one connection until the client closes it, patience ends, the protection is another
    /// than at its beginning, or `stop` says so.
    pub(super) async fn run(
        mut self,
        stream: TcpStream,
        app: Router,
        mut stop: watch::Receiver<bool>,
    ) {
        // Else the end of a small page waits until the client has acknowledged its head: 40 ms on
        // Linux.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "answers may be slow");
        }
        let protection = Arc::clone(&self.protection.borrow_and_update());
        let users = protection.users.clone();
        let stream: Box<dyn Stream> = match protection.tls.clone() {
            None => Box::new(stream),
            Some(config) => tokio::select! {
                shaken = tls::handshake(stream, config) => match shaken {
                    Some(stream) => Box::new(stream),
                    None => return,
                },
                () = said(&mut stop) => return,
            },
        };
        self.talk(stream, app, users, stop).await;
    }

    async fn talk(
        mut self,
        stream: Box<dyn Stream>,
        app: Router,
        users: Option<Arc<Users>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let (patience, watched) = watch::channel(Patience::default());
        let (app, address) = (TowerToHyperService::new(app), self.address);
        let service = service_fn(move |request: Request<Incoming>| {
            patience.send_replace(Patience::within(ANSWER, None));
            let (app, users, patience) = (app.clone(), users.clone(), patience.clone());
            async move {
                if let Some(users) = users
                    && let Err(refusal) = users.admit(request.headers(), address).await
                {
                    patience.send_replace(Patience::within(WRITE, None));
                    return Ok(refusal.answer());
                }
                let answer: Result<Response<Body>, _> = app.call(request).await;
                let loan =
                    answer.as_ref().ok().and_then(|answer| answer.extensions().get().cloned());
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
        let mut asked = watched.clone();
        let mut over = std::pin::pin!(over(watched));
        // Who has connected and not yet asked is still answered: the server would close on him.
        let mut changed = std::pin::pin!(async {
            if self.protection.changed().await.is_err() {
                // It is what it is to the end.
                std::future::pending::<()>().await;
            }
            // An error means that the connection is over, and with it this.
            let _ = asked.wait_for(|patience| patience.until.is_some()).await;
        });
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
                () = said(&mut stop), if !stopping => stopping = true,
                () = changed.as_mut(), if !stopping => stopping = true,
            }
            if stopping {
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
