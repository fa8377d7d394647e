//! Finding Spark's UI on the loopback interface, and fetching the two pages from it.
//!
//! Spark takes the first free of 17 ports (`spark.ui.port`, `spark.port.maxRetries`), so the first
//! fetch asks them all at once, and whichever answers with the page is asked from then on. Other
//! servers may listen there too: what counts is what the page starts with. While Spark starts, it
//! answers every path with 200 and a page that says so; without its servlet it answers 404.

mod error;
mod response;

pub use error::{FetchError, NoPage};

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use response::PageResponse;

/// How many ports above the first Spark tries (`spark.port.maxRetries`).
const RETRIES: u16 = 16;

/// When one of the ports has told something, the others are waited for so long.
const SILENCE: Duration = Duration::from_secs(5);

/// Most bytes of a page that is read in pieces: 10,000 executors of Spark 4.3 make 60 MB.
const MAX_READ: usize = 96 << 20;

/// Most bytes of a page that is held as a whole: 3,000 executors, and half of a sidecar's memory.
const MAX_HELD: usize = 16 << 20;

/// One of Spark's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// The driver's registry (`PrometheusServlet`).
    Driver,
    /// All live executors (`PrometheusResource`).
    Executors,
}

impl Endpoint {
    /// The path; without its last slash Spark answers 302.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Driver => "/metrics/driver/prometheus/",
            Self::Executors => "/metrics/executors/prometheus/",
        }
    }

    /// Whether a text starts as the page does.
    fn starts(self, text: &[u8]) -> bool {
        let names: &[&[u8]] = match self {
            Self::Driver => &[b"metrics_"],
            Self::Executors => &[b"spark_info", b"metrics_executor_"],
        };
        let comment = |word: &[u8]| text.strip_prefix(word);
        let line = comment(b"# HELP ").or_else(|| comment(b"# TYPE ")).unwrap_or(text);
        names.iter().any(|name| line.starts_with(name))
    }
}

/// Spark's UI on 127.0.0.1.
#[derive(Debug)]
pub struct Client {
    first_port: u16,
    /// The port that last answered with a page; 0 for none.
    found: AtomicU16,
}

impl Client {
    /// The UI that listens on `first_port` or one of the 16 ports above it.
    #[must_use]
    pub const fn new(first_port: u16) -> Self {
        Self { first_port, found: AtomicU16::new(0) }
    }

    /// The port that last answered with a page.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        Some(self.found.load(Ordering::Relaxed)).filter(|port| *port != 0)
    }

    /// The whole page, up to 16 MiB.
    pub async fn fetch(&self, what: Endpoint, deadline: Instant) -> Result<Bytes, FetchError> {
        let mut page = Vec::new();
        self.pieces(what, deadline, MAX_HELD, |piece| {
            page.extend_from_slice(piece);
        })
        .await?;
        Ok(page.into())
    }

    /// Hands the page over in pieces as they arrive, up to 96 MiB; none of it is held.
    ///
    /// After an error what was handed over is only the beginning of a page.
    pub async fn stream(
        &self,
        what: Endpoint,
        deadline: Instant,
        take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), FetchError> {
        self.pieces(what, deadline, MAX_READ, take).await
    }

    async fn pieces(
        &self,
        what: Endpoint,
        deadline: Instant,
        limit: usize,
        take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), FetchError> {
        let answer = self.open(what, deadline).await?;
        let port = answer.port();
        let rest = timeout_at(deadline, answer.read(limit, take)).await;
        rest.unwrap_or(Err(NoPage::Deadline.of(port)))
    }

    /// The beginning of the page, from the port that had it last or else from any.
    async fn open(&self, what: Endpoint, deadline: Instant) -> Result<PageResponse, FetchError> {
        if let Some(port) = self.port() {
            let answer = timeout_at(deadline, PageResponse::open(port, what)).await;
            match answer.unwrap_or(Err(NoPage::Deadline.of(port))) {
                Err(error) if error.elsewhere() => self.found.store(0, Ordering::Relaxed),
                result => return result,
            }
        }
        let answer = self.find(what, deadline).await?;
        self.found.store(answer.port(), Ordering::Relaxed);
        Ok(answer)
    }

    /// Asks all ports; the first page wins, or else the answer that says most.
    async fn find(&self, what: Endpoint, deadline: Instant) -> Result<PageResponse, FetchError> {
        let mut asked = JoinSet::new();
        for port in self.first_port..=self.first_port.saturating_add(RETRIES) {
            asked.spawn(PageResponse::open(port, what));
        }
        let mut best = NoPage::NotListening.of(self.first_port);
        let mut deadline = deadline;
        loop {
            match timeout_at(deadline, asked.join_next()).await {
                Ok(Some(Ok(Ok(answer)))) => return Ok(answer),
                Ok(Some(Ok(Err(error)))) if error.says() > best.says() => {
                    best = error;
                    deadline = deadline.min(Instant::now() + SILENCE);
                }
                Ok(Some(_)) => {}
                Ok(None) => return Err(best),
                // A stranger's silence must not hide what Spark said.
                Err(_) if best.says() > 0 => return Err(best),
                Err(_) => return Err(NoPage::Deadline.of(self.first_port)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
