//! What the sidecar may use, so that the pod keeps its quality of service class and passes the
//! quotas that it passed before
//! (<https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/>).

use crate::config::SidecarResources;
use crate::origin::Sourced;
use crate::pod::{Amount, Container, PodSpec};
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

/// Requests and limits for the sidecar; none where the pod is better off without.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Allowance {
    pub cpu_request: Option<Sourced<Quantity>>,
    pub cpu_limit: Option<Sourced<Quantity>>,
    pub memory_request: Option<Sourced<Quantity>>,
    pub memory_limit: Option<Sourced<Quantity>>,
    /// What of the pod they were fitted to.
    pub fitted: Fitted,
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
    const fn none(fitted: Fitted) -> Self {
        Self {
            cpu_request: None,
            cpu_limit: None,
            memory_request: None,
            memory_limit: None,
            fitted,
        }
    }
}

/// The class that Kubernetes gives to a pod of these containers.
pub(super) fn qos(spec: &PodSpec<'_>) -> Qos {
    let all = || spec.containers().iter().chain(spec.init_containers());
    let counted = |container: &Container<'_>| {
        RESOURCES.iter().any(|resource| {
            let of = |kind| amount(container, kind, resource).is_some_and(|it| !it.is_zero());
            of(Kind::Limit) || of(Kind::Request)
        })
    };
    if !all().any(counted) {
        return Qos::BestEffort;
    }
    let guaranteed = |container: &Container<'_>| {
        RESOURCES.iter().all(|resource| {
            let limit = amount(container, Kind::Limit, resource);
            // A request that is left out becomes the limit; one that says 0 does not.
            let request = amount(container, Kind::Request, resource).or_else(|| limit.clone());
            limit.as_ref().is_some_and(|limit| !limit.is_zero()) && limit == request
        })
    };
    if all().all(guaranteed) { Qos::Guaranteed } else { Qos::Burstable }
}

/// The resources that decide on a class.
const RESOURCES: [&str; 2] = ["cpu", "memory"];

/// Fits what the sidecar should have to the pod.
pub(super) fn allow(spec: &PodSpec<'_>, wanted: &SidecarResources) -> Allowance {
    // A budget for the whole pod rules; a request of ours could exceed it and get the pod refused.
    if spec.resources.as_ref().is_some_and(|pod| pod.requests.is_some() || pod.limits.is_some()) {
        return Allowance::none(Fitted::Budget);
    }
    let SidecarResources { cpu_request, cpu_limit, guaranteed_cpu, memory_request, memory_limit } =
        wanted.clone();
    let qos = qos(spec);
    let fitted = Fitted::Class(qos);
    match qos {
        Qos::BestEffort => Allowance::none(fitted),
        Qos::Guaranteed => Allowance {
            cpu_limit: Some(guaranteed_cpu.clone()),
            cpu_request: Some(guaranteed_cpu),
            memory_request: Some(memory_limit.clone()),
            memory_limit: Some(memory_limit),
            fitted,
        },
        Qos::Burstable => {
            // A quota on limits.cpu refuses pods of which one container has no CPU limit.
            let limited = |container: &Container<'_>| {
                amount(container, Kind::Limit, "cpu").is_some_and(|limit| !limit.is_zero())
            };
            let all_limited = spec.containers().iter().all(limited);
            Allowance {
                cpu_limit: all_limited.then_some(cpu_limit),
                // A request that is left out becomes the limit; 0 has to be said.
                cpu_request: Some(cpu_request),
                memory_request: Some(memory_request),
                memory_limit: Some(memory_limit),
                fitted,
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Request,
    Limit,
}

/// What a container says; what cannot be read is as if it were not there.
fn amount(container: &Container<'_>, kind: Kind, name: &str) -> Option<Quantity> {
    let resources = container.resources.as_ref()?;
    let amounts = match kind {
        Kind::Request => resources.requests.as_ref(),
        Kind::Limit => resources.limits.as_ref(),
    };
    match amounts?.get(name)? {
        Amount::Text(text) => text.parse().ok(),
        Amount::Number(number) => number.to_string().parse().ok(),
    }
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

    #[test]
    fn a_cpu_limit_is_set_only_beside_cpu_limits() {
        let raw = r#"{"containers": [{"name": "a", "resources": {"requests": {"cpu": 1},
            "limits": {"cpu": 2, "memory": "1Gi"}}}]}"#;
        let allowance = allow(&serde_json::from_str(raw).unwrap(), &SidecarResources::default());
        assert_eq!(allowance.cpu_limit, Some(Sourced::default(Quantity::milli(50))));
        let raw = raw.replace(r#""cpu": 2, "#, "");
        let allowance = allow(&serde_json::from_str(&raw).unwrap(), &SidecarResources::default());
        assert_eq!(allowance.cpu_limit, None);
        assert_eq!(allowance.memory_limit, Some(Sourced::default(Quantity::mebi(32))));
    }

    #[test]
    fn a_pod_with_a_budget_of_its_own_gets_no_requests() {
        let raw = r#"{"containers": [{"name": "a"}], "resources": {"limits": {"memory": "1Gi"}}}"#;
        let allowance = allow(&serde_json::from_str(raw).unwrap(), &SidecarResources::default());
        assert_eq!(allowance, Allowance::none(Fitted::Budget));
    }
}
