//! A real listener with TLS on loopback, and clients that misbehave.

use std::net::Ipv4Addr;
use std::time::SystemTime;

use axum::routing::post;
use emberscope_certs::{HotCertificate, Identity, authority};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls_config;

/// A listener, what its clients have to trust, and how to end it.
struct Server {
    port: u16,
    ca: Identity,
    certificate: Arc<HotCertificate>,
    _phase: watch::Sender<Phase>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let ca = authority::generate(SystemTime::now()).unwrap();
        let certificate = Arc::new(HotCertificate::default());
        certificate.swap(&leaf(&ca)).unwrap();
        let tls = Arc::new(tls_config(&certificate).unwrap());
        let (sender, phase) = watch::channel(Phase::Running);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/", post(|body: String| async move { body }));
        let evictions = crate::Metrics::new().unwrap().evictions();
        let tls = Some(tls);
        tokio::spawn(Listener { tls, limits, phase, evictions }.serve(listener, router));
        Self { port, ca, certificate, _phase: sender }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

fn leaf(ca: &Identity) -> Identity {
    authority::issue(ca, &["localhost".to_owned()], SystemTime::now()).unwrap()
}

/// One request on a connection that stays open.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hi") {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert!(read > 0, "the connection ended: {}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).unwrap()
}

fn served(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_certificate_is_swapped_without_a_dropped_connection() {
    let server = Server::start(Limits::WEBHOOK).await;
    let mut old = server.connect().await;
    assert!(ask(&mut old).await.starts_with("HTTP/1.1 200"));
    server.certificate.swap(&leaf(&server.ca)).unwrap();
    assert!(ask(&mut old).await.starts_with("HTTP/1.1 200"));
    let mut new = server.connect().await;
    assert!(ask(&mut new).await.starts_with("HTTP/1.1 200"));
    assert_ne!(served(&old), served(&new));
}

/// As many silent clients as there are places; the next one waits no longer than they may.
#[tokio::test]
async fn silent_clients_lose_their_places_to_one_that_speaks() {
    let timeouts = Timeouts { first: Duration::from_millis(200), ..Limits::WEBHOOK.timeouts };
    let server = Server::start(Limits { connections: 4, timeouts, ..Limits::WEBHOOK }).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(server.connect().await);
    }
    let mut speaking = server.connect().await;
    assert!(ask(&mut speaking).await.starts_with("HTTP/1.1 200"));
    for mut stream in silent {
        // It ends, well or not.
        let _ = stream.read(&mut [0; 8]).await;
    }
}

/// As many idle clients as there are places: the next one waits for none of them, and the one that was
/// used last stays.
#[tokio::test]
async fn idle_clients_lose_their_places_at_once() {
    let server = Server::start(Limits { connections: 4, ..Limits::WEBHOOK }).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = server.connect().await;
        ask(&mut stream).await;
        idle.push(stream);
    }
    let start = std::time::Instant::now();
    for _ in 0..20 {
        let mut next = server.connect().await;
        assert!(ask(&mut next).await.starts_with("HTTP/1.1 200"));
        ask(&mut idle[3]).await;
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(matches!(idle[0].read(&mut [0; 8]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn half_sent_requests_lose_their_places_to_whole_ones() {
    let server = Server::start(Limits { connections: 4, ..Limits::WEBHOOK }).await;
    let mut half = Vec::new();
    for _ in 0..4 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhi")
            .await
            .unwrap();
        half.push(stream);
    }
    let start = std::time::Instant::now();
    for _ in 0..4 {
        let mut whole = server.connect().await;
        assert!(ask(&mut whole).await.starts_with("HTTP/1.1 200"));
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn requests_in_a_row_and_ones_that_ask_first_are_answered() {
    let server = Server::start(Limits::WEBHOOK).await;
    let mut stream = server.connect().await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    stream.write_all(request.repeat(3).as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    while answers.windows(2).filter(|two| two == b"hi").count() < 3 {
        assert!(stream.read_buf(&mut answers).await.unwrap() > 0);
    }
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
    assert!(answer.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&answer));
    stream.write_all(b"2\r\nhi\r\n0\r\n\r\n").await.unwrap();
    while !answer.ends_with(b"hi") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
    }
}

/// The preface of HTTP/2 is a request of a version that is not spoken here.
#[tokio::test]
async fn another_version_of_http_is_refused() {
    let server = Server::start(Limits::WEBHOOK).await;
    let mut stream = server.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}
