//! What counts of a `LimitRange`
//! (<https://kubernetes.io/docs/concepts/policy/limit-range/>).

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{LimitRange as Object, LimitRangeItem};
use k8s_openapi::apimachinery::pkg::api::resource;

use crate::quantity::Quantity;

/// One `LimitRange`: about 50 bytes and 100 for each bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRange {
    /// Its name.
    pub name: String,
    /// What it says, in its order.
    pub bounds: Vec<Bounds>,
}

/// What a `LimitRange` says about one resource. A quantity that cannot be read, such as a negative one,
/// is as if it were not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Of what.
    pub of: Bounded,
    /// Such as `cpu`.
    pub resource: String,
    /// The least request, and the least limit where there is one.
    pub min: Option<Quantity>,
    /// The highest limit, which has to be there then.
    pub max: Option<Quantity>,
    /// The limit over the request: how much at most. Both have to be there then, and not 0.
    pub ratio: Option<Quantity>,
    /// The request of a container that names none.
    pub default_request: Option<Quantity>,
    /// The limit of a container that names none.
    pub default: Option<Quantity>,
}

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounded {
    /// Each container, and each init container.
    Container,
    /// All containers of a pod together.
    Pod,
}

impl LimitRange {
    /// What counts of an object; its defaults are filled in by the API server.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        let items = object.spec.iter().flat_map(|spec| &spec.limits);
        Self {
            name: object.metadata.name.clone().unwrap_or_default(),
            bounds: items.flat_map(bounds).collect(),
        }
    }
}

fn bounds(item: &LimitRangeItem) -> Vec<Bounds> {
    let of = match item.type_.as_str() {
        "Container" => Bounded::Container,
        "Pod" => Bounded::Pod,
        // Of PersistentVolumeClaims.
        _ => return Vec::new(),
    };
    let LimitRangeItem { min, max, max_limit_request_ratio, default_request, default, .. } = item;
    let all = [min, max, max_limit_request_ratio, default_request, default];
    let mut names: Vec<&String> = all.into_iter().flatten().flat_map(BTreeMap::keys).collect();
    names.sort_unstable();
    names.dedup();
    let bound = |name: &String| {
        let [min, max, ratio, default_request, default] =
            all.map(|amounts| amounts.as_ref().and_then(|amounts| read(amounts.get(name)?)));
        Bounds { of, resource: name.clone(), min, max, ratio, default_request, default }
    };
    names.into_iter().map(bound).collect()
}

/// A quantity of the API's.
pub(super) fn read(amount: &resource::Quantity) -> Option<Quantity> {
    amount.0.parse().ok()
}

impl fmt::Display for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::Pod => "pod",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_it_says_about_containers_and_pods_is_kept_resource_by_resource() {
        let object = json!({
            "metadata": {"name": "limits"},
            "spec": {"limits": [
                {"type": "Container", "min": {"cpu": "10m"}, "max": {"memory": "1Gi"},
                 "maxLimitRequestRatio": {"cpu": "4"}, "default": {"memory": "1Gi"}},
                {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
                {"type": "Pod", "max": {"cpu": "-1"}},
            ]},
        });
        let range = LimitRange::of(&serde_json::from_value(object).unwrap());
        let quantity = |text: &str| Some(text.parse().unwrap());
        let none = |of, resource: &str| Bounds {
            of,
            resource: resource.to_owned(),
            min: None,
            max: None,
            ratio: None,
            default_request: None,
            default: None,
        };
        let cpu = Bounds {
            min: quantity("10m"),
            ratio: quantity("4"),
            ..none(Bounded::Container, "cpu")
        };
        let memory = Bounds {
            max: quantity("1Gi"),
            default: quantity("1Gi"),
            ..none(Bounded::Container, "memory")
        };
        assert_eq!(range.name, "limits");
        assert_eq!(range.bounds, [cpu, memory, none(Bounded::Pod, "cpu")]);
    }
}
