//! Whether the namespace's ResourceQuotas have room for what the sidecar adds, and what they ask of
//! each container.
//!
//! After `CheckRequest` of Kubernetes' `apiserver/pkg/admission/plugin/resourcequota`, and
//! `pkg/quota/v1/evaluator/core/pods.go`. The quota plug-in runs behind all webhooks.

use super::effective::{read, total};
use super::limit_range::filled_in;
use super::misfit::Misfit;
use super::resources::{Allowance, Qos, qos};
use crate::namespace_state::{Counted, NamespaceState, Quota, Scope, Tracked};
use crate::pod::PodSpec;

/// Whether a quota that is for the pod demands that every container says this, if only 0.
pub(super) fn demands(quotas: &[Quota], spec: &PodSpec<'_>, of: Counted, resource: &str) -> bool {
    let tracks =
        |quota: &Quota| quota.tracked.iter().any(|one| one.of == of && one.resource == resource);
    quotas.iter().any(|quota| tracks(quota) && is_for(quota, spec))
}

/// The quota in which the pod has no room for lack of what the sidecar takes, or has none either way:
/// what is used is seen late, so a pod that seems to have none may be admitted.
pub(super) fn full(
    allowance: &Allowance,
    spec: &PodSpec<'_>,
    known: &NamespaceState,
) -> Option<Misfit> {
    let lacks_room = |one: &&Tracked| {
        let own = filled_in(allowance, one.of, &one.resource, &known.limit_ranges);
        let with = total(spec, one.of, &one.resource, own.as_ref());
        if with == total(spec, one.of, &one.resource, None) {
            return false;
        }
        let with = with.map_or(0, |with| with.saturating_add(overhead(spec, one, with)));
        one.used.nanos().saturating_add(with) > one.hard.nanos()
    };
    known.quotas.iter().find_map(|quota| {
        let full = quota.tracked.iter().find(lacks_room).filter(|_| is_for(quota, spec))?;
        Some(Misfit::Quota {
            name: quota.name.clone(),
            counted: full.name.clone(),
            used: full.used.clone(),
            hard: full.hard.clone(),
        })
    })
}

/// What the pod's runtime takes: of limits where there is one.
fn overhead(spec: &PodSpec<'_>, tracked: &Tracked, total: i128) -> i128 {
    let overhead = spec.overhead.as_ref().and_then(|all| read(all.get(&*tracked.resource)?));
    match tracked.of {
        Counted::Limits if total == 0 => 0,
        Counted::Limits | Counted::Requests => overhead.map_or(0, |amount| amount.nanos()),
    }
}

/// Whether all scopes of a quota hold for the pod.
fn is_for(quota: &Quota, spec: &PodSpec<'_>) -> bool {
    let class = spec.priority_class_name.as_deref().filter(|class| !class.is_empty());
    quota.scopes.iter().all(|scope| match scope {
        Scope::Terminating(wanted) => {
            *wanted == spec.active_deadline_seconds.is_some_and(|seconds| seconds >= 0)
        }
        Scope::BestEffort(wanted) => *wanted == (qos(spec) == Qos::BestEffort),
        Scope::HasPriorityClass(wanted) => *wanted == class.is_some(),
        Scope::PriorityClass { is_in, names } => {
            *is_in == class.is_some_and(|class| names.iter().any(|name| name == class))
        }
        Scope::Unknown => true,
    })
}

#[cfg(test)]
mod tests;
