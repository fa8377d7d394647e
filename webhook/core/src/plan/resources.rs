//! What the sidecar may use, so that the pod keeps its quality of service class
//! (<https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/>) and is admitted where it was before.

use super::effective::amount;
use super::misfit::Misfit;
use super::{limit_range, quota};
use crate::config::SidecarResources;
use crate::namespace_state::{Counted, NamespaceState};
use crate::origin::Sourced;
use crate::pod::{Container, PodSpec};
use crate::quantity::Quantity;

/// The quality of service class of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// Every container has CPU and memory limits, and requests that equal them.
    Guaranteed,
    /// Some container has some request or limit.
    Burstable,
    /// No container has any.
    BestEffort,
}

/// Requests and limits for the sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Allowance {
    pub cpu: Share,
    pub memory: Share,
    /// What of the pod they were fitted to.
    pub fitted: Fitted,
}

/// Request and limit for one resource; none where the pod is better off without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Share {
    pub request: Option<Sourced<Quantity>>,
    pub limit: Option<Sourced<Quantity>>,
}

/// What of a pod decides on its sidecar's requests and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitted {
    /// It has a budget as a whole.
    Budget,
    /// Its quality of service class.
    Class(Qos),
}

impl Allowance {
    /// What is said for a resource.
    pub(super) fn said(&self, of: Counted, resource: &str) -> Option<&Quantity> {
        let share = match resource {
            "cpu" => &self.cpu,
            "memory" => &self.memory,
            _ => return None,
        };
        let said = match of {
            Counted::Requests => &share.request,
            Counted::Limits => &share.limit,
        };
        said.as_ref().map(|said| &said.value)
    }

    /// Whether the pod asks for more than without the sidecar.
    pub(super) fn asks(&self) -> bool {
        let shares = [&self.cpu, &self.memory];
        shares.iter().any(|share| share.request.as_ref().is_some_and(|it| !it.is_zero()))
    }
}

/// The class that Kubernetes gives to a pod of these containers.
pub(super) fn qos(spec: &PodSpec<'_>) -> Qos {
    let all = || spec.containers().iter().chain(spec.init_containers());
    let counted = |container: &Container<'_>| {
        RESOURCES.iter().any(|resource| {
            let of = |of| amount(container.resources.as_ref(), of, resource);
            let counts = |of_: Counted| of(of_).is_some_and(|it| !it.is_zero());
            counts(Counted::Limits) || counts(Counted::Requests)
        })
    };
    if !all().any(counted) {
        return Qos::BestEffort;
    }
    let guaranteed = |container: &Container<'_>| {
        RESOURCES.iter().all(|resource| {
            let of = |of| amount(container.resources.as_ref(), of, resource);
            let limit = of(Counted::Limits);
            // A request that is left out becomes the limit; one that says 0 does not.
            let request = of(Counted::Requests).or_else(|| limit.clone());
            limit.as_ref().is_some_and(|limit| !limit.is_zero()) && limit == request
        })
    };
    if all().all(guaranteed) { Qos::Guaranteed } else { Qos::Burstable }
}

/// The resources that decide on a class.
const RESOURCES: [&str; 2] = ["cpu", "memory"];

/// Fits what the sidecar should have to the pod and its namespace.
pub(super) fn allow(
    spec: &PodSpec<'_>,
    wanted: &SidecarResources,
    known: &NamespaceState,
) -> Result<Allowance, Box<Misfit>> {
    let mut allowance = by_class(spec, wanted, known);
    limit_range::satisfy(&mut allowance, spec, wanted, &known.limit_ranges);
    let refused = limit_range::refusal(&allowance, spec, &known.limit_ranges);
    match refused.or_else(|| quota::full(&allowance, spec, known)) {
        Some(misfit) => Err(Box::new(misfit)),
        None => Ok(allowance),
    }
}

/// Fits it to the pod, and to what quotas demand that each container says.
fn by_class(spec: &PodSpec<'_>, wanted: &SidecarResources, known: &NamespaceState) -> Allowance {
    let none = |fitted| Allowance { cpu: Share::default(), memory: Share::default(), fitted };
    // A budget for the whole pod rules; a request of ours could exceed it and get the pod refused.
    if spec.resources.as_ref().is_some_and(|pod| pod.requests.is_some() || pod.limits.is_some()) {
        return none(Fitted::Budget);
    }
    let demands = |of, resource| quota::demands(&known.quotas, spec, of, resource);
    let SidecarResources { cpu_request, cpu_limit, guaranteed_cpu, memory_request, memory_limit } =
        wanted.clone();
    let qos = qos(spec);
    let (cpu, memory) = match qos {
        Qos::BestEffort => {
            // As the pod's own containers do, or it would not be BestEffort or not be admitted.
            let if_demanded =
                |of, resource| demands(of, resource).then(|| Sourced::default(Quantity::zero()));
            let share = |resource| Share {
                request: if_demanded(Counted::Requests, resource),
                limit: if_demanded(Counted::Limits, resource),
            };
            (share("cpu"), share("memory"))
        }
        Qos::Guaranteed => {
            let both = |amount: Sourced<Quantity>| Share {
                request: Some(amount.clone()),
                limit: Some(amount),
            };
            (both(guaranteed_cpu), both(memory_limit))
        }
        Qos::Burstable => {
            // A quota on limits.cpu refuses pods of which one container has no CPU limit.
            let limited = |container: &Container<'_>| {
                let limit = amount(container.resources.as_ref(), Counted::Limits, "cpu");
                limit.is_some_and(|limit| !limit.is_zero())
            };
            let all_limited = spec.containers().iter().all(limited);
            let limit = (all_limited || demands(Counted::Limits, "cpu")).then_some(cpu_limit);
            // A request that is left out becomes the limit; 0 has to be said.
            (
                Share { request: Some(cpu_request), limit },
                Share { request: Some(memory_request), limit: Some(memory_limit) },
            )
        }
    };
    Allowance { cpu, memory, fitted: Fitted::Class(qos) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After Kubernetes' `qos.go`, by hand: what the containers ask for, and the class. That the pod
    /// keeps it with the sidecar is asked of another implementation, in `tests/tests/admission`.
    #[test]
    fn the_class_is_that_of_kubernetes() {
        let whole = r#"{"limits": {"cpu": 1, "memory": "1Gi"}}"#;
        for (resources, class) in [
            (&["{}"][..], Qos::BestEffort),
            (&["null", r#"{"requests": {"cpu": "0"}, "limits": {}}"#], Qos::BestEffort),
            (&[r#"{"requests": {"example.com/gpu": 1}}"#], Qos::BestEffort),
            (&[whole], Qos::Guaranteed),
            (&[whole, whole], Qos::Guaranteed),
            (&[whole, "{}"], Qos::Burstable),
            (
                &[r#"{"requests": {"cpu": "1000m"}, "limits": {"cpu": 1, "memory": "1Gi"}}"#],
                Qos::Guaranteed,
            ),
            (
                &[r#"{"requests": {"cpu": "500m"}, "limits": {"cpu": 1, "memory": "1Gi"}}"#],
                Qos::Burstable,
            ),
            // An explicit 0 is no request that was left out.
            (
                &[r#"{"requests": {"cpu": "0"}, "limits": {"cpu": 1, "memory": "1Gi"}}"#],
                Qos::Burstable,
            ),
            (
                &[r#"{"requests": {"memory": 0}, "limits": {"cpu": 1, "memory": "1Gi"}}"#],
                Qos::Burstable,
            ),
            (
                &[
                    r#"{"requests": {"cpu": "0m", "memory": "0"}, "limits": {"cpu": 1, "memory": "1Gi"}}"#,
                    whole,
                ],
                Qos::Burstable,
            ),
            (&[r#"{"limits": {"cpu": "0", "memory": "1Gi"}}"#], Qos::Burstable),
            (&[r#"{"limits": {"memory": "1Gi"}}"#], Qos::Burstable),
        ] {
            let one = |resources| format!(r#"{{"name": "a", "resources": {resources}}}"#);
            let containers: Vec<String> = resources.iter().map(one).collect();
            let raw = format!(r#"{{"containers": [{}]}}"#, containers.join(", "));
            assert_eq!(qos(&serde_json::from_str(&raw).unwrap()), class, "{raw}");
        }
    }

    fn allowed(spec: &str) -> Allowance {
        let spec = serde_json::from_str(spec).unwrap();
        allow(&spec, &SidecarResources::default(), &NamespaceState::default()).unwrap()
    }

    #[test]
    fn a_cpu_limit_is_set_only_beside_cpu_limits() {
        let raw = r#"{"containers": [{"name": "a", "resources": {"requests": {"cpu": 1},
            "limits": {"cpu": 2, "memory": "1Gi"}}}]}"#;
        let allowance = allowed(raw);
        assert_eq!(allowance.cpu.limit, Some(Sourced::default(Quantity::milli(50))));
        let raw = raw.replace(r#""cpu": 2, "#, "");
        let allowance = allowed(&raw);
        assert_eq!(allowance.cpu.limit, None);
        assert_eq!(allowance.memory.limit, Some(Sourced::default(Quantity::mebi(32))));
    }

    #[test]
    fn a_pod_with_a_budget_of_its_own_gets_no_requests() {
        let raw = r#"{"containers": [{"name": "a"}], "resources": {"limits": {"memory": "1Gi"}}}"#;
        let allowance = allowed(raw);
        assert_eq!((allowance.cpu, allowance.memory), Default::default());
        assert_eq!(allowance.fitted, Fitted::Budget);
    }
}
