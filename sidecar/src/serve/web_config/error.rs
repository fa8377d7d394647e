//! Why a web configuration cannot be used, where, and what helps.

use std::io;
use std::path::PathBuf;

use emberscope_certs::CertError;

/// What is wrong. No message holds a password hash or a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum WebConfigError {
    /// A file cannot be read.
    #[error("cannot read {} ({key})", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What names it: a key of the configuration, or the flag.
        key: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// It is not YAML of that shape.
    #[error("{}: {problem}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong, where, and what would be right.
        problem: String,
    },
    /// A value is not possible.
    #[error("{}: {field} {problem}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The key, from the top.
        field: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// The certificate, its key or both.
    #[error("{}: {fields} cannot be served; give a PEM certificate and its own private key", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The keys of the configuration.
        fields: String,
        /// Why not.
        source: CertError,
    },
    /// TLS cannot be set up so.
    #[error("{}: tls_server_config.{field} cannot be used", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// The key of the configuration.
        field: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system has no random numbers.
    #[error("no random numbers to be had for remembering who logged in")]
    Random,
}
