//! When what is renewed: the rules, with the time as a parameter.
//!
//! ```text
//! authority  |<------------------ 365 days ------------------>|
//! successor                            |<- 90 days left: published
//!                                       |<- a day later: it signs; the old one stays in the bundle
//! leaf       |<- 30 days ->|   renewed when a third of its life is left
//!
//! rotation   |<- asked for: a successor is published
//!             |<- a minute later: it signs
//!              |<- a minute later: all authorities before it are trusted no more
//! ```
//!
//! A successor is in the trust bundle before the first leaf of it is served, so no API server meets a
//! leaf that it cannot verify.

use std::time::{Duration, SystemTime};

use crate::authority::{self, BACKDATE, LEAF_LIFE};
use crate::identity::same_name;
use crate::{CertError, Identity, Material};

const DAY: Duration = Duration::from_hours(24);

/// An authority with less than this left gets a successor. More than a leaf lives, so that no
/// leaf outlives its authority.
pub const SUCCESSION: Duration = DAY.saturating_mul(90);

/// How long a successor is published before it signs.
pub const OVERLAP: Duration = DAY;

/// How long each step of a rotation takes: long enough for every replica and API server to follow.
pub const ROTATION_OVERLAP: Duration = Duration::from_mins(1);

/// A leaf with less than this left, a third of its life, is replaced.
pub const LEAF_RENEWAL: Duration = DAY.saturating_mul(10);

/// What the certificate is wanted for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// DNS names and IP addresses, the Service's first.
    pub names: &'w [String],
    /// How long each step of a rotation takes, [`ROTATION_OVERLAP`] unless in a test.
    pub rotation_overlap: Duration,
}

/// What to do about the stored material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// Nothing: it is good for a while.
    Current(Material),
    /// Store this in its place.
    Changed {
        /// The material from now on.
        material: Material,
        /// What was done, for the log.
        change: Change,
    },
}

/// What was done to the material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There was nothing usable: everything is new.
    Created,
    /// What was stored is gone or spoilt; what is served is stored again.
    Restored,
    /// What was stored is spoilt in part; that part is new.
    Repaired,
    /// The same, as it should be written.
    Rewritten,
    /// An authority is trusted further, since it vouches for what is served.
    AuthorityKept,
    /// The authority has a published successor now.
    SuccessorPublished,
    /// The successor signs now; the leaf is new.
    SuccessorSigns,
    /// The leaf is new.
    LeafRenewed,
    /// A rotation was asked for: the authority has a successor that is published now.
    RotationBegun,
    /// No authority from before the rotation is trusted any more.
    RotationEnded,
}

/// Decides what to do with sound material at the time `now`.
///
/// The result depends on nothing else; replicas that race make one store succeed by
/// compare-and-swap, and the others then find it [`Renewal::Current`].
pub fn renew(stored: Material, wanted: Wanted<'_>, now: SystemTime) -> Result<Renewal, CertError> {
    let changed = |material, change| Ok(Renewal::Changed { material, change });
    let left = stored.authority.validity()?.left(now);
    if left <= LEAF_LIFE {
        // Leaves of it may still be served somewhere.
        let previous = with(stored.previous, stored.authority.certificate);
        return changed(create(wanted, previous, now)?, Change::Created);
    }
    let rotating = stored.leaving.as_ref() == Some(&stored.authority.certificate);
    let overlap = if rotating { wanted.rotation_overlap } else { OVERLAP };
    match &stored.next {
        None if rotating || left < SUCCESSION => {
            let next = Some(authority::generate(now)?);
            return changed(Material { next, ..stored }, Change::SuccessorPublished);
        }
        Some(next) if age(next, now) >= overlap => {
            let material = Material {
                authority: next.clone(),
                next: None,
                previous: with(stored.previous, stored.authority.certificate),
                leaf: authority::issue(next, wanted.names, now)?,
                leaving: stored.leaving,
            };
            return changed(material, Change::SuccessorSigns);
        }
        _ => {}
    }
    if stored.leaving.is_some() && !rotating && age(&stored.leaf, now) >= wanted.rotation_overlap {
        let material = Material { previous: Vec::new(), leaving: None, ..stored };
        return changed(material, Change::RotationEnded);
    }
    match names_of_a_new_leaf(&stored.leaf, wanted, now)? {
        None => Ok(Renewal::Current(stored)),
        Some(names) => {
            let leaf = authority::issue(&stored.authority, &names, now)?;
            changed(Material { leaf, ..stored }, Change::LeafRenewed)
        }
    }
}

/// Everything new; the certificates in `previous` stay trusted.
pub fn create(
    wanted: Wanted<'_>,
    previous: Vec<String>,
    now: SystemTime,
) -> Result<Material, CertError> {
    let authority = authority::generate(now)?;
    let leaf = authority::issue(&authority, wanted.names, now)?;
    Ok(Material { authority, next: None, previous, leaf, leaving: None })
}

/// Begins to replace the authority, and with it everything whose key is stored.
pub fn begin_rotation(stored: Material, now: SystemTime) -> Result<Material, CertError> {
    let next = Some(authority::generate(now)?);
    let leaving = Some(stored.authority.certificate.clone());
    Ok(Material { next, leaving, ..stored })
}

fn with(mut previous: Vec<String>, certificate: String) -> Vec<String> {
    previous.retain(|one| *one != certificate);
    previous.push(certificate);
    previous
}

/// How long ago a certificate of ours was made.
fn age(identity: &Identity, now: SystemTime) -> Duration {
    let Ok(validity) = identity.validity() else {
        return Duration::ZERO;
    };
    now.duration_since(validity.not_before + BACKDATE).unwrap_or_default()
}

/// The names of the leaf that is due, if one is. Where only a name is missing, those of the old one
/// stay: another replica may have been told to have them.
fn names_of_a_new_leaf(
    leaf: &Identity,
    wanted: Wanted<'_>,
    now: SystemTime,
) -> Result<Option<Vec<String>>, CertError> {
    if leaf.validity()?.left(now) < LEAF_RENEWAL {
        return Ok(Some(wanted.names.to_vec()));
    }
    let mut names = leaf.names()?;
    let missing = |name: &&String| !names.iter().any(|carried| same_name(carried, name));
    let missing: Vec<String> = wanted.names.iter().filter(missing).cloned().collect();
    if missing.is_empty() {
        return Ok(None);
    }
    names.extend(missing);
    Ok(Some(names))
}

#[cfg(test)]
mod tests;
