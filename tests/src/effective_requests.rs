//! What a pod asks a node for, worked out as the scheduler, autoscalers and quotas do it: the oracle
//! for the promise that a sidecar asks for nothing.
//!
//! After `PodRequests` of Kubernetes' `k8s.io/component-helpers/resource`, with sidecars among the init
//! containers
//! (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers#resources-calculation-for-scheduling-and-pod-admission>),
//! and the defaulting of requests in `pkg/apis/core/v1/defaults.go`.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use crate::quality_of_service::{Amounts, amounts};

/// CPU and memory in thousandths; what is nothing is left out.
pub fn effective_requests(pod: &Value) -> Result<Amounts> {
    let spec = &pod["spec"];
    let list = |name: &str| spec[name].as_array().into_iter().flatten();
    let mut running = Amounts::new();
    for container in list("containers") {
        add(&mut running, &requests(&container["resources"])?);
    }
    // Each init container runs beside the sidecars that were started before it.
    let (mut sidecars, mut starting) = (Amounts::new(), Amounts::new());
    for container in list("initContainers") {
        let own = requests(&container["resources"])?;
        let mut now = sidecars.clone();
        add(&mut now, &own);
        if container["restartPolicy"] == "Always" {
            add(&mut running, &own);
            sidecars.clone_from(&now);
        }
        most(&mut starting, &now);
    }
    most(&mut running, &starting);
    // A budget of the pod as a whole rules.
    running.extend(requests(&spec["resources"])?);
    running.retain(|_, amount| *amount > 0);
    Ok(running)
}

/// Requests; one that is left out is the limit.
fn requests(resources: &Value) -> Result<Amounts> {
    let mut requests = amounts(&resources["limits"])?;
    requests.extend(amounts(&resources["requests"])?);
    Ok(requests)
}

fn add(total: &mut Amounts, more: &BTreeMap<String, i128>) {
    for (name, amount) in more {
        *total.entry(name.clone()).or_default() += amount;
    }
}

fn most(total: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let now = total.entry(name.clone()).or_default();
        *now = (*now).max(*amount);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of the proposal, and a request that is left out.
    #[test]
    fn sidecars_count_beside_what_starts_after_them_and_beside_what_runs() {
        let cpu = |amount: &str| json!({"resources": {"requests": {"cpu": amount}}});
        let sidecar = |amount: &str| json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": amount}}});
        let of = |containers: Value, inits: Value| {
            let pod = json!({"spec": {"containers": containers, "initContainers": inits}});
            effective_requests(&pod).unwrap().get("cpu").copied().unwrap_or_default()
        };
        assert_eq!(of(json!([cpu("1")]), json!([])), 1000);
        assert_eq!(of(json!([cpu("1")]), json!([cpu("5")])), 5000);
        assert_eq!(of(json!([cpu("1")]), json!([sidecar("1"), cpu("5")])), 6000);
        assert_eq!(of(json!([cpu("1")]), json!([cpu("5"), sidecar("1")])), 5000);
        assert_eq!(of(json!([cpu("7")]), json!([cpu("5"), sidecar("1")])), 8000);
        assert_eq!(of(json!([{"resources": {"limits": {"cpu": "2"}}}]), json!([])), 2000);
    }
}
