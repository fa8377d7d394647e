//! One request to one address, and the beginning of its answer.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Endpoint, Extent, FetchError, is_json};

/// About so many bytes are read at once, and no answer may have more in its headers.
const BUFFER: usize = 64 * 1024;

/// Most headers of an answer.
const MAX_HEADERS: usize = 64;

/// So much of a page shows what it is, and whose: before the first application's id is no more than
/// Spark's version.
const BEGINNING: usize = 512;

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
    address: SocketAddr,
    beginning: Vec<u8>,
    body: Incoming,
    /// Drives the connection; dropped, it closes it.
    _connection: JoinSet<()>,
}

impl PageResponse {
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the page starts with.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.beginning
    }

    /// Asks there for a page, and reads so much that it is sure to be the page.
    pub(super) async fn open(address: SocketAddr, what: Endpoint) -> Result<Self, FetchError> {
        let request = request(address, Uri::from_static(what.path()));
        Self::ask(address, request, |beginning| what.starts(beginning)).await
    }

    /// Asks there for an answer of the status API.
    pub(super) async fn open_json(address: SocketAddr, path: Uri) -> Result<Self, FetchError> {
        Self::ask(address, request(address, path), is_json).await
    }

    async fn ask(
        address: SocketAddr,
        request: Request<Empty<Bytes>>,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Self, FetchError> {
        let socket = TcpStream::connect(address).await;
        let socket = socket.map_err(|_| FetchError::NotListening { first_port: address.port() })?;
        let protocol = |source| FetchError::Protocol { address, source };
        let mut builder = http1::Builder::new();
        builder.max_buf_size(BUFFER).max_headers(MAX_HEADERS);
        let (mut sender, driver) =
            builder.handshake(TokioIo::new(socket)).await.map_err(protocol)?;
        let mut connection = JoinSet::new();
        connection.spawn(async move {
            // What goes wrong is told by the request or the body as well.
            let _ = driver.await;
        });
        let response = sender.send_request(request).await.map_err(protocol)?;
        let html = check(&response, address)?;
        let wanted = if html { HTML_BEGINNING } else { BEGINNING };
        let mut answer = Self {
            address,
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
            return Err(FetchError::StartingUp { address });
        }
        if html || !is_wanted(&answer.beginning) {
            return Err(FetchError::NotSpark { address });
        }
        Ok(answer)
    }

    /// Hands the page over, from its beginning, or so many bytes of it.
    pub(super) async fn read(
        mut self,
        limit: usize,
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<Extent, FetchError> {
        take(&self.beginning);
        let mut left = limit.saturating_sub(self.beginning.len());
        while let Some(piece) = self.piece().await? {
            if let Some((kept, [_, ..])) = piece.split_at_checked(left) {
                take(kept);
                return Ok(Extent::Cut);
            }
            left -= piece.len();
            take(&piece);
        }
        Ok(Extent::Whole)
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        while let Some(frame) = self.body.frame().await {
            let frame =
                frame.map_err(|source| FetchError::Protocol { address: self.address, source })?;
            if let Ok(piece) = frame.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

fn request(address: SocketAddr, path: Uri) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = path;
    let headers = request.headers_mut();
    if let Ok(host) = address.to_string().try_into() {
        headers.insert(HOST, host);
    }
    let agent = concat!("emberscope-sidecar/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, hyper::header::HeaderValue::from_static(agent));
    headers.insert(ACCEPT, hyper::header::HeaderValue::from_static("text/plain, application/json"));
    headers.insert(CONNECTION, hyper::header::HeaderValue::from_static("close"));
    request
}

/// Whether an answer may be a page, and if so, whether it is one of HTML.
fn check(response: &Response<Incoming>, address: SocketAddr) -> Result<bool, FetchError> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    match response.status() {
        StatusCode::OK => {
            Ok(header(CONTENT_TYPE).is_some_and(|media| media.trim().starts_with("text/html")))
        }
        status @ StatusCode::NOT_FOUND => Err(FetchError::ServletOff { address, status }),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Err(FetchError::Refused { address, status })
        }
        status if status.is_redirection() => {
            let location = header(LOCATION).unwrap_or("nowhere").to_owned();
            Err(FetchError::Redirected { address, location })
        }
        status => Err(FetchError::Status { address, status }),
    }
}
