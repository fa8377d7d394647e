//! All that is kept between restarts and shared between replicas: the content of one Secret.

use std::collections::BTreeMap;

use crate::{CertError, Identity};

/// The authorities and the leaf of one installation.
///
/// Of the authorities, the current one signs; the next one is already in every trust bundle before
/// it signs anything, and the previous one stays there while leaves of it may still be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The authority that signs leaves.
    pub authority: Identity,
    /// Its successor, published but not yet signing.
    pub next: Option<Identity>,
    /// The certificate of the authority before.
    pub previous: Option<String>,
    /// What the webhook serves.
    pub leaf: Identity,
}

impl Material {
    /// What API servers have to trust: PEM, current authority first.
    #[must_use]
    pub fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| next.certificate.as_str());
        [Some(self.authority.certificate.as_str()), next, self.previous.as_deref()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Reads the data of a Secret.
    pub fn from_data(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, CertError> {
        let optional = |name: &'static str| -> Result<Option<String>, CertError> {
            data.get(name)
                .map(|bytes| {
                    String::from_utf8(bytes.clone())
                        .map_err(|_| CertError::NotACertificate(name.to_owned()))
                })
                .transpose()
        };
        let required = |name: &'static str| optional(name)?.ok_or(CertError::MissingEntry(name));
        let next = match (optional("ca-next.crt")?, optional("ca-next.key")?) {
            (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
            _ => None,
        };
        Ok(Self {
            authority: Identity { certificate: required("ca.crt")?, key: required("ca.key")? },
            next,
            previous: optional("ca-previous.crt")?,
            leaf: Identity { certificate: required("tls.crt")?, key: required("tls.key")? },
        })
    }

    /// The data of the Secret, as [`Material::from_data`] reads it.
    #[must_use]
    pub fn to_data(&self) -> BTreeMap<String, Vec<u8>> {
        let mut data = BTreeMap::new();
        let mut put = |name: &str, value: &str| data.insert(name.to_owned(), value.into());
        put("ca.crt", &self.authority.certificate);
        put("ca.key", &self.authority.key);
        put("tls.crt", &self.leaf.certificate);
        put("tls.key", &self.leaf.key);
        if let Some(next) = &self.next {
            put("ca-next.crt", &next.certificate);
            put("ca-next.key", &next.key);
        }
        if let Some(previous) = &self.previous {
            put("ca-previous.crt", previous);
        }
        data
    }
}
