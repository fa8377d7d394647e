//! The YAML of a web configuration, and what to say where it is another.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Error;

use super::WebConfigError;

/// The keys that Prometheus' exporters know.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) tls_server_config: Option<Tls>,
    pub(super) basic_auth_users: Option<BTreeMap<String, String>>,
    http_server_config: Option<IgnoredAny>,
    rate_limit: Option<IgnoredAny>,
}

/// Those of `tls_server_config`.
#[derive(Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) cert: Option<String>,
    pub(super) cert_file: Option<String>,
    pub(super) key: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) client_auth_type: Option<String>,
    pub(super) client_ca: Option<String>,
    pub(super) client_ca_file: Option<String>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    cipher_suites: Option<IgnoredAny>,
    curve_preferences: Option<IgnoredAny>,
    prefer_server_cipher_suites: Option<IgnoredAny>,
    client_allowed_sans: Option<IgnoredAny>,
}

/// The keys among them that are not supported here, and what helps.
const UNSUPPORTED: [(&str, &str); 6] = [
    (
        "http_server_config",
        "is not supported: this server speaks HTTP/1.1 and sets no such headers; remove it",
    ),
    (
        "rate_limit",
        "is not supported: connections and password checks have limits of their own; remove it",
    ),
    ("cipher_suites", NO_CHOICE),
    ("curve_preferences", NO_CHOICE),
    ("prefer_server_cipher_suites", NO_CHOICE),
    (
        "client_allowed_sans",
        "is not supported; remove it, and name an authority in client_ca_file that vouches for \
         nobody else",
    ),
];

const NO_CHOICE: &str = "is not supported: rustls offers nothing weak to choose from; remove it \
                         (min_version: TLS13 narrows the choice)";

/// Reads the text. An empty one has no keys.
pub(super) fn read(text: &str, path: &Path) -> Result<File, WebConfigError> {
    // An excerpt of the text around a mistake may be an excerpt of a key.
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed: Result<Option<File>, _> = serde_saphyr::from_str_with_options(text, options);
    let file = parsed.map(Option::unwrap_or_default).map_err(|error| WebConfigError::Shape {
        path: path.to_owned(),
        problem: sentence(&error),
    })?;
    match file.unsupported() {
        None => Ok(file),
        Some((parent, key)) => {
            let problem = UNSUPPORTED.iter().find(|(it, _)| *it == key).map_or("", |it| it.1);
            let (field, problem) = (format!("{parent}{key}"), problem.to_owned());
            Err(WebConfigError::Field { path: path.to_owned(), field, problem })
        }
    }
}

impl File {
    /// The first key that is there and not supported, with what it is under.
    fn unsupported(&self) -> Option<(&'static str, &'static str)> {
        let of_tls = self.tls_server_config.as_ref().and_then(Tls::unsupported);
        [
            (self.http_server_config.is_some(), "http_server_config"),
            (self.rate_limit.is_some(), "rate_limit"),
        ]
        .into_iter()
        .find_map(|(is_there, key)| is_there.then_some(("", key)))
        .or(of_tls.map(|key| ("tls_server_config.", key)))
    }
}

impl Tls {
    fn unsupported(&self) -> Option<&'static str> {
        [
            (&self.cipher_suites, "cipher_suites"),
            (&self.curve_preferences, "curve_preferences"),
            (&self.prefer_server_cipher_suites, "prefer_server_cipher_suites"),
            (&self.client_allowed_sans, "client_allowed_sans"),
        ]
        .into_iter()
        .find_map(|(value, key)| value.is_some().then_some(key))
    }
}

/// What is wrong, without the values, which may be secrets.
fn sentence(error: &Error) -> String {
    let line = error.location().map_or(String::new(), |it| format!("line {}: ", it.line()));
    match error.without_snippet() {
        Error::SerdeUnknownField { field, expected, .. } => {
            let is_supported = |key: &&&str| UNSUPPORTED.iter().all(|(other, _)| other != *key);
            let keys: Vec<_> = expected.iter().filter(is_supported).copied().collect();
            format!("{line}{} is not known here; the keys are {}", name(field), keys.join(", "))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("{line}{} is there twice; remove one", name(key))
        }
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("{line}here should be {expected}")
        }
        Error::Unexpected { expected, .. } => format!("{line}here should be {expected}"),
        Error::MultipleDocuments { .. } => {
            format!("{line}there is a second document; one is all there can be")
        }
        Error::AliasError { error, .. } => sentence(error),
        Error::ExternalMessage { msg, .. } => format!("{line}not YAML: {msg}"),
        _ => format!("{line}not YAML, or of another shape than a web configuration"),
    }
}

/// A key as it is shown: what does not look like one may be a secret in the wrong place.
fn name(key: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if key.len() <= 32 && key.bytes().all(plain) { key } else { "a key" }
}
