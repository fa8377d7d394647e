//! A small HTTP/1.1 client for loopback, plain and with TLS as the API server uses it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long any single request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body of a 200, else an error that shows what came instead.
    pub fn ok(self) -> Result<Bytes> {
        ensure!(
            self.status == StatusCode::OK,
            "answered {}: {}",
            self.status,
            String::from_utf8_lossy(&self.body).chars().take(300).collect::<String>()
        );
        Ok(self.body)
    }
}

/// `GET http://127.0.0.1:port/target`.
pub async fn get(port: u16, target: &str) -> Result<Answer> {
    let request = Request::get(target).header(HOST, format!("127.0.0.1:{port}"));
    let request = request.body(Full::new(Bytes::new()))?;
    within(async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        answer(&mut sender, request).await
    })
    .await
}

/// `POST https://localhost:port/target` with a JSON body, on a connection of its own.
pub async fn post_tls(port: u16, target: &str, authority: &Path, body: Bytes) -> Result<Answer> {
    Connection::open(port, authority).await?.post(target, body).await
}

/// A TLS connection that is kept open, as the API server keeps its own.
#[derive(Debug)]
pub struct Connection {
    port: u16,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects to `localhost`; the server's certificate must be good for that name and signed by
    /// `authority` (a PEM file), as the API server demands it.
    pub async fn open(port: u16, authority: &Path) -> Result<Self> {
        Self::open_by(&connector(authority)?, port).await
    }

    /// Connects by a connector that was made before: to read its authority takes time.
    pub async fn open_by(connector: &TlsConnector, port: u16) -> Result<Self> {
        within(async {
            let (sender, connection) = handshake(TokioIo::new(tls(connector, port).await?)).await?;
            // Ends when the sender is dropped.
            tokio::spawn(connection);
            Ok(Self { port, sender })
        })
        .await
    }

    /// Whether the server has closed it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// `POST` with a JSON body.
    pub async fn post(&mut self, target: &str, body: Bytes) -> Result<Answer> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(target)
            .header(HOST, format!("localhost:{}", self.port))
            .header(CONTENT_TYPE, "application/json")
            .header("User-Agent", "kube-apiserver-admission")
            .body(Full::new(body))?;
        within(answer(&mut self.sender, request)).await
    }
}

/// Connects with TLS to `localhost` as whom `authority` (a PEM file) vouches for.
pub fn connector(authority: &Path) -> Result<TlsConnector> {
    Ok(TlsConnector::from(Arc::new(trusting(authority)?)))
}

/// A TLS connection to `localhost` on which nothing was said yet.
pub async fn tls(connector: &TlsConnector, port: u16) -> Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    Ok(connector.connect(ServerName::try_from("localhost")?, stream).await?)
}

fn trusting(authority: &Path) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority)
        .with_context(|| format!("the CA's file {} could not be read", authority.display()))?
    {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn within<T>(exchange: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .map_err(|_| anyhow!("no answer within {} s", PATIENCE.as_secs()))?
}

async fn answer(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answer> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, body })
}
