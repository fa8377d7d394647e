//! The Prometheus of `manifests/monitoring/prometheus`, found by its Service and asked through the
//! API server, so that nobody has to forward a port.

use kube::{Client, Config};

use super::Seen;
use crate::finding::{Finding, PROMETHEUS};
use emberscope_ask::prometheus::{NAMESPACE, SERVICE, through_the_api_server};
use emberscope_ask::{self as ask, Refusal, Resource};

/// What works wherever `kubectl` does.
const FORWARD: &str =
    "kubectl port-forward -n emberscope-monitoring service/emberscope-prometheus 9090 &
emberscope check --prometheus http://127.0.0.1:9090";

/// What the API server says where no pod of the Service is ready.
const NO_ENDPOINTS: &str = "no endpoints available";

/// All findings of the link; `config` is the one that `cluster` was made of.
pub(crate) async fn judge(cluster: &Client, config: &Config, running: usize) -> Vec<Finding> {
    let services = Resource { api: "v1", kind: "services", namespace: Some(NAMESPACE) };
    match ask::get(cluster, &services, SERVICE).await {
        Ok(_) => {}
        Err(Refusal::Missing) => return vec![not_asked("--prometheus URL names one")],
        Err(refusal @ Refusal::Forbidden(_)) => {
            let what = format!("whether there is a Prometheus is not known: {refusal}");
            return vec![PROMETHEUS.warn(what, "--prometheus URL names one")];
        }
        Err(refusal) => return vec![not_asked(&format!("{refusal}; --prometheus URL names one"))],
    }
    let client = match through_the_api_server(config) {
        Ok(client) => client,
        Err(why) => return vec![not_asked(&why)],
    };
    let seen = Seen::fetch(&client).await;
    let name = format!("Service {NAMESPACE}/{SERVICE}");
    match seen.alive {
        Err(refusal) => vec![unreached(&name, &refusal)],
        Ok(_) => seen.judge(&name, running),
    }
}

fn not_asked(why: &str) -> Finding {
    PROMETHEUS.skip(format!("not asked: {why}"))
}

/// Nothing says that the API server has to reach pods: only what it knows of them is a failure.
fn unreached(name: &str, refusal: &Refusal) -> Finding {
    match refusal {
        Refusal::Answered { message, .. } if message.contains(NO_ENDPOINTS) => PROMETHEUS.fail(
            format!("{name} has no ready pod"),
            "kubectl describe pods -n emberscope-monitoring emberscope-prometheus-0
kubectl get persistentvolumeclaims,storageclasses -n emberscope-monitoring",
        ),
        Refusal::Forbidden(_) => PROMETHEUS.warn(
            format!(
                "{name} was not asked: this needs the right to get services/proxy \
                 emberscope-prometheus:web in namespace {NAMESPACE}"
            ),
            FORWARD,
        ),
        _ => PROMETHEUS
            .warn(format!("{name} does not answer through the API server: {refusal}"), FORWARD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Outcome;

    #[test]
    fn only_a_service_without_a_ready_pod_is_a_failure() {
        let answered = |code, message: &str| Refusal::Answered { code, message: message.into() };
        let outcome = |refusal: &Refusal| unreached("it", refusal).outcome;
        let none =
            answered(503, "no endpoints available for service \"emberscope-prometheus:web\"");
        assert_eq!(outcome(&none), Outcome::Fail);
        let closed =
            answered(503, "error trying to reach service: dial tcp 10.0.0.7:9090: i/o timeout");
        assert_eq!(outcome(&closed), Outcome::Warn);
        assert_eq!(outcome(&Refusal::Late), Outcome::Warn);
        assert_eq!(outcome(&Refusal::Forbidden(String::new())), Outcome::Warn);
    }
}
