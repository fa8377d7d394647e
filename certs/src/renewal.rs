//! When what is renewed: the rules, with the time as a parameter.
//!
//! ```text
//! authority  |<------------------ 365 days ------------------>|
//! successor                            |<- 90 days left: published
//!                                       |<- a day later: it signs; the old one stays in the bundle
//! leaf       |<- 30 days ->|   renewed when a third of its life is left
//! ```
//!
//! A successor is in the trust bundle for a day before the first leaf of it is served, so no API
//! server meets a leaf that it cannot verify.

use std::time::{Duration, SystemTime};

use crate::authority::{self, BACKDATE, LEAF_LIFE};
use crate::identity::Validity;
use crate::{CertError, Identity, Material};

const DAY: Duration = Duration::from_hours(24);

/// An authority with less than this left gets a successor. More than a leaf lives, so that no
/// leaf outlives its authority.
pub const SUCCESSION: Duration = DAY.saturating_mul(90);

/// How long a successor is published before it signs.
pub const OVERLAP: Duration = DAY;

/// A leaf with less than this left, a third of its life, is replaced.
pub const LEAF_RENEWAL: Duration = DAY.saturating_mul(10);

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

/// What a renewal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There was nothing usable: everything is new.
    Created,
    /// The authority has a published successor now.
    SuccessorPublished,
    /// The successor signs now; the leaf is new.
    SuccessorSigns,
    /// The leaf is new.
    LeafRenewed,
}

/// Decides what to do with the stored material at the time `now`, for a server of these names.
///
/// The result depends on nothing else; replicas that race make one store succeed by
/// compare-and-swap, and the others then find it [`Renewal::Current`].
pub fn renew(
    stored: Option<Material>,
    names: &[String],
    now: SystemTime,
) -> Result<Renewal, CertError> {
    let Some(mut stored) = stored else { return create(names, None, now) };
    let Some(authority) = usable(&stored.authority, now) else {
        // Leaves of it may still be served somewhere.
        let old = stored.authority.validity().is_ok().then_some(stored.authority.certificate);
        return create(names, old, now);
    };
    stored.next = stored.next.filter(|next| usable(next, now).is_some());
    let changed = |material, change| Ok(Renewal::Changed { material, change });

    match &stored.next {
        None if authority.left(now) < SUCCESSION => {
            let next = Some(authority::generate(now)?);
            return changed(Material { next, ..stored }, Change::SuccessorPublished);
        }
        Some(next) if published_for(next, now) >= OVERLAP => {
            let leaf = authority::issue(next, names, now)?;
            let material = Material {
                authority: next.clone(),
                next: None,
                previous: Some(stored.authority.certificate),
                leaf,
            };
            return changed(material, Change::SuccessorSigns);
        }
        _ => {}
    }

    if leaf_serves(&stored.leaf, names, now) {
        return Ok(Renewal::Current(stored));
    }
    let leaf = authority::issue(&stored.authority, names, now)?;
    changed(Material { leaf, ..stored }, Change::LeafRenewed)
}

fn create(
    names: &[String],
    previous: Option<String>,
    now: SystemTime,
) -> Result<Renewal, CertError> {
    let authority = authority::generate(now)?;
    let leaf = authority::issue(&authority, names, now)?;
    let material = Material { authority, next: None, previous, leaf };
    Ok(Renewal::Changed { material, change: Change::Created })
}

/// The authority's validity, if it is readable, has its key and can still sign a leaf.
fn usable(authority: &Identity, now: SystemTime) -> Option<Validity> {
    authority.certified_key().ok()?;
    let validity = authority.validity().ok()?;
    (validity.contains(now) && validity.left(now) > LEAF_LIFE).then_some(validity)
}

fn published_for(next: &Identity, now: SystemTime) -> Duration {
    let Ok(validity) = next.validity() else {
        return Duration::ZERO;
    };
    now.duration_since(validity.not_before + BACKDATE).unwrap_or_default()
}

/// Whether the leaf has time left, its key, and all of the names.
fn leaf_serves(leaf: &Identity, names: &[String], now: SystemTime) -> bool {
    let Ok(validity) = leaf.validity() else {
        return false;
    };
    let Ok(carried) = leaf.dns_names() else {
        return false;
    };
    let dns = names.iter().filter(|name| name.parse::<std::net::IpAddr>().is_err());
    validity.contains(now)
        && validity.left(now) >= LEAF_RENEWAL
        && leaf.certified_key().is_ok()
        && dns.into_iter().all(|name| carried.binary_search(name).is_ok())
}

#[cfg(test)]
mod tests;
