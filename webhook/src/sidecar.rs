//! The sidecar that one pod gets: its arguments, its user, what it may use.

use crate::config::{Config, ImagePullPolicy};
use crate::decide::Role;
use crate::overrides::Overridden;
use crate::pod::{Container, Pod, Spec};
use crate::resources::{self, Allowance, Wish};
use crate::settings::Settings;

/// The container to inject.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Sidecar {
    pub image: String,
    pub image_pull_policy: ImagePullPolicy,
    pub args: Vec<String>,
    pub port: u16,
    pub run_as_user: Option<i64>,
    pub run_as_group: Option<i64>,
    pub allowance: Allowance,
}

/// Works out the sidecar for one pod.
pub(crate) fn plan(
    pod: &Pod<'_>,
    spec: &Spec<'_>,
    spark: &Container<'_>,
    role: Role,
    settings: &Settings,
    wanted: Overridden,
) -> Sidecar {
    let config = wanted.sidecar;
    let (more, resources) = (config.arguments(), config.resources);
    let allowance = resources::allow(
        spec,
        Wish {
            cpu_request: resources.cpu_request,
            cpu_limit: resources.cpu_limit,
            memory_request: resources.memory_request,
            memory_limit: resources.memory_limit,
        },
    );
    let (run_as_user, run_as_group) = user(pod, spec, spark, &settings.config);
    let mut args = vec![
        format!("--role={}", role.as_str()),
        format!("--port={}", config.port.get()),
        format!("--container={}", &*spark.name),
        format!("--linger-seconds={}", linger(spec, config.linger_seconds)),
        format!("--log-level={}", config.log_level.as_str()),
    ];
    if role == Role::Driver {
        let port = spark.port("spark-ui").filter(|port| (1..=65535).contains(port));
        args.push(format!("--spark-ui-port={}", port.unwrap_or(4040)));
    }
    args.push(format!("--push-port={}", settings.push_port(role)));
    args.extend(more);
    for (name, key) in &config.metric_labels {
        if let Some(value) = pod.label(key) {
            args.push(format!("--metric-label={}={value}", name.as_str()));
        }
    }
    if let Some(id) = pod.label("spark-app-selector") {
        args.push(format!("--application-id={id}"));
    }
    Sidecar {
        image: config.image,
        image_pull_policy: config.image_pull_policy,
        args,
        port: config.port.get(),
        run_as_user,
        run_as_group,
        allowance,
    }
}

/// The uid and gid that Spark's container runs as: its own, the pod's, else the configuration's
/// word for pods of this kind.
fn user(
    pod: &Pod<'_>,
    spec: &Spec<'_>,
    spark: &Container<'_>,
    config: &Config,
) -> (Option<i64>, Option<i64>) {
    let own = spark.security_context.unwrap_or_default();
    let pods = spec.security_context.unwrap_or_default();
    let said = (own.run_as_user.or(pods.run_as_user), own.run_as_group.or(pods.run_as_group));
    if said.0.is_some() {
        return said;
    }
    let matches = |label: &Option<String>| label.as_ref().is_none_or(|l| pod.label(l).is_some());
    match config.users.iter().find(|rule| matches(&rule.label)) {
        Some(rule) => (Some(rule.run_as_user), said.1.or(rule.run_as_group)),
        None => said,
    }
}

/// The linger time, with room left in the grace period for the sidecar to end by itself.
fn linger(spec: &Spec<'_>, configured: u16) -> u16 {
    let grace = spec.termination_grace_period_seconds.unwrap_or(30).saturating_sub(5);
    configured.min(u16::try_from(grace.max(0)).unwrap_or(u16::MAX))
}
