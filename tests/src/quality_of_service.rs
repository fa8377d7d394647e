//! A pod's quality-of-service class, worked out as the API server does it: the oracle for the promise
//! that the sidecar does not change it. The real API server confirms it for the golden pods.
//!
//! After Kubernetes' `pkg/apis/core/helper/qos/qos.go` and the defaulting of requests in
//! `pkg/apis/core/v1/defaults.go`
//! (<https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/>).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The class, as `status.qosClass` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Class {
    Guaranteed,
    Burstable,
    BestEffort,
}

impl Class {
    /// The name in `status.qosClass`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guaranteed => "Guaranteed",
            Self::Burstable => "Burstable",
            Self::BestEffort => "BestEffort",
        }
    }
}

/// Amounts of CPU and memory, in thousandths.
pub type Amounts = BTreeMap<String, i128>;

/// The class of a pod.
pub fn class(pod: &Value) -> Result<Class> {
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    let mut guaranteed = true;
    for resources in budgets(pod) {
        let limited = amounts(&resources["limits"])?;
        let mut requested = limited.clone();
        requested.extend(amounts(&resources["requests"])?);
        guaranteed &= ["cpu", "memory"].iter().all(|name| positive(&limited, name).is_some());
        for (total, own) in [(&mut requests, &requested), (&mut limits, &limited)] {
            for name in own.keys() {
                if let Some(amount) = positive(own, name) {
                    *total.entry(name.clone()).or_default() += amount;
                }
            }
        }
    }
    Ok(if requests.is_empty() && limits.is_empty() {
        Class::BestEffort
    } else if guaranteed && requests == limits {
        Class::Guaranteed
    } else {
        Class::Burstable
    })
}

/// The `resources` that count: the pod's own where it has some, else those of every container.
fn budgets(pod: &Value) -> Vec<&Value> {
    let spec = &pod["spec"];
    if spec["resources"].is_object() {
        return vec![&spec["resources"]];
    }
    let lists = ["containers", "initContainers"].map(|list| spec[list].as_array());
    lists.into_iter().flatten().flatten().map(|container| &container["resources"]).collect()
}

fn positive(amounts: &Amounts, name: &str) -> Option<i128> {
    amounts.get(name).copied().filter(|amount| *amount > 0)
}

/// CPU and memory of a list of requests or limits.
pub(crate) fn amounts(list: &Value) -> Result<Amounts> {
    let entries = list.as_object().into_iter().flatten();
    entries
        .filter(|(name, _)| ["cpu", "memory"].contains(&name.as_str()))
        .map(|(name, amount)| Ok((name.clone(), thousandths(amount)?)))
        .collect()
}

/// A quantity in thousandths; whole numbers with the suffixes that pods have.
fn thousandths(amount: &Value) -> Result<i128> {
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: i128 = text[..digits].parse().with_context(|| format!("{text:?}"))?;
    let factor = match &text[digits..] {
        "m" => 1,
        "" => 1000,
        "k" => 1000 * 1000,
        "M" => 1000 * 1000 * 1000,
        "G" => 1000 * 1000 * 1000 * 1000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        _ => anyhow::bail!("{text:?} has a suffix that is not known here"),
    };
    Ok(number * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(resources: &[Value]) -> Class {
        let containers: Vec<_> = resources.iter().map(|r| json!({"resources": r})).collect();
        class(&json!({"spec": {"containers": containers}})).unwrap()
    }

    #[test]
    fn the_classes_are_those_of_the_documentation() {
        let all = json!({"limits": {"cpu": "1", "memory": "1Gi"}});
        let same = json!({"requests": {"cpu": "1000m"}, "limits": {"cpu": 1, "memory": "1Gi"}});
        let less = json!({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}});
        assert_eq!(of(&[json!({})]), Class::BestEffort);
        assert_eq!(of(&[json!({"requests": {"cpu": "0"}})]), Class::BestEffort);
        assert_eq!(of(&[all.clone(), same]), Class::Guaranteed);
        assert_eq!(of(&[all.clone(), json!({})]), Class::Burstable);
        assert_eq!(of(&[all, less]), Class::Burstable);
    }
}
