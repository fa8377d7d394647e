//! What one replica does next about the Secret, the `caBundle` and the certificate that it serves,
//! after what it sees of them.
//!
//! ```text
//! see Secret and caBundle -> Store   into the Secret what it should hold
//!                         -> Publish the authorities as caBundle
//!                         -> Settle  give API servers the time to notice
//!                         -> Serve   the certificate
//!                         -> Nothing all is as it should be
//! ```
//!
//! One step at a time, each by compare-and-swap with what was seen, so that replicas which race agree.
//! Whatever the order and whoever else writes: a bundle that trusts what is served is never replaced
//! by one that does not, and a certificate is served only once it is trusted.

use std::time::SystemTime;

use crate::material::Data;
use crate::renewal::{self, Change, Renewal, Wanted};
use crate::stored::{self, Fault, Stored};
use crate::{CertError, Identity, Material, bundle, trust};

/// What a replica remembers.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    served: Option<Material>,
    /// The bundle that API servers have had the time to notice.
    settled: Option<String>,
}

/// What a replica sees of the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'s> {
    /// The data of the Secret, if there is one.
    pub secret: Option<&'s Data>,
    /// Whether somebody asked for another authority.
    pub rotate: bool,
    /// The `caBundle` of every webhook of the configuration; at least one.
    pub live: &'s [String],
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Store this.
    Store {
        /// What the Secret is to hold.
        material: Box<Material>,
        /// What it is, next to what was there.
        change: Change,
        /// What was wrong there.
        faults: Vec<Fault>,
    },
    /// Make this the `caBundle`.
    Publish(String),
    /// Wait until API servers have noticed this bundle.
    Settle(String),
    /// Serve this leaf.
    Serve(Box<Material>),
    /// All is well.
    Nothing,
}

impl Replica {
    /// What is served, if anything.
    #[must_use]
    pub fn served(&self) -> Option<&Material> {
        self.served.as_ref()
    }

    /// The material's leaf is served from now on.
    pub fn serves(&mut self, material: Material) {
        self.settled = Some(material.bundle());
        self.served = Some(material);
    }

    /// API servers have had the time to notice this bundle.
    pub fn settled(&mut self, bundle: String) {
        self.settled = Some(bundle);
    }

    /// Whether API servers accept what is served, by the bundles that are live.
    #[must_use]
    pub fn is_trusted(&self, live: &[String], now: SystemTime) -> bool {
        self.served.as_ref().is_some_and(|served| trusted(&served.leaf, live, now))
    }

    /// The next step.
    pub fn next(
        &self,
        seen: Seen<'_>,
        wanted: Wanted<'_>,
        now: SystemTime,
    ) -> Result<Step, CertError> {
        let stored = seen.secret.map(|data| Stored::read(data, now));
        let (mut material, mut change) = self.target(stored.as_ref(), seen.rotate, wanted, now)?;
        if self.keep_trusted(&mut material, stored.as_ref(), seen.live, now) {
            change = change.or(Some(Change::AuthorityKept));
        }
        if !seen.secret.is_some_and(|data| material.is_stored_as(data)) {
            return Ok(Step::Store {
                material: Box::new(material),
                change: change.unwrap_or(Change::Rewritten),
                faults: stored.map(|stored| stored.faults).unwrap_or_default(),
            });
        }
        let bundle = material.bundle();
        // The last line of defence: what was said above of both is asked once more.
        trust::verify(&bundle, &material.leaf.certificate, &wanted.names[0], now)?;
        if seen.live.iter().any(|live| *live != bundle) {
            let distrusts = self.is_trusted(seen.live, now)
                && !self.is_trusted(std::slice::from_ref(&bundle), now);
            return if distrusts {
                Err(CertError::WouldDistrust)
            } else {
                Ok(Step::Publish(bundle))
            };
        }
        if self.served.as_ref() == Some(&material) {
            return Ok(Step::Nothing);
        }
        let same_leaf = self.served.as_ref().is_some_and(|served| served.leaf == material.leaf);
        if !same_leaf && self.is_trusted(seen.live, now) && self.settled.as_ref() != Some(&bundle) {
            return Ok(Step::Settle(bundle));
        }
        Ok(Step::Serve(Box::new(material)))
    }

    /// What the Secret should hold, and how that comes about if it does not.
    fn target(
        &self,
        stored: Option<&Stored>,
        rotate: bool,
        wanted: Wanted<'_>,
        now: SystemTime,
    ) -> Result<(Material, Option<Change>), CertError> {
        let good = stored.filter(|stored| stored.faults.is_empty());
        let material = match (good.and_then(Stored::material), self.remembered(now), stored) {
            (Some(material), _, _) => material,
            // The cluster trusts it.
            (None, Some(served), _) => return Ok((served.clone(), Some(Change::Restored))),
            (None, None, Some(stored)) => return repaired(stored, wanted, now),
            (None, None, None) => {
                let material = renewal::create(wanted, Vec::new(), now)?;
                return Ok((material, Some(Change::Created)));
            }
        };
        if rotate {
            let material = renewal::begin_rotation(material, now)?;
            return Ok((material, Some(Change::RotationBegun)));
        }
        Ok(match renewal::renew(material, wanted, now)? {
            Renewal::Current(material) => (material, None),
            Renewal::Changed { material, change } => (material, Some(change)),
        })
    }

    /// What is served, if it would do for the Secret as well.
    fn remembered(&self, now: SystemTime) -> Option<&Material> {
        self.served.as_ref().filter(|served| {
            stored::signs(&served.authority, now).is_ok()
                && stored::serves(&served.leaf, &served.bundle(), now).is_ok()
        })
    }

    /// Adds the authorities that vouch for what is served now and would be missing; tells whether
    /// there are any. A replica that serves nothing takes what was stored for served by others.
    fn keep_trusted(
        &self,
        material: &mut Material,
        stored: Option<&Stored>,
        live: &[String],
        now: SystemTime,
    ) -> bool {
        let served = self.served.as_ref().map(|served| &served.leaf.certificate);
        let served = served.or_else(|| stored?.leaf_certificate.as_ref());
        let Some(leaf) = served.map(|certificate| unkeyed(certificate)) else {
            return false;
        };
        if !trusted(&leaf, live, now) || vouches(&material.bundle(), &leaf, now) {
            return false;
        }
        let authorities = live.iter().flat_map(|live| bundle::read(live));
        let authorities = authorities.map(|one| bundle::write(&one));
        let before = material.previous.len();
        for authority in authorities {
            if vouches(&authority, &leaf, now) && !material.previous.contains(&authority) {
                material.previous.push(authority);
            }
        }
        material.previous.len() > before
    }
}

/// What is good stays; the rest is made anew.
fn repaired(
    stored: &Stored,
    wanted: Wanted<'_>,
    now: SystemTime,
) -> Result<(Material, Option<Change>), CertError> {
    let Some(authority) = stored.authority.clone() else {
        let material = renewal::create(wanted, stored.previous.clone(), now)?;
        return Ok((material, Some(Change::Created)));
    };
    let leaf = match stored.leaf.clone() {
        Some(leaf) => leaf,
        None => crate::authority::issue(&authority, wanted.names, now)?,
    };
    let material = Material {
        authority,
        next: stored.next.clone(),
        previous: stored.previous.clone(),
        leaf,
        leaving: stored.leaving.clone(),
    };
    let change = if stored.faults.is_empty() { Change::LeafRenewed } else { Change::Repaired };
    Ok((material, Some(change)))
}

fn unkeyed(certificate: &str) -> Identity {
    Identity { certificate: certificate.to_owned(), key: String::new() }
}

fn trusted(leaf: &Identity, live: &[String], now: SystemTime) -> bool {
    !live.is_empty() && live.iter().all(|bundle| vouches(bundle, leaf, now))
}

/// Whether a bundle vouches for a leaf, by a name that it carries.
fn vouches(bundle: &str, leaf: &Identity, now: SystemTime) -> bool {
    let names = leaf.names().unwrap_or_default();
    names.first().is_some_and(|name| trust::verify(bundle, &leaf.certificate, name, now).is_ok())
}

#[cfg(test)]
mod tests;
