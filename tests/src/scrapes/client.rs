//! Scrapes as Prometheus sends them: one connection that stays open, the body read and forgotten.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::{Buf as _, Bytes};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What any scrape may take here; the largest pages have 60 MB.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    /// Where it asks.
    pub(super) port: u16,
    gzip: bool,
    sender: Option<SendRequest<Empty<Bytes>>>,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    /// Until its last byte.
    pub(super) time: Duration,
    /// Its size as sent.
    pub(super) bytes: usize,
    /// Lines that are samples; not counted where it is compressed.
    pub(super) samples: usize,
}

impl Client {
    /// A client, which connects when it asks.
    #[must_use]
    pub(super) const fn new(port: u16, gzip: bool) -> Self {
        Self { port, gzip, sender: None }
    }

    /// Asks for a path; an error if the answer is not 200.
    pub(super) async fn get(&mut self, path: &str) -> Result<Took> {
        tokio::time::timeout(PATIENCE, self.ask(path))
            .await
            .with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))?
    }

    async fn ask(&mut self, path: &str) -> Result<Took> {
        let request = Request::get(path)
            .header(HOST, format!("127.0.0.1:{}", self.port))
            .header(ACCEPT, "text/plain;version=0.0.4")
            .header(ACCEPT_ENCODING, if self.gzip { "gzip" } else { "identity" })
            .header("X-Prometheus-Scrape-Timeout-Seconds", "10")
            .body(Empty::new())?;
        let began = Instant::now();
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => connect(self.port).await?,
        };
        sender.ready().await?;
        let mut answer = sender.send_request(request).await?;
        ensure!(answer.status() == StatusCode::OK, "{path} answered {}", answer.status());
        let mut took = Took { time: Duration::ZERO, bytes: 0, samples: 0 };
        let mut starts = true;
        while let Some(frame) = answer.body_mut().frame().await {
            let Ok(piece) = frame?.into_data() else { continue };
            took.bytes += piece.remaining();
            if !self.gzip {
                for line in piece.split_inclusive(|byte| *byte == b'\n') {
                    took.samples += usize::from(starts && line[0] != b'#' && line[0] != b'\n');
                    starts = line.ends_with(b"\n");
                }
            }
        }
        took.time = began.elapsed();
        self.sender = Some(sender);
        Ok(took)
    }
}

async fn connect(port: u16) -> Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends when the sender is dropped.
    tokio::spawn(connection);
    Ok(sender)
}
