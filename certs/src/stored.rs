//! What is found in the Secret, which anybody who may write it can have changed: part by part, each
//! good or spoilt.

use std::fmt;
use std::time::SystemTime;

use crate::identity::Validity;
use crate::material::{Data, entry};
use crate::{CertError, Identity, Material, authority, bundle, identity, trust};

/// A part of what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `ca.crt`, `ca.key`.
    Authority,
    /// `ca-next.crt`, `ca-next.key`.
    Successor,
    /// `ca-previous.crt`, `ca-leaving.crt`.
    Previous,
    /// `tls.crt`, `tls.key`.
    Leaf,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Authority, Self::Successor, Self::Previous, Self::Leaf];

    /// Its name in logs, events and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Successor => "successor",
            Self::Previous => "previous",
            Self::Leaf => "leaf",
        }
    }
}

/// A part that cannot be used, and why.
#[derive(Debug)]
pub struct Fault {
    /// What.
    pub part: Part,
    /// Why not.
    pub why: CertError,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part.as_str(), self.why)?;
        let mut cause = std::error::Error::source(&self.why);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The good parts, and what is wrong with the others.
#[derive(Debug, Default)]
pub struct Stored {
    /// See [`Material`].
    pub authority: Option<Identity>,
    /// See [`Material`].
    pub next: Option<Identity>,
    /// See [`Material`].
    pub previous: Vec<String>,
    /// See [`Material`].
    pub leaving: Option<String>,
    /// The leaf, if one of these authorities vouches for it.
    pub leaf: Option<Identity>,
    /// The certificate in place of the leaf, whether or not it can be used: it may be served.
    pub leaf_certificate: Option<String>,
    /// What is wrong. That something was good until its time was over is nothing wrong.
    pub faults: Vec<Fault>,
}

impl Stored {
    /// Reads the data of a Secret, and verifies all of it at the time `now`.
    #[must_use]
    pub fn read(data: &Data, now: SystemTime) -> Self {
        let mut stored = Self::default();
        stored.authority = stored.part(Part::Authority, authority_in(data, entry::AUTHORITY, now));
        let next = entry::NEXT.iter().any(|name| data.contains_key(*name));
        let next = next.then(|| authority_in(data, entry::NEXT, now)).transpose();
        stored.next = stored.part(Part::Successor, next).flatten();
        stored.previous = stored.part(Part::Previous, previous(data, now)).unwrap_or_default();
        let leaving = optional(data, entry::LEAVING)
            .and_then(|text| text.map(|text| only(text, entry::LEAVING)).transpose());
        stored.leaving = stored.part(Part::Previous, leaving).flatten();

        let leaf = pair(data, entry::LEAF).and_then(|leaf| {
            let certificate: String =
                identity::chain(&leaf.certificate)?.iter().map(bundle::write).collect();
            Ok(Identity { certificate, ..leaf })
        });
        let leaf = stored.part(Part::Leaf, leaf);
        stored.leaf_certificate = leaf.as_ref().map(|leaf| leaf.certificate.clone());
        if let (Some(leaf), Some(bundle)) = (leaf, stored.bundle()) {
            let verified = serves(&leaf, &bundle, now);
            stored.leaf = stored.part(Part::Leaf, verified.map(|()| leaf));
        }
        stored
    }

    /// The material, if nothing is missing.
    #[must_use]
    pub fn material(&self) -> Option<Material> {
        Some(Material {
            authority: self.authority.clone()?,
            next: self.next.clone(),
            previous: self.previous.clone(),
            leaf: self.leaf.clone()?,
            leaving: self.leaving.clone(),
        })
    }

    /// What [`Material::bundle`] would be; none without an authority.
    fn bundle(&self) -> Option<String> {
        let authority = self.authority.as_ref()?.certificate.clone();
        let next = self.next.as_ref().map_or("", |next| &next.certificate);
        Some(authority + next + &self.previous.concat())
    }

    /// What was read, or a fault. What is only out of its time is missing, and no fault.
    fn part<T>(&mut self, part: Part, read: Result<T, CertError>) -> Option<T> {
        match read {
            Ok(found) => Some(found),
            Err(CertError::Expired) => None,
            Err(why) => {
                self.faults.push(Fault { part, why });
                None
            }
        }
    }
}

/// Whether a certificate can be served: with its key, and vouched for by one of these authorities,
/// whatever it is for.
pub(crate) fn serves(leaf: &Identity, bundle: &str, now: SystemTime) -> Result<(), CertError> {
    leaf.certified_key()?;
    in_time(leaf, now)?;
    // Any name that it carries: which it should carry is not known here.
    let names = leaf.names()?;
    let name = names.first().ok_or(CertError::Nameless)?;
    trust::verify(bundle, &leaf.certificate, name, now)
}

/// Whether an authority can sign now, and is one that Go would trust.
pub(crate) fn signs(identity: &Identity, now: SystemTime) -> Result<(), CertError> {
    identity.certified_key()?;
    in_time(identity, now)?;
    trust::can_vouch(&identity::chain(&identity.certificate)?[0], now)?;
    authority::issuer(identity).map(drop)
}

fn in_time(identity: &Identity, now: SystemTime) -> Result<(), CertError> {
    let validity = identity.validity()?;
    if validity.not_after < now { Err(CertError::Expired) } else { Ok(()) }
}

fn optional<'d>(data: &'d Data, name: &'static str) -> Result<Option<&'d str>, CertError> {
    let text =
        |bytes| std::str::from_utf8(bytes).map_err(|_| CertError::NotACertificate(name.to_owned()));
    data.get(name).map(|bytes| text(bytes)).transpose()
}

fn pair(data: &Data, [certificate, key]: [&'static str; 2]) -> Result<Identity, CertError> {
    let required = |name| optional(data, name)?.ok_or(CertError::MissingEntry(name));
    let (certificate, key) = (required(certificate)?, required(key)?);
    Ok(Identity { certificate: certificate.to_owned(), key: key.to_owned() })
}

/// The one certificate of a text, as it is to be written.
fn only(text: &str, name: &'static str) -> Result<String, CertError> {
    match &identity::chain(text)?[..] {
        [certificate] => Ok(bundle::write(certificate)),
        _ => Err(CertError::NotACertificate(format!("{name} holds several certificates, and"))),
    }
}

fn authority_in(
    data: &Data,
    names: [&'static str; 2],
    now: SystemTime,
) -> Result<Identity, CertError> {
    let found = pair(data, names)?;
    let found = Identity { certificate: only(&found.certificate, names[0])?, ..found };
    signs(&found, now).map(|()| found)
}

/// The previous authorities that are still in their time.
fn previous(data: &Data, now: SystemTime) -> Result<Vec<String>, CertError> {
    let Some(text) = optional(data, entry::PREVIOUS)? else { return Ok(Vec::new()) };
    let mut previous = Vec::new();
    for certificate in identity::chain(text)? {
        if Validity::of_der(&certificate)?.not_after < now {
            continue;
        }
        trust::can_vouch(&certificate, now)?;
        previous.push(bundle::write(&certificate));
    }
    Ok(previous)
}
