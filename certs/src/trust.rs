//! Whether an API server with a given `caBundle` would accept a given leaf.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::identity::Validity;
use crate::{CertError, identity};

/// Verifies `certificate` for `name` at the time `now` against the authorities in `bundle` (PEM),
/// the way a TLS client does.
pub fn verify(
    bundle: &str,
    certificate: &str,
    name: &str,
    now: SystemTime,
) -> Result<(), CertError> {
    let mut roots = RootCertStore::empty();
    let anchors = identity::chain(bundle).map_err(|_| CertError::EmptyBundle)?;
    // API servers look at the time of an authority too (Go's x509.Verify); rustls does not.
    let in_time = |anchor: &CertificateDer<'_>| {
        Validity::of_der(anchor).is_ok_and(|validity| validity.contains(now))
    };
    roots.add_parsable_certificates(anchors.into_iter().filter(in_time));
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| CertError::EmptyBundle)?;
    let chain = identity::chain(certificate)?;
    let name = ServerName::try_from(name.to_owned())
        .map_err(|error| CertError::Untrusted(rustls::Error::General(error.to_string())))?;
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap_or_default());
    verifier
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], now)
        .map(drop)
        .map_err(CertError::Untrusted)
}
