//! What is known of the namespaces that pods are created in, handed in as a value like
//! [`ClusterState`](crate::ClusterState): what changes from minute to minute, while the settings stay.

use std::collections::HashMap;
use std::sync::Arc;

/// What is known of each namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    by_name: HashMap<String, Arc<NamespaceState>>,
}

/// What is known of one namespace. Nothing, where the webhook may not ask or there is no cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceState {}

/// A namespace of which nothing is known.
const NOTHING: &NamespaceState = &NamespaceState {};

impl Namespaces {
    /// What is known of one.
    #[must_use]
    pub fn of(&self, namespace: &str) -> &NamespaceState {
        self.by_name.get(namespace).map_or(NOTHING, |state| state)
    }

    /// Knows more of one from now on.
    pub fn learn(&mut self, namespace: &str, what: impl FnOnce(&mut NamespaceState)) {
        let state = self.by_name.entry(namespace.to_owned()).or_default();
        what(Arc::make_mut(state));
        if **state == *NOTHING {
            self.by_name.remove(namespace);
        }
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
