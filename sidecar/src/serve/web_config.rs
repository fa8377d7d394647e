//! The web configuration: who may see the page, and over what. The format is that of Prometheus'
//! exporters (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).
//!
//! ```yaml
//! tls_server_config:
//!   cert_file: tls.crt                              # or cert: with the PEM itself
//!   key_file: tls.key                               # or key:
//!   client_auth_type: RequireAndVerifyClientCert    # or VerifyClientCertIfGiven, NoClientCert
//!   client_ca_file: ca.crt                          # or client_ca:
//!   min_version: TLS12
//!   max_version: TLS13
//! basic_auth_users:
//!   prometheus: $2y$10$...                          # bcrypt
//! ```
//!
//! What it cannot do as that format says, it refuses: a server that ignores a line of its
//! configuration protects less than its owner believes.

mod error;
mod files;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use error::WebConfigError;
pub(super) use files::{Fingerprint, Loaded, Pems};

use super::password::PasswordHash;

/// A web configuration whose values are possible; the files that it names are not read yet.
#[derive(Debug)]
pub struct WebConfig {
    /// TLS, or none for plain HTTP.
    pub tls: Option<Tls>,
    /// Who may see the page; nobody in here means everybody.
    pub users: BTreeMap<String, PasswordHash>,
}

/// How to speak TLS.
#[derive(Debug)]
pub struct Tls {
    /// The certificate, and what leads to its authority.
    pub certificate: Pem,
    /// Its private key.
    pub key: Pem,
    /// What clients have to show.
    pub client_auth: ClientAuth,
    /// The oldest version.
    pub min_version: Version,
    /// The newest version.
    pub max_version: Version,
}

/// Whether clients are known by certificates, and which authorities vouch for these.
#[derive(Debug)]
pub enum ClientAuth {
    /// They are not asked for one.
    No,
    /// Who shows one, shows a good one.
    IfGiven(Pem),
    /// Nobody comes in without.
    Required(Pem),
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Version {
    Tls12,
    Tls13,
}

/// Where a PEM text is.
pub struct Pem {
    /// The key of the configuration that says so.
    pub field: &'static str,
    /// The place.
    pub place: Place,
}

/// The place of a PEM text.
pub enum Place {
    /// A file.
    File(PathBuf),
    /// The configuration itself.
    Inline(String),
}

impl fmt::Debug for Pem {
    /// Never shows the text, which may be a private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Pem");
        shown.field("field", &self.field);
        if let Place::File(path) = &self.place {
            shown.field("file", path);
        }
        shown.finish_non_exhaustive()
    }
}

/// What is wrong with one value: the key, from the top, and a sentence that ends in a remedy.
type Problem = (String, String);

impl WebConfig {
    /// Reads YAML text. `path` is where it came from: relative paths in it start from there.
    pub fn parse(yaml: &str, path: &Path) -> Result<Self, WebConfigError> {
        let at = |(field, problem)| WebConfigError::Field { path: path.to_owned(), field, problem };
        let yaml::File { tls_server_config, basic_auth_users, .. } = yaml::read(yaml, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let tls = match tls_server_config {
            Some(tls) if tls != yaml::Tls::default() => Some(Tls::new(tls, folder).map_err(at)?),
            _ => None,
        };
        let users = basic_auth_users.unwrap_or_default().into_iter().map(user);
        Ok(Self { tls, users: users.collect::<Result<_, _>>().map_err(at)? })
    }
}

fn user((name, hash): (String, String)) -> Result<(String, PasswordHash), Problem> {
    if name.contains(':') {
        let problem = "a name with a colon can never log in (RFC 7617); take another";
        return Err(("basic_auth_users".to_owned(), problem.to_owned()));
    }
    match PasswordHash::parse(&hash) {
        Ok(hash) => Ok((name, hash)),
        Err(problem) => Err((format!("basic_auth_users.{name}"), problem)),
    }
}

impl Tls {
    fn new(given: yaml::Tls, folder: &Path) -> Result<Self, Problem> {
        let pem = |inline: (&'static str, Option<String>), file: (&'static str, Option<String>)| {
            pem(inline, file, folder)
        };
        let missing = |key: &str| {
            let problem = format!("is missing; give it, or {key} with the PEM text itself");
            (format!("tls_server_config.{key}_file"), problem)
        };
        let certificate = pem(("cert", given.cert), ("cert_file", given.cert_file))?;
        let key = pem(("key", given.key), ("key_file", given.key_file))?;
        let ca = pem(("client_ca", given.client_ca), ("client_ca_file", given.client_ca_file))?;
        let min_version = version("min_version", given.min_version.as_deref(), Version::Tls12)?;
        let max_version = version("max_version", given.max_version.as_deref(), Version::Tls13)?;
        if min_version > max_version {
            let problem = "is newer than max_version; no client could connect, so swap them";
            return Err(("tls_server_config.min_version".to_owned(), problem.to_owned()));
        }
        Ok(Self {
            certificate: certificate.ok_or_else(|| missing("cert"))?,
            key: key.ok_or_else(|| missing("key"))?,
            client_auth: client_auth(given.client_auth_type.as_deref(), ca)?,
            min_version,
            max_version,
        })
    }
}

/// One of two keys, where the empty text counts as none.
fn pem(
    (inline, text): (&'static str, Option<String>),
    (file, path): (&'static str, Option<String>),
    folder: &Path,
) -> Result<Option<Pem>, Problem> {
    let text = text.filter(|text| !text.is_empty());
    let path = path.filter(|path| !path.is_empty());
    match (text, path) {
        (Some(_), Some(_)) => {
            let problem = format!("is given, and so is {file}; remove one of them");
            Err((format!("tls_server_config.{inline}"), problem))
        }
        (Some(text), None) => Ok(Some(Pem { field: inline, place: Place::Inline(text) })),
        (None, Some(path)) => Ok(Some(Pem { field: file, place: Place::File(folder.join(path)) })),
        (None, None) => Ok(None),
    }
}

fn version(key: &str, given: Option<&str>, default: Version) -> Result<Version, Problem> {
    match given {
        None => Ok(default),
        Some("TLS12") => Ok(Version::Tls12),
        Some("TLS13") => Ok(Version::Tls13),
        Some(_) => {
            let problem = "is neither TLS12 nor TLS13, which are what is spoken here";
            Err((format!("tls_server_config.{key}"), problem.to_owned()))
        }
    }
}

fn client_auth(given: Option<&str>, ca: Option<Pem>) -> Result<ClientAuth, Problem> {
    let bad = |key: &str, problem: &str| Err((format!("tls_server_config.{key}"), problem.into()));
    match (given.unwrap_or_default(), ca) {
        ("" | "NoClientCert", None) => Ok(ClientAuth::No),
        ("" | "NoClientCert", Some(ca)) => bad(
            ca.field,
            "vouches for certificates that nobody is asked for; \
             set client_auth_type: RequireAndVerifyClientCert, or remove it",
        ),
        ("VerifyClientCertIfGiven", Some(ca)) => Ok(ClientAuth::IfGiven(ca)),
        ("RequireAndVerifyClientCert", Some(ca)) => Ok(ClientAuth::Required(ca)),
        ("VerifyClientCertIfGiven" | "RequireAndVerifyClientCert", None) => {
            bad("client_ca_file", "is missing; name the authorities that vouch for clients")
        }
        ("RequestClientCert" | "RequireAnyClientCert" | "RequireClientCert", _) => bad(
            "client_auth_type",
            "asks for certificates without verifying them, which is not supported; \
             take RequireAndVerifyClientCert and client_ca_file",
        ),
        _ => bad(
            "client_auth_type",
            "is none of NoClientCert, VerifyClientCertIfGiven and RequireAndVerifyClientCert",
        ),
    }
}

#[cfg(test)]
mod tests;
