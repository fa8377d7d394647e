//! What is known of the namespaces that pods are created in, handed in as a value like
//! [`ClusterState`](crate::ClusterState): what changes from minute to minute, while the settings stay.

mod limit_range;
mod quota;

use std::collections::HashMap;
use std::sync::Arc;

use crate::fuse::BlownFuse;

pub use limit_range::{Bounded, Bounds, LimitRange};
pub use quota::{Counted, Quota, Scope, Tracked};

/// What is known of each namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    by_name: HashMap<Arc<str>, Arc<NamespaceState>>,
}

/// What is known of one namespace. Nothing, where the webhook may not ask or there is no cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceState {
    /// Its `LimitRange`s.
    pub limit_ranges: Vec<LimitRange>,
    /// Its `ResourceQuota`s.
    pub quotas: Vec<Quota>,
    /// The fuses that are blown there.
    pub fuses: Vec<BlownFuse>,
}

/// A namespace of which nothing is known.
const NOTHING: &NamespaceState =
    &NamespaceState { limit_ranges: Vec::new(), quotas: Vec::new(), fuses: Vec::new() };

impl Namespaces {
    /// What is known of one.
    #[must_use]
    pub fn of(&self, namespace: &str) -> &NamespaceState {
        self.by_name.get(namespace).map_or(NOTHING, |state| state)
    }

    /// The namespaces of which something is known.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }

    /// Knows more of one from now on.
    pub fn learn(&mut self, namespace: &str, what: impl FnOnce(&mut NamespaceState)) {
        let state = self.by_name.entry(namespace.into()).or_default();
        what(Arc::make_mut(state));
        if **state == *NOTHING {
            self.by_name.remove(namespace);
        }
    }

    /// These fuses are blown, and no others.
    pub fn learn_fuses(&mut self, blown: impl Iterator<Item = BlownFuse>) {
        let with_fuses = |(name, state): (&Arc<str>, &Arc<NamespaceState>)| {
            (!state.fuses.is_empty()).then(|| Arc::clone(name))
        };
        let mut by_namespace: HashMap<Arc<str>, Vec<BlownFuse>> =
            self.by_name.iter().filter_map(with_fuses).map(|name| (name, Vec::new())).collect();
        for fuse in blown {
            by_namespace.entry(fuse.key.namespace.as_str().into()).or_default().push(fuse);
        }
        for (namespace, mut fuses) in by_namespace {
            fuses.sort_by(|a, b| a.key.cmp(&b.key));
            self.learn(&namespace, |state| state.fuses = fuses);
        }
    }
}

impl NamespaceState {
    /// The blown fuse of an image, as this configuration injects it.
    #[must_use]
    pub fn fuse(&self, image: &str, injected: &str) -> Option<&BlownFuse> {
        self.fuses.iter().find(|fuse| fuse.key.image == image && fuse.key.injected == injected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_namespace_that_nobody_told_of_nothing_is_known() {
        let mut namespaces = Namespaces::default();
        namespaces.learn("a", |_| {});
        assert_eq!(namespaces, Namespaces::default());
        assert_eq!(namespaces.of("a"), &NamespaceState::default());
    }
}
