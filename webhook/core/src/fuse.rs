//! The fuse: where sidecars do not start, later pods are left alone.
//!
//! ```text
//! a pod's status -> SidecarState -> Fuses (what is seen, over time) -> BlownFuse -> decisions
//! ```
//!
//! A fuse is for one namespace and one image, as one configuration injects it: another image or
//! another configuration is another fuse, so what was mended begins anew. It is worked out from what
//! pods say of themselves, so every replica comes to the same by itself.
//!
//! ```text
//!            a sidecar fails for too long                       all such pods are gone, and a pause is over
//! (whole) ---------------------------------> Tries::Nobody ------------------------------> Tries::OneExecutor
//!    ^                                         |   ^  ^                                           |
//!    '------ the last one that failed runs ----'   |  '------ it fails, or never comes ------ one is injected
//!    ^                                             '------- (the pause is twice as long)          |
//!    '---------------------------------------------------- it runs -------------------------------'
//! ```
//!
//! While a pod is there that waits, nobody else tries: the kubelet tries again with that one.

mod fuses;
mod sidecar_state;

use std::sync::Arc;

pub use fuses::{Change, Closed, Fuses, Pauses};
pub use sidecar_state::{Failure, PodStatus, SidecarState};

use crate::role::Role;

/// What a fuse is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuseKey {
    /// The namespace.
    pub namespace: String,
    /// The sidecar's image, as it is injected.
    pub image: String,
    /// The annotation of pods that get it: version and fingerprint of the configuration.
    pub injected: String,
}

/// A fuse that is blown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlownFuse {
    /// What it is for.
    pub key: Arc<FuseKey>,
    /// Why the first sidecar did not start.
    pub failure: Failure,
    /// Who may try.
    pub tries: Tries,
}

/// Who gets the sidecar although the fuse is blown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// Nobody: a pod is there that waits, somebody tries already, or it is too early.
    Nobody,
    /// The next executor, and no other. Never a driver: without it there is no job.
    OneExecutor,
}

impl BlownFuse {
    /// Whether it keeps a pod of this role from being injected.
    #[must_use]
    pub fn bars(&self, role: Role) -> bool {
        !(self.tries == Tries::OneExecutor && role == Role::Executor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_never_tries() {
        let key = FuseKey { namespace: "n".into(), image: "i".into(), injected: "1".into() };
        let key = Arc::new(key);
        for (tries, barred) in [(Tries::Nobody, [true, true]), (Tries::OneExecutor, [true, false])]
        {
            let fuse = BlownFuse { key: Arc::clone(&key), failure: Failure::ErrImagePull, tries };
            assert_eq!(Role::ALL.map(|role| fuse.bars(role)), barred, "{tries:?}");
        }
    }
}
