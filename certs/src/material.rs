//! All that is kept between restarts and shared between replicas: the content of one Secret.

use std::collections::BTreeMap;

use crate::Identity;

/// The data of a Secret.
pub type Data = BTreeMap<String, Vec<u8>>;

/// The authorities and the leaf of one installation; all certificates as [`crate::bundle::write`]
/// writes them.
///
/// Of the authorities, the current one signs; the next one is already in every trust bundle before
/// it signs anything, and previous ones stay there while leaves of them may still be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// The authority that signs leaves.
    pub authority: Identity,
    /// Its successor, published but not yet signing.
    pub next: Option<Identity>,
    /// The certificates of authorities before.
    pub previous: Vec<String>,
    /// What the webhook serves.
    pub leaf: Identity,
    /// The certificate of the authority that a rotation is to get rid of, while one is under way.
    pub leaving: Option<String>,
}

/// What an entry of the Secret is called.
pub(crate) mod entry {
    pub(crate) const AUTHORITY: [&str; 2] = ["ca.crt", "ca.key"];
    pub(crate) const NEXT: [&str; 2] = ["ca-next.crt", "ca-next.key"];
    pub(crate) const PREVIOUS: &str = "ca-previous.crt";
    pub(crate) const LEAF: [&str; 2] = ["tls.crt", "tls.key"];
    pub(crate) const LEAVING: &str = "ca-leaving.crt";
    /// All of them.
    pub(crate) const ALL: [&str; 8] =
        [AUTHORITY[0], AUTHORITY[1], NEXT[0], NEXT[1], PREVIOUS, LEAF[0], LEAF[1], LEAVING];
}

/// Whether an entry of the Secret is one of these; others are somebody else's.
#[must_use]
pub fn is_entry(name: &str) -> bool {
    entry::ALL.contains(&name)
}

impl Material {
    /// What API servers have to trust: PEM, current authority first.
    #[must_use]
    pub fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| next.certificate.as_str());
        let current = Some(self.authority.certificate.as_str());
        let previous = self.previous.iter().map(String::as_str);
        current.into_iter().chain(next).chain(previous).collect()
    }

    /// The data of the Secret, as [`crate::stored::Stored::read`] reads it.
    #[must_use]
    pub fn to_data(&self) -> Data {
        let mut data = Data::new();
        let mut put = |name: &str, value: &str| data.insert(name.to_owned(), value.into());
        let mut put_both = |[certificate, key]: [&str; 2], identity: &Identity| {
            put(certificate, &identity.certificate);
            put(key, &identity.key);
        };
        put_both(entry::AUTHORITY, &self.authority);
        put_both(entry::LEAF, &self.leaf);
        if let Some(next) = &self.next {
            put_both(entry::NEXT, next);
        }
        if !self.previous.is_empty() {
            put(entry::PREVIOUS, &self.previous.concat());
        }
        if let Some(leaving) = &self.leaving {
            put(entry::LEAVING, leaving);
        }
        data
    }

    /// Whether the data are, in what is ours, the same.
    #[must_use]
    pub fn is_stored_as(&self, data: &Data) -> bool {
        let ours = self.to_data();
        entry::ALL.iter().all(|name| ours.get(*name) == data.get(*name))
    }
}
