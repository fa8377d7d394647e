//! What counts of a `ResourceQuota`
//! (<https://kubernetes.io/docs/concepts/policy/resource-quotas/>).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceQuota as Object, ScopedResourceSelectorRequirement};
use k8s_openapi::apimachinery::pkg::api::resource;

use super::limit_range::read;
use crate::quantity::Quantity;

/// One `ResourceQuota`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// Which pods it is for: those of which all of these hold.
    pub scopes: Vec<Scope>,
    /// What it counts of pods' requests and limits.
    pub tracked: Vec<Tracked>,
}

/// One resource that a quota counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// As the quota calls it, such as `limits.cpu`.
    pub name: String,
    /// Whether limits are counted, or requests.
    pub of: Counted,
    /// The resource, such as `cpu`.
    pub resource: String,
    /// How much there may be.
    pub hard: Quantity,
    /// How much there is. It is seen late: the API server counts, and tells.
    pub used: Quantity,
}

/// What of a container is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Counted {
    Requests,
    Limits,
}

/// Pods that a quota is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// With `activeDeadlineSeconds`, or without.
    Terminating(bool),
    /// Of the class `BestEffort`, or of another.
    BestEffort(bool),
    /// With a priority class at all, or without.
    HasPriorityClass(bool),
    /// With one of these priority classes, or with none of these.
    PriorityClass {
        /// Whether it has to be one of them.
        is_in: bool,
        /// Their names.
        names: Vec<String>,
    },
    /// Not looked at here: a pod may be meant.
    Unknown,
}

impl Quota {
    /// What counts of an object: what its status says, by which the API server goes too.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        let spec = object.spec.as_ref();
        let simple = spec.and_then(|spec| spec.scopes.as_ref()).into_iter().flatten();
        let simple = simple.map(|name| scope(name, "Exists", &[]));
        let selected = spec.and_then(|spec| spec.scope_selector.as_ref());
        let selected = selected.and_then(|selector| selector.match_expressions.as_ref());
        let selected = selected.into_iter().flatten().map(
            |ScopedResourceSelectorRequirement { scope_name, operator, values }| {
                scope(scope_name, operator, values.as_deref().unwrap_or_default())
            },
        );
        let status = object.status.as_ref();
        let hard = status.and_then(|status| status.hard.as_ref()).into_iter().flatten();
        let used = status.and_then(|status| status.used.as_ref());
        Self {
            name: object.metadata.name.clone().unwrap_or_default(),
            scopes: simple.chain(selected).collect(),
            tracked: hard.filter_map(|(name, hard)| tracked(name, hard, used)).collect(),
        }
    }

    /// The same, with nothing left.
    #[must_use]
    pub fn used_up(mut self) -> Self {
        for tracked in &mut self.tracked {
            tracked.used = tracked.hard.clone();
        }
        self
    }
}

fn tracked(
    name: &str,
    hard: &resource::Quantity,
    used: Option<&BTreeMap<String, resource::Quantity>>,
) -> Option<Tracked> {
    let (of, resource) = match name.split_once('.') {
        Some(("limits", resource)) => (Counted::Limits, resource),
        Some(("requests", resource)) => (Counted::Requests, resource),
        _ if ["cpu", "memory", "ephemeral-storage"].contains(&name) => (Counted::Requests, name),
        _ => return None,
    };
    let used = used.and_then(|used| read(used.get(name)?));
    Some(Tracked {
        name: name.to_owned(),
        of,
        resource: resource.to_owned(),
        hard: read(hard)?,
        used: used.unwrap_or_else(Quantity::zero),
    })
}

fn scope(name: &str, operator: &str, values: &[String]) -> Scope {
    match (name, operator) {
        ("Terminating", _) => Scope::Terminating(true),
        ("NotTerminating", _) => Scope::Terminating(false),
        ("BestEffort", _) => Scope::BestEffort(true),
        ("NotBestEffort", _) => Scope::BestEffort(false),
        ("PriorityClass", "Exists") => Scope::HasPriorityClass(true),
        ("PriorityClass", "DoesNotExist") => Scope::HasPriorityClass(false),
        ("PriorityClass", "In" | "NotIn") => {
            Scope::PriorityClass { is_in: operator == "In", names: values.to_vec() }
        }
        _ => Scope::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_counted_of_requests_and_limits_is_kept_as_the_status_has_it() {
        let object = json!({
            "metadata": {"name": "quota"},
            "spec": {
                "hard": {"cpu": "9"}, "scopes": ["NotBestEffort", "CrossNamespacePodAffinity"],
                "scopeSelector": {"matchExpressions": [
                    {"scopeName": "PriorityClass", "operator": "NotIn", "values": ["low"]},
                    {"scopeName": "Terminating", "operator": "Exists"},
                ]},
            },
            "status": {
                "hard": {"cpu": "8", "limits.memory": "1Gi", "pods": "3", "requests.storage": "1Gi"},
                "used": {"cpu": "7500m"},
            },
        });
        let quota = Quota::of(&serde_json::from_value(object).unwrap());
        let low = Scope::PriorityClass { is_in: false, names: vec!["low".to_owned()] };
        let scopes = [Scope::BestEffort(false), Scope::Unknown, low, Scope::Terminating(true)];
        assert_eq!(quota.scopes, scopes);
        let names: Vec<&str> = quota.tracked.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["cpu", "limits.memory", "requests.storage"]);
        let [cpu, memory, _] = &quota.tracked[..] else { panic!("{quota:?}") };
        assert_eq!((cpu.of, &cpu.hard), (Counted::Requests, &"8".parse().unwrap()));
        assert_eq!(cpu.used, "7.5".parse().unwrap());
        assert_eq!((memory.of, memory.used.is_zero()), (Counted::Limits, true));
        assert_eq!(quota.used_up().tracked[0].used, "8".parse().unwrap());
    }
}
