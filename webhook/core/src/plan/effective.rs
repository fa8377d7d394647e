//! What a pod's containers ask for and may use together, as LimitRanger and quotas count it: the
//! larger of what runs, sidecars included, and what its start needs
//! (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers#resources-calculation-for-scheduling-and-pod-admission>).

use crate::namespace_state::Counted;
use crate::pod::{Amount, Container, PodSpec, Resources};
use crate::quantity::Quantity;

/// What is said of a resource; what cannot be read is as if it were not there.
pub(super) fn amount(
    resources: Option<&Resources<'_>>,
    of: Counted,
    resource: &str,
) -> Option<Quantity> {
    let amounts = match of {
        Counted::Requests => resources?.requests.as_ref(),
        Counted::Limits => resources?.limits.as_ref(),
    };
    read(amounts?.get(resource)?)
}

pub(super) fn read(amount: &Amount<'_>) -> Option<Quantity> {
    match amount {
        Amount::Text(text) => text.parse().ok(),
        Amount::Number(number) => number.to_string().parse().ok(),
    }
}

/// Requests or limits of a pod for one resource, in billionths, with one more sidecar behind its init
/// containers; none if nobody says anything of it.
pub(super) fn total(
    spec: &PodSpec<'_>,
    of: Counted,
    resource: &str,
    sidecar: Option<&Quantity>,
) -> Option<i128> {
    // A budget of the pod as a whole rules.
    if let Some(budget) = amount(spec.resources.as_ref(), of, resource) {
        return Some(budget.nanos());
    }
    let mut running = running(spec, of, resource);
    // Each init container runs beside the sidecars that were started before it.
    let (mut sidecars, mut starting) = (None, None);
    let inits = spec.init_containers().iter().map(|container| {
        let stays = container.restart_policy.as_deref() == Some("Always");
        (said(container, of, resource), stays)
    });
    for (own, stays) in inits.chain([(sidecar.map(Quantity::nanos), true)]) {
        let now = sum(sidecars, own);
        if stays {
            sidecars = now;
        }
        starting = starting.max(now);
    }
    running = sum(running, sidecar.map(Quantity::nanos));
    running.max(starting)
}

/// The same of what runs to the end: of all but init containers that end, and with no more sidecar.
pub(super) fn running(spec: &PodSpec<'_>, of: Counted, resource: &str) -> Option<i128> {
    let stay = |container: &&Container<'_>| container.restart_policy.as_deref() == Some("Always");
    let all = spec.containers().iter().chain(spec.init_containers().iter().filter(stay));
    all.fold(None, |total, container| sum(total, said(container, of, resource)))
}

/// A request that is left out becomes the limit.
fn said(container: &Container<'_>, of: Counted, resource: &str) -> Option<i128> {
    let said = |of| amount(container.resources.as_ref(), of, resource);
    let said = match of {
        Counted::Requests => said(Counted::Requests).or_else(|| said(Counted::Limits)),
        Counted::Limits => said(Counted::Limits),
    };
    said.map(|amount| amount.nanos())
}

fn sum(one: Option<i128>, other: Option<i128>) -> Option<i128> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of the proposal, the last of them a request that is left out.
    #[test]
    fn sidecars_count_beside_what_runs_and_beside_what_starts_after_them() {
        let of = |containers: &str, inits: &str, sidecar: Option<u32>| {
            let spec = format!(r#"{{"containers": [{containers}], "initContainers": [{inits}]}}"#);
            let spec: PodSpec<'_> = serde_json::from_str(&spec).unwrap();
            let sidecar = sidecar.map(Quantity::milli);
            let total = total(&spec, Counted::Requests, "cpu", sidecar.as_ref());
            total.map(|nanos| nanos / 1_000_000)
        };
        let cpu = |amount: u32, more: &str| {
            format!(r#"{{"name": "a", {more} "resources": {{"requests": {{"cpu": {amount}}}}}}}"#)
        };
        let (one, five) = (cpu(1, ""), cpu(5, ""));
        let sidecar = cpu(1, r#""restartPolicy": "Always","#);
        assert_eq!(of(&one, "", None), Some(1000));
        assert_eq!(of(&one, "", Some(5)), Some(1005));
        assert_eq!(of(&one, &five, Some(5)), Some(5000));
        assert_eq!(of(&one, &format!("{sidecar}, {five}"), None), Some(6000));
        assert_eq!(of(&one, &format!("{five}, {sidecar}"), Some(5)), Some(5000));
        let limited = r#"{"name": "a", "resources": {"limits": {"cpu": "2"}}}"#;
        assert_eq!(of(limited, "", None), Some(2000));
        assert_eq!(of(r#"{"name": "a"}"#, "", None), None);
        assert_eq!(of(r#"{"name": "a"}"#, "", Some(0)), Some(0));
    }
}
