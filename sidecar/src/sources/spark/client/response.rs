//! One request to one port, and the beginning of its answer.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Endpoint, FetchError, NoPage};

/// About so many bytes are read at once, and no answer may have more in its headers.
const BUFFER: usize = 64 * 1024;

/// Most headers of an answer.
const MAX_HEADERS: usize = 64;

/// So much of a page shows what it is.
const BEGINNING: usize = 64;

/// So much of an HTML page shows whether it says that Spark is starting up.
const HTML_BEGINNING: usize = 4096;

/// What Jetty answers to every path while Spark starts (`org.apache.spark.ui.SparkUI`).
const STARTING_UP: &[u8] = b"Spark is starting up";

/// A page whose beginning was read and is right.
///
/// Each has a connection of its own, which costs less on the loopback interface than to find out
/// that Jetty closed a kept one, and leaves nothing behind when it is dropped.
#[derive(Debug)]
pub(super) struct PageResponse {
    port: u16,
    beginning: Vec<u8>,
    body: Incoming,
    /// Drives the connection; dropped, it closes it.
    _connection: JoinSet<()>,
}

impl PageResponse {
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Asks a port for a page, and reads so much that it is sure to be the page.
    pub(super) async fn open(port: u16, what: Endpoint) -> Result<Self, FetchError> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let socket = socket.map_err(|_| NoPage::NotListening.of(port))?;
        let protocol = |source| NoPage::Protocol(source).of(port);
        let mut builder = http1::Builder::new();
        builder.max_buf_size(BUFFER).max_headers(MAX_HEADERS);
        let (mut sender, driver) =
            builder.handshake(TokioIo::new(socket)).await.map_err(protocol)?;
        let mut connection = JoinSet::new();
        connection.spawn(async move {
            // What goes wrong is told by the request or the body as well.
            let _ = driver.await;
        });
        let response = sender.send_request(request(port, what)).await.map_err(protocol)?;
        let html = check(&response).map_err(|why| why.of(port))?;
        let wanted = if html { HTML_BEGINNING } else { BEGINNING };
        let mut answer = Self {
            port,
            beginning: Vec::new(),
            body: response.into_body(),
            _connection: connection,
        };
        while answer.beginning.len() < wanted {
            let Some(piece) = answer.piece().await? else {
                break;
            };
            answer.beginning.extend_from_slice(&piece);
        }
        if html && memchr::memmem::find(&answer.beginning, STARTING_UP).is_some() {
            return Err(NoPage::StartingUp.of(port));
        }
        if html || !what.starts(&answer.beginning) {
            return Err(NoPage::NotSpark.of(port));
        }
        Ok(answer)
    }

    /// Hands the page over, from its beginning.
    pub(super) async fn read(
        mut self,
        limit: usize,
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), FetchError> {
        let too_large = NoPage::TooLarge(limit).of(self.port);
        let mut length = self.beginning.len();
        if self.body.size_hint().lower() > (limit.saturating_sub(length)) as u64 {
            return Err(too_large);
        }
        take(&self.beginning);
        while let Some(piece) = self.piece().await? {
            length += piece.len();
            if length > limit {
                return Err(too_large);
            }
            take(&piece);
        }
        Ok(())
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| NoPage::Protocol(source).of(self.port))?;
            if let Ok(piece) = frame.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

fn request(port: u16, what: Endpoint) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = hyper::Uri::from_static(what.path());
    let headers = request.headers_mut();
    let host = format!("127.0.0.1:{port}");
    if let Ok(host) = host.try_into() {
        headers.insert(HOST, host);
    }
    let agent = concat!("emberscope-sidecar/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, hyper::header::HeaderValue::from_static(agent));
    headers.insert(ACCEPT, hyper::header::HeaderValue::from_static("text/plain"));
    headers.insert(CONNECTION, hyper::header::HeaderValue::from_static("close"));
    request
}

/// Whether an answer may be a page, and if so, whether it is one of HTML.
fn check(response: &Response<Incoming>) -> Result<bool, NoPage> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    Err(match response.status() {
        StatusCode::OK => {
            let media = header(CONTENT_TYPE).unwrap_or_default();
            return Ok(media.trim().starts_with("text/html"));
        }
        StatusCode::NOT_FOUND => NoPage::ServletOff,
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => NoPage::Refused(status),
        status if status.is_redirection() => {
            NoPage::Redirected(header(LOCATION).unwrap_or("nowhere").to_owned())
        }
        status => NoPage::Status(status),
    })
}
