//! A certificate with its private key.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::CertError;

/// A certificate chain and the key of its first certificate, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The leaf first, then what leads to its authority.
    pub certificate: String,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: String,
}

impl Identity {
    /// The pair as rustls serves it; certificate and key are checked to belong together.
    pub fn certified_key(&self) -> Result<Arc<CertifiedKey>, CertError> {
        let chain = chain(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|_| CertError::NotAKey("the private key".to_owned()))?;
        CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map(Arc::new)
            .map_err(CertError::Mismatch)
    }

    /// From when until when the first certificate is valid.
    pub fn validity(&self) -> Result<Validity, CertError> {
        Validity::of(&self.certificate)
    }

    /// The DNS names and IP addresses of the first certificate.
    pub fn names(&self) -> Result<Vec<String>, CertError> {
        let chain = chain(&self.certificate)?;
        let (_, certificate) = parse_x509_certificate(&chain[0])
            .map_err(|_| CertError::NotACertificate("the leaf".to_owned()))?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.into_iter().flat_map(|names| &names.value.general_names);
        let text = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
            _ => None,
        };
        Ok(names.filter_map(text).collect())
    }
}

/// An address as certificates have it: its bytes.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Whether two names are the same: addresses by their value, others whatever their case.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.eq_ignore_ascii_case(other),
    }
}

impl fmt::Debug for Identity {
    /// Never shows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// The time in which a certificate may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: SystemTime,
    /// The last second.
    pub not_after: SystemTime,
}

impl Validity {
    /// The validity of the first certificate in a PEM text.
    pub fn of(pem: &str) -> Result<Self, CertError> {
        Self::of_der(&chain(pem)?[0])
    }

    /// The validity of every certificate in a PEM text, in its order; at least one.
    pub fn of_each(pem: &str) -> Result<Vec<Self>, CertError> {
        chain(pem)?.iter().map(Self::of_der).collect()
    }

    /// The validity of one certificate.
    pub(crate) fn of_der(certificate: &CertificateDer<'_>) -> Result<Self, CertError> {
        let (_, certificate) = parse_x509_certificate(certificate)
            .map_err(|_| CertError::NotACertificate("the certificate".to_owned()))?;
        let time = |seconds: i64| UNIX_EPOCH + Duration::from_secs(seconds.max(0).unsigned_abs());
        let validity = certificate.validity();
        Ok(Self {
            not_before: time(validity.not_before.timestamp()),
            not_after: time(validity.not_after.timestamp()),
        })
    }

    /// How much of it is left.
    #[must_use]
    pub fn left(&self, now: SystemTime) -> Duration {
        self.not_after.duration_since(now).unwrap_or_default()
    }

    /// Whether a peer with this clock would accept it.
    #[must_use]
    pub fn contains(&self, now: SystemTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// All certificates of a PEM text; at least one.
pub(crate) fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, CertError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(CertError::NotACertificate("the certificate".to_owned())),
    }
}
