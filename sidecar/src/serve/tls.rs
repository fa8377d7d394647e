//! TLS: from a web configuration to a handshake.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use emberscope_certs::{CertError, Identity};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::web_config::{ClientAuth, Pem, Pems, Tls, Version};

/// From the opening of the connection to the end of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The first byte of a handshake; no request of HTTP begins with it.
const HANDSHAKE_BYTE: u8 = 0x16;

/// What HTTP gets where TLS is spoken, in the words of Prometheus' exporters.
const NOT_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 49\r\nConnection: close\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\r\n";

/// Which keys of a web configuration do not do, and why not.
#[derive(Debug)]
pub(super) enum TlsError {
    /// The certificate, its key, or the two together.
    Certificate(String, CertError),
    /// What that key says.
    Other(&'static str, Box<dyn std::error::Error + Send + Sync>),
}

/// The server's side of TLS as it is configured.
pub(super) fn server_config(tls: &Tls, pems: &Pems) -> Result<Arc<ServerConfig>, TlsError> {
    let identity = Identity { certificate: pems.certificate.clone(), key: pems.key.clone() };
    let key = identity.certified_key().map_err(|error| {
        let (certificate, key) = (tls.certificate.field, tls.key.field);
        let fields = match error {
            CertError::NotACertificate(_) => format!("tls_server_config.{certificate}"),
            CertError::NotAKey(_) => format!("tls_server_config.{key}"),
            _ => format!("tls_server_config.{certificate} with {key}"),
        };
        TlsError::Certificate(fields, error)
    })?;
    let all: [(Version, &'static SupportedProtocolVersion); 2] =
        [(Version::Tls12, &rustls::version::TLS12), (Version::Tls13, &rustls::version::TLS13)];
    let spoken = all.iter().filter(|(it, _)| (tls.min_version..=tls.max_version).contains(it));
    let versions: Vec<_> = spoken.map(|(_, version)| *version).collect();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)
        .map_err(|error| TlsError::Other("min_version", error.into()))?
        .with_client_cert_verifier(verifier(&tls.client_auth, pems)?)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn verifier(auth: &ClientAuth, pems: &Pems) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let (Pem { field, .. }, is_required) = match auth {
        ClientAuth::No => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::IfGiven(ca) => (ca, false),
        ClientAuth::Required(ca) => (ca, true),
    };
    let pem = pems.client_ca.as_deref().unwrap_or_default();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| TlsError::Other(field, "not PEM".into()))?;
        roots.add(certificate).map_err(|error| TlsError::Other(field, error.into()))?;
    }
    let provider = Arc::new(ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if is_required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| TlsError::Other(field, error.into()))
}

/// The handshake with a client that has just connected; nothing if it fails or takes too long.
pub(super) async fn handshake(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
) -> Option<TlsStream<TcpStream>> {
    let shaken = async {
        if is_http(&stream).await? {
            stream.write_all(NOT_HTTP).await?;
            return Err(io::Error::other("the client speaks HTTP, not TLS"));
        }
        TlsAcceptor::from(config).accept(stream).await
    };
    match tokio::time::timeout(HANDSHAKE, shaken).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
        Err(_) => debug!("TLS handshake took too long"),
    }
    None
}

/// Whether the client's first byte is that of a request.
async fn is_http(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let count = stream.peek(&mut first).await?;
    Ok(count == 1 && first[0] != HANDSHAKE_BYTE && first[0].is_ascii_uppercase())
}
