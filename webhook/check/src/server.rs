//! The second link: what the webhook's namespace holds.

use emberscope_core::contract::NAME;
use emberscope_core::plan::sidecar::TO_END;
use emberscope_core::{AllSettings, ClusterState, Config, ConfigError, OwnImage};
use kube::Client;
use serde_json::Value;

use crate::finding::{
    CONFIGURATION, Check, DEPLOYMENT, DISRUPTION_BUDGET, ENDPOINTS, Finding, NAMESPACE,
    NETWORK_POLICY, Outcome, SERVICE,
};
use crate::replicas;
use emberscope_ask::{self as ask, Refusal, Resource};

/// What puts everything back that is missing.
pub(super) const APPLY: &str = "kubectl apply -k manifests/base
where an overlay was installed, apply that: the base would bring back its own images and configuration";

/// The key in the ConfigMap.
const CONFIG_KEY: &str = "config.yaml";

/// What was found of the webhook's server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) namespace: Result<Value, Refusal>,
    pub(super) deployment: Result<Value, Refusal>,
    /// The replicas.
    pods: Result<Vec<Value>, Refusal>,
    service: Result<Value, Refusal>,
    slices: Result<Vec<Value>, Refusal>,
    config_map: Result<Value, Refusal>,
    network_policy: Result<Value, Refusal>,
    disruption_budget: Result<Value, Refusal>,
}

impl Server {
    /// Asks for all of it.
    pub(super) async fn fetch(client: &Client, namespace: &str) -> Self {
        let of = |api, kind| Resource { api, kind, namespace: Some(namespace) };
        let all = Resource { api: "v1", kind: "namespaces", namespace: None };
        let slices = of("discovery.k8s.io/v1", "endpointslices");
        let of_service = format!("kubernetes.io/service-name={NAME}");
        let pods = of("v1", "pods");
        let of_webhook =
            format!("app.kubernetes.io/name={NAME},app.kubernetes.io/component=webhook");
        let kinds = [
            of("apps/v1", "deployments"),
            of("v1", "services"),
            of("v1", "configmaps"),
            of("networking.k8s.io/v1", "networkpolicies"),
            of("policy/v1", "poddisruptionbudgets"),
        ];
        let named = |index: usize| ask::get(client, &kinds[index], NAME);
        // At once: an API server that does not answer keeps nobody waiting eight times.
        let (
            namespace_,
            deployment,
            service,
            slices,
            config_map,
            network_policy,
            disruption_budget,
            pods,
        ) = tokio::join!(
            ask::get(client, &all, namespace),
            named(0),
            named(1),
            ask::list(client, &slices, &of_service),
            named(2),
            named(3),
            named(4),
            ask::list(client, &pods, &of_webhook),
        );
        Self {
            name: namespace.to_owned(),
            namespace: namespace_,
            deployment,
            pods: pods.map(|(pods, _)| pods),
            service,
            slices: slices.map(|(slices, _)| slices),
            config_map,
            network_policy,
            disruption_budget,
        }
    }

    /// The configuration, as the server reads it.
    pub(super) fn config(&self) -> Option<Result<Config, ConfigError>> {
        let map = self.config_map.as_ref().ok()?;
        Some(Config::parse(map["data"][CONFIG_KEY].as_str()?, None))
    }

    /// The version that is installed, by the Deployment's label.
    pub(super) fn version(&self) -> Option<&str> {
        self.deployment.as_ref().ok()?["metadata"]["labels"]["app.kubernetes.io/version"].as_str()
    }

    /// The Secret that holds what is served: the server's own, or one that is mounted.
    pub(super) fn secret(&self) -> Option<String> {
        let pod = &self.deployment.as_ref().ok()?["spec"]["template"]["spec"];
        let args = pod["containers"][0]["args"].as_array().into_iter().flatten();
        let own = args.into_iter().find_map(|arg| arg.as_str()?.strip_prefix("--tls-secret="));
        let volumes = pod["volumes"].as_array().into_iter().flatten();
        let mounted =
            volumes.into_iter().find_map(|volume| volume["secret"]["secretName"].as_str());
        own.or(mounted).map(str::to_owned)
    }

    /// One of the webhook's pods that is ready.
    pub(super) fn ready_pod(&self) -> Option<String> {
        let mut pods = self.pods.as_deref().unwrap_or_default().iter();
        let is_ready = |pod: &&Value| {
            let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
            conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
        };
        pods.find(is_ready)?["metadata"]["name"].as_str().map(str::to_owned)
    }

    /// The image that the webhook's own container runs, by its Deployment.
    pub(super) fn own_image(&self) -> OwnImage {
        let known = self.deployment.as_ref().ok().and_then(|deployment| {
            let spec = deployment["spec"]["template"]["spec"].clone();
            OwnImage::of(serde_json::from_value(spec).ok()?).ok()
        });
        known.unwrap_or(OwnImage::Released)
    }

    /// All findings of the link.
    pub(super) fn judge(&self) -> Vec<Finding> {
        let name = &self.name;
        let (deployment, service) = (self.deployment(), self.service());
        let endpoints = self.endpoints(&[&deployment, &service]);
        match &self.namespace {
            Err(Refusal::Missing) => {
                let why =
                    format!("there is no namespace {name}: Emberscope is not installed there");
                let remedy = format!("{APPLY}\nor name another namespace with --namespace");
                let rest = [DEPLOYMENT, SERVICE, ENDPOINTS, CONFIGURATION];
                let rest = rest.map(|check| check.skip(format!("{} {}", check.code, NO_NAMESPACE)));
                return std::iter::once(NAMESPACE.fail(why, remedy)).chain(rest).collect();
            }
            Err(refusal) => vec![NAMESPACE.refused(&format!("the namespace {name}"), refusal)],
            Ok(_) => vec![NAMESPACE.pass(format!("the namespace {name} exists"))],
        }
        .into_iter()
        .chain([
            deployment,
            service,
            endpoints,
            self.configuration(),
            present(NETWORK_POLICY, "NetworkPolicy", &self.network_policy),
            present(DISRUPTION_BUDGET, "PodDisruptionBudget", &self.disruption_budget),
        ])
        .collect()
    }

    fn deployment(&self) -> Finding {
        let deployment = match &self.deployment {
            Ok(deployment) => deployment,
            Err(Refusal::Missing) => return DEPLOYMENT.fail("there is no Deployment", APPLY),
            Err(refusal) => return DEPLOYMENT.refused("the Deployment", refusal),
        };
        let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        let status = |key: &str| deployment["status"][key].as_i64().unwrap_or(0);
        // While one rolls out there may be one more than is wanted.
        let ready = status("readyReplicas").min(wanted);
        let seen = deployment["metadata"]["generation"].as_i64()
            <= deployment["status"]["observedGeneration"].as_i64();
        let updated = if seen { status("updatedReplicas").min(wanted) } else { 0 };
        let why = self.pods.as_deref().unwrap_or_default();
        let why = replicas::why_not_ready(why).or_else(|| replicas::why_not_created(deployment));
        let mut look =
            format!("kubectl describe pods -n {} -l app.kubernetes.io/name={NAME}", self.name);
        if let Some(remedy) = why.as_ref().and_then(|why| why.remedy) {
            look = format!("{remedy}\n{look}");
        }
        let why = why.map(|why| format!(": {}", why.sentence)).unwrap_or_default();
        match ready {
            _ if wanted == 0 => DEPLOYMENT.fail(
                "the Deployment is scaled to 0 replicas",
                format!("kubectl scale deployment {NAME} -n {} --replicas=2", self.name),
            ),
            0 => DEPLOYMENT.fail(format!("no replica is ready (of {wanted}){why}"), look),
            ready if ready < wanted => {
                DEPLOYMENT.warn(format!("{ready} of {wanted} replicas are ready{why}"), look)
            }
            // The old ones answer meanwhile.
            _ if updated < wanted || status("replicas") > wanted => DEPLOYMENT.warn(
                format!(
                    "{} {updated} of {wanted} replicas are of the new version{why}",
                    if is_stuck(deployment) {
                        "the rollout is stuck:"
                    } else {
                        "a rollout is under way:"
                    }
                ),
                format!("kubectl rollout status deployment/{NAME} -n {}\n{look}", self.name),
            ),
            _ => DEPLOYMENT.pass(format!("{ready} of {wanted} replicas are ready")),
        }
    }

    fn service(&self) -> Finding {
        match &self.service {
            Ok(service) => {
                let ports = service["spec"]["ports"].as_array().into_iter().flatten();
                if ports.into_iter().any(|port| port["port"] == 443) {
                    SERVICE.pass("the Service has port 443")
                } else {
                    SERVICE.fail("the Service has no port 443, which the API server calls", APPLY)
                }
            }
            Err(Refusal::Missing) => SERVICE.fail("there is no Service", APPLY),
            Err(refusal) => SERVICE.refused("the Service", refusal),
        }
    }

    fn endpoints(&self, before: &[&Finding]) -> Finding {
        let slices = match &self.slices {
            Ok(slices) => slices,
            Err(refusal) => return ENDPOINTS.refused("who answers for the Service", refusal),
        };
        let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
        // Unknown counts as ready (https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/).
        let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] != false).count();
        if ready == 0 {
            let failed = |finding: &&&Finding| finding.outcome == Outcome::Fail;
            if let Some(cause) = before.iter().find(failed) {
                let cause = cause.check.code;
                return ENDPOINTS
                    .skip(format!("the Service has no ready endpoint because of {cause}, above"));
            }
            return ENDPOINTS.fail(
                "the Service has no ready endpoint, so the API server calls nobody",
                format!("kubectl get pods,endpointslices -n {} --show-labels", self.name),
            );
        }
        ENDPOINTS.pass(format!("the Service has {ready} ready {}", plural(ready, "endpoint")))
    }

    fn configuration(&self) -> Finding {
        let edit = format!("kubectl edit configmap {NAME} -n {}", self.name);
        match (&self.config_map, self.config()) {
            (Err(Refusal::Missing), _) => {
                CONFIGURATION.fail("there is no ConfigMap, without which no replica starts", APPLY)
            }
            (Err(refusal), _) => CONFIGURATION.refused("the configuration", refusal),
            (Ok(_), None) => {
                CONFIGURATION.fail(format!("the ConfigMap has no {CONFIG_KEY}"), APPLY)
            }
            (Ok(_), Some(Err(error))) => CONFIGURATION.fail(
                format!(
                    "{}; replicas that run keep the old one, new ones do not start",
                    told(&error)
                ),
                edit,
            ),
            (Ok(_), Some(Ok(config))) => {
                if let Some(wanted) = cut(&config) {
                    return CONFIGURATION.warn(
                        format!(
                            "lingerSeconds of {wanted} is cut to {MOST_LINGER} in pods with the grace period of \
                             {GRACE} s that pods have by default"
                        ),
                        format!("{edit}\nor give pods a terminationGracePeriodSeconds of {TO_END} more"),
                    );
                }
                let profiles = config.profiles.len();
                let cluster =
                    ClusterState { own_image: self.own_image(), ..ClusterState::offline() };
                let all = AllSettings::new(config, cluster);
                let image = &all.default().config.sidecar.image;
                CONFIGURATION.pass(format!(
                    "the configuration is valid: image {} ({}), {profiles} {}",
                    **image,
                    image.origin,
                    plural(profiles, "profile")
                ))
            }
        }
    }
}

/// The grace period of pods that say none.
const GRACE: i64 = 30;

/// What it leaves to the last values.
const MOST_LINGER: i64 = GRACE - TO_END;

/// The longest linger time, for all pods or by a profile, of which such pods get less.
fn cut(config: &Config) -> Option<u16> {
    let all = AllSettings::offline(config.clone());
    let profiles = all.profiles().iter().map(|(_, settings)| &settings.config.sidecar);
    let all = std::iter::once(&config.sidecar).chain(profiles);
    all.map(|sidecar| *sidecar.linger_seconds)
        .filter(|wanted| i64::from(*wanted) > MOST_LINGER)
        .max()
}

/// Whether the controller has given up waiting for a rollout.
fn is_stuck(deployment: &Value) -> bool {
    let conditions = deployment["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|one| one["reason"] == "ProgressDeadlineExceeded")
}

const NO_NAMESPACE: &str = "not looked at: there is no namespace";

/// The first line of an error and of what it comes from.
fn told(error: &ConfigError) -> String {
    let lines = [Some(error as &dyn std::error::Error), std::error::Error::source(error)];
    let lines = lines.into_iter().flatten().map(ToString::to_string);
    let lines: Vec<String> =
        lines.filter_map(|text| text.lines().next().map(str::to_owned)).collect();
    lines.join(": ")
}

fn present(check: Check, kind: &str, found: &Result<Value, Refusal>) -> Finding {
    match found {
        Ok(_) => check.pass(format!("the {kind} is there")),
        Err(Refusal::Missing) => check.warn(format!("there is no {kind}"), APPLY),
        Err(refusal) => check.refused(&format!("the {kind}"), refusal),
    }
}

/// A noun after its number.
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests;
