//! Finding Spark's UI in the pod, and fetching its pages and the answers of its status API.
//!
//! Spark takes the first free of 17 ports (`spark.ui.port`, `spark.port.maxRetries`), so the first
//! fetch asks whatever listens there, all at once, and what answers with the page is asked from then
//! on. Other servers may listen there too: what counts is what the page starts with. So may another
//! Spark, started from within the pod's: a page that shows the pod's application goes first. While
//! Spark starts, it answers every path with 200 and a page that says so; without its servlet it
//! answers 404.

mod error;
mod listeners;
mod response;

pub use error::FetchError;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use hyper::Uri;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::names;
use crate::lock::lock;
use response::PageResponse;

/// How many ports above the first Spark tries (`spark.port.maxRetries`).
const RETRIES: u16 = 16;

/// When one of the ports has told something, the others are waited for so long.
const SILENCE: Duration = Duration::from_secs(5);

/// And so long when it has told the figures of another application.
const ANOTHER: Duration = Duration::from_secs(1);

/// Most bytes of a page that is read in pieces, and what is behind them is not: 10,000 executors of
/// Spark 4.3 make 60 MB.
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
    /// Which applications the UI shows: its own (`ApplicationListResource`).
    Applications,
}

impl Endpoint {
    /// The path; without its last slash Spark answers 302.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Driver => "/metrics/driver/prometheus/",
            Self::Executors => "/metrics/executors/prometheus/",
            Self::Applications => "/api/v1/applications",
        }
    }

    /// Whose page it is that starts so, by its first name or its first label.
    fn owner(self, text: &[u8], of_pod: Option<&str>) -> PageOwner {
        let text = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let id = match self {
            Self::Driver => {
                text.strip_prefix("metrics_").and_then(|rest| rest.split("_driver_").next())
            }
            Self::Executors => {
                text.split_once("application_id=\"").and_then(|(_, rest)| rest.split('"').next())
            }
            // `"id" : "app-1"`, with whatever blanks.
            Self::Applications => {
                text.split_once("\"id\"").and_then(|(_, rest)| rest.split('"').nth(1))
            }
        };
        let (Some(id), Some(of_pod)) = (id, of_pod) else { return PageOwner::Unknown };
        if names::fold(id) == names::fold(of_pod) {
            PageOwner::Pod
        } else if names::application_id(id).is_some() {
            PageOwner::Another
        } else {
            PageOwner::Unknown
        }
    }

    /// Whether a text starts as the page does.
    fn starts(self, text: &[u8]) -> bool {
        let names: &[&[u8]] = match self {
            Self::Driver => &[b"metrics_"],
            Self::Executors => &[b"spark_info", b"metrics_executor_"],
            Self::Applications => return is_json(text),
        };
        let comment = |word: &[u8]| text.strip_prefix(word);
        let line = comment(b"# HELP ").or_else(|| comment(b"# TYPE ")).unwrap_or(text);
        names.iter().any(|name| line.starts_with(name))
    }
}

/// Whether something listens there, as far as the kernel tells: nobody is asked for it.
#[must_use]
pub fn is_listening(address: SocketAddr) -> bool {
    let port = address.port();
    listeners::listeners(&(port..=port)).is_none_or(|listening| !listening.is_empty())
}

/// Whether a text starts as an array or an object does.
fn is_json(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'[' | b'{'))
}

/// Whose figures a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageOwner {
    /// The pod's application.
    Pod,
    /// It cannot be told.
    Unknown,
    /// An application that was started from within the pod's, or one of a neighbour's on a host network.
    Another,
}

/// How much of a page was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// As much as is read.
    Cut,
}

/// Spark's UI.
#[derive(Debug)]
pub struct Client {
    first_port: u16,
    /// The pod's application, if that is known.
    application_id: Option<String>,
    /// Where the last page came from.
    found: Mutex<Option<SocketAddr>>,
}

impl Client {
    /// The UI of that application, which listens on `first_port` or one of the 16 ports above it.
    #[must_use]
    pub const fn new(first_port: u16, application_id: Option<String>) -> Self {
        Self { first_port, application_id, found: Mutex::new(None) }
    }

    /// Where the last page came from.
    fn address(&self) -> Option<SocketAddr> {
        *self.found()
    }

    fn found(&self) -> MutexGuard<'_, Option<SocketAddr>> {
        lock(&self.found)
    }

    /// The whole page, up to 16 MiB.
    pub async fn fetch(&self, what: Endpoint, deadline: Instant) -> Result<Bytes, FetchError> {
        Ok(self.fetch_from_somewhere(what, deadline).await?.0)
    }

    /// The same, and where it came from.
    pub async fn fetch_from_somewhere(
        &self,
        what: Endpoint,
        deadline: Instant,
    ) -> Result<(Bytes, SocketAddr), FetchError> {
        let mut page = Vec::new();
        let take = |piece: &[u8]| page.extend_from_slice(piece);
        let (extent, address) = self.pieces(what, deadline, MAX_HELD, take).await?;
        match extent {
            Extent::Whole => Ok((page.into(), address)),
            Extent::Cut => Err(FetchError::TooLarge { address, limit: MAX_HELD }),
        }
    }

    /// Hands the page over in pieces as they arrive, up to 96 MiB; none of it is held.
    ///
    /// After an error what was handed over is only the beginning of a page.
    pub async fn stream(
        &self,
        what: Endpoint,
        deadline: Instant,
        take: impl FnMut(&[u8]) + Send,
    ) -> Result<Extent, FetchError> {
        Ok(self.pieces(what, deadline, MAX_READ, take).await?.0)
    }

    /// Hands an answer of the status API over in pieces as they arrive, up to 96 MiB; none of it is held.
    ///
    /// After an error what was handed over is only the beginning of an answer.
    pub async fn stream_json(
        address: SocketAddr,
        path: Uri,
        deadline: Instant,
        take: impl FnMut(&[u8]) + Send,
    ) -> Result<Extent, FetchError> {
        let read =
            async { PageResponse::open_json(address, path).await?.read(MAX_READ, take).await };
        timeout_at(deadline, read).await.map_err(|_| FetchError::Deadline)?
    }

    async fn pieces(
        &self,
        what: Endpoint,
        deadline: Instant,
        limit: usize,
        take: impl FnMut(&[u8]) + Send,
    ) -> Result<(Extent, SocketAddr), FetchError> {
        let answer = self.open(what, deadline).await?;
        let address = answer.address();
        let rest = timeout_at(deadline, answer.read(limit, take)).await;
        Ok((rest.map_err(|_| FetchError::Deadline)??, address))
    }

    /// The beginning of the page, from where the last one was or else from anywhere.
    async fn open(&self, what: Endpoint, deadline: Instant) -> Result<PageResponse, FetchError> {
        if let Some(address) = self.address() {
            let answer = timeout_at(deadline, PageResponse::open(address, what)).await;
            match answer.map_err(|_| FetchError::Deadline)? {
                // Spark has moved, and another one has its place.
                Ok(answer) if self.owner(what, &answer) == PageOwner::Another => {
                    *self.found() = None;
                }
                Err(error) if error.elsewhere() => *self.found() = None,
                result => return result,
            }
        }
        let answer = self.find(what, deadline).await?;
        // Another application's is not kept: the pod's own may yet come.
        if self.owner(what, &answer) != PageOwner::Another {
            *self.found() = Some(answer.address());
        }
        Ok(answer)
    }

    /// Asks whatever listens; the first page of the pod's application wins, or else any page, or the
    /// answer that says most.
    async fn find(&self, what: Endpoint, deadline: Instant) -> Result<PageResponse, FetchError> {
        let mut asked = JoinSet::new();
        for address in self.candidates() {
            asked.spawn(PageResponse::open(address, what));
        }
        let mut best = FetchError::NotListening { first_port: self.first_port };
        let mut another = None;
        let mut deadline = deadline;
        loop {
            match timeout_at(deadline, asked.join_next()).await {
                Ok(Some(Ok(Ok(answer)))) => {
                    if self.owner(what, &answer) != PageOwner::Another {
                        return Ok(answer);
                    }
                    another.get_or_insert(answer);
                    deadline = deadline.min(Instant::now() + ANOTHER);
                }
                Ok(Some(Ok(Err(error)))) if error.says() > best.says() => {
                    best = error;
                    deadline = deadline.min(Instant::now() + SILENCE);
                }
                Ok(Some(_)) => {}
                end => {
                    return match another {
                        Some(answer) => Ok(answer),
                        // A stranger's silence must not hide what Spark said.
                        None if end.is_ok() || best.says() > 0 => Err(best),
                        None => Err(FetchError::Deadline),
                    };
                }
            }
        }
    }

    /// Where Spark's UI may be.
    fn candidates(&self) -> Vec<SocketAddr> {
        let ports = self.first_port..=self.first_port.saturating_add(RETRIES);
        listeners::listeners(&ports)
            .unwrap_or_else(|| ports.map(|port| (Ipv4Addr::LOCALHOST, port).into()).collect())
    }

    fn owner(&self, what: Endpoint, answer: &PageResponse) -> PageOwner {
        what.owner(answer.beginning(), self.application_id.as_deref())
    }
}

#[cfg(test)]
mod tests;
