//! The fuses beside what decisions are made with: whatever changes in them is known to the next review,
//! in the metrics and in the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use emberscope_core::AllSettings;
use emberscope_core::fuse::{BlownFuse, Change, FuseKey, Fuses};
use tracing::{info, warn};

use crate::Shared;

/// The fuses, for one at a time.
#[derive(Debug, Default)]
pub(crate) struct SharedFuses(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    fuses: Fuses,
    /// What reviews and metrics know of them.
    published: Vec<BlownFuse>,
}

impl SharedFuses {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Does something to the fuses.
    pub(crate) fn with_fuses<T>(&self, what: impl FnOnce(&mut Fuses) -> T) -> T {
        what(&mut self.fuses.lock().fuses)
    }

    /// What has changed by now; reviews know it when this returns.
    pub(crate) fn fuses_now(&self) -> Vec<Change> {
        let settings = self.settings.load();
        let after = settings.config.fuse.after();
        let mut held = self.fuses.lock();
        if held.fuses.is_idle() {
            return Vec::new();
        }
        let changes = held
            .fuses
            .at(Instant::now(), after, self.intervals.fuse, |key| is_current(key, &settings));
        self.publish(&mut held);
        for change in &changes {
            match change {
                Change::Blown { key, failure, pod: (pod, _) } => {
                    self.metrics.fuse().blew(*failure);
                    let FuseKey { namespace, image, .. } = &**key;
                    let why = failure.as_str();
                    warn!(
                        namespace,
                        image, pod, why, "the sidecar does not start: pods are left alone"
                    );
                }
                Change::Whole { key, why } => {
                    let FuseKey { namespace, image, .. } = &**key;
                    info!(namespace, image, ?why, "pods are injected again");
                }
            }
        }
        changes
    }

    /// Lets one executor try a blown fuse; whether this is the one. Others are left alone from then on.
    pub(crate) fn take_turn(&self, fuse: &FuseKey) -> bool {
        let after = self.settings.load().config.fuse.after();
        let mut held = self.fuses.lock();
        let is_first = held.fuses.take_turn(fuse, after, Instant::now());
        if is_first {
            self.publish(&mut held);
            let FuseKey { namespace, image, .. } = fuse;
            info!(namespace, image, "one executor tries whether the sidecar starts");
        }
        is_first
    }

    /// While the fuses are held, so that the newest is what stays.
    fn publish(&self, held: &mut Held) {
        let mut blown: Vec<BlownFuse> = held.fuses.blown().collect();
        blown.sort_by(|a, b| a.key.cmp(&b.key));
        if blown == held.published {
            return;
        }
        self.namespaces.rcu(|now| {
            let mut namespaces = (**now).clone();
            namespaces.learn_fuses(blown.iter().cloned());
            namespaces
        });
        let keys = |fuses: &[BlownFuse]| fuses.iter().map(|fuse| Arc::clone(&fuse.key)).collect();
        let (before, now): (Vec<_>, Vec<_>) = (keys(&held.published), keys(&blown));
        self.metrics.fuse().blown(&before, &now);
        held.published = blown;
    }
}

/// Whether pods are injected like that at the moment. What image a pod may name for itself is open.
fn is_current(key: &FuseKey, settings: &AllSettings) -> bool {
    let profiles = settings.profiles().iter().map(|(_, settings)| settings);
    profiles.chain([settings.default()]).any(|settings| settings.injected == key.injected)
}
