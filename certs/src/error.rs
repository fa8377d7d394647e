//! What can go wrong with certificates, and where.

use std::path::PathBuf;

/// Why a certificate, key or bundle could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// The key or certificate could not be generated.
    #[error("could not make the {what}")]
    Make {
        /// What was being made.
        what: &'static str,
        /// Why not.
        source: rcgen::Error,
    },
    /// An entry of the Secret is missing.
    #[error("the certificate Secret has no entry {0:?}")]
    MissingEntry(&'static str),
    /// An entry holds something else than it should.
    #[error("{0} is not a PEM certificate")]
    NotACertificate(String),
    /// A private key that cannot be read.
    #[error("{0} is not a PEM private key")]
    NotAKey(String),
    /// A certificate that can vouch for none, and why.
    #[error("{0}")]
    NotAnAuthority(&'static str),
    /// Certificate and key do not belong together (half of a rotation was read), or rustls can do
    /// nothing with them.
    #[error("the certificate cannot be served with this key")]
    Mismatch(#[source] rustls::Error),
    /// The API server would refuse the certificate.
    #[error("the bundle does not vouch for the certificate")]
    Untrusted(#[source] rustls::Error),
    /// It was good until its time was over.
    #[error("it has expired")]
    Expired,
    /// A certificate for nobody.
    #[error("the certificate has no name in it")]
    Nameless,
    /// What was to be published does not vouch for what is served.
    #[error("the new bundle would not vouch for a certificate that is in use")]
    WouldDistrust,
    /// The trust bundle holds no usable certificate.
    #[error("the trust bundle has no usable certificate")]
    EmptyBundle,
    /// A file that cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
