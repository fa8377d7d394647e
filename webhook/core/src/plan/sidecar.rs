//! The sidecar that one pod gets: each value with who said it, and the arguments made of them.

use super::overrides::PodSettings;
use super::resources::Allowance;
use super::user::User;
use crate::config::{Settings, SidecarConfig};
use crate::contract::{SPARK_APPLICATION, SPARK_UI, SPARK_UI_PORT};
use crate::origin::Sourced;
use crate::pod::{Container, Pod, PodSpec};
use crate::role::Role;

/// The container to inject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sidecar {
    /// The configuration, with what the pod asks for in place.
    pub config: SidecarConfig,
    /// How much of the wanted linger time the pod leaves.
    pub linger: Linger,
    /// The metric labels with the pod's values.
    pub metric_labels: Vec<MetricLabel>,
    /// Whom it runs as.
    pub user: User,
    /// How much of the wanted resources the pod leaves.
    pub allowance: Allowance,
    /// What it is started with.
    pub arguments: Vec<String>,
}

/// For how long the last values are served after Spark ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linger {
    /// In seconds.
    pub seconds: Sourced<u16>,
    /// The pod's grace period in seconds, where it leaves no more.
    pub capped_by: Option<i64>,
}

/// A label of the pod that its figures carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricLabel {
    /// The metric label's name.
    pub name: String,
    /// The key of the pod's label.
    pub key: Sourced<String>,
    /// Its value; none: the pod has no such label.
    pub value: Option<String>,
}

impl Sidecar {
    /// Works out the sidecar for one pod.
    pub(super) fn of(
        pod: &Pod<'_>,
        spec: &PodSpec<'_>,
        spark: &Container<'_>,
        role: Role,
        settings: &Settings,
        wanted: PodSettings,
        allowance: Allowance,
    ) -> Self {
        let config = wanted.sidecar;
        let labels = config.metric_labels.iter().map(|(name, key)| MetricLabel {
            name: name.as_str().to_owned(),
            key: key.clone(),
            value: pod.label(key).map(str::to_owned),
        });
        let mut sidecar = Self {
            linger: Linger::within(spec, &config.linger_seconds),
            metric_labels: labels.collect(),
            user: User::of(pod, spec, spark, &settings.config),
            allowance,
            arguments: Vec::new(),
            config,
        };
        sidecar.arguments = sidecar.arguments(pod, spark, role, settings);
        sidecar
    }

    fn arguments(
        &self,
        pod: &Pod<'_>,
        spark: &Container<'_>,
        role: Role,
        settings: &Settings,
    ) -> Vec<String> {
        let mut arguments = vec![
            format!("--role={}", role.as_str()),
            format!("--port={}", self.config.port.get()),
            format!("--container={}", &*spark.name),
            format!("--linger-seconds={}", *self.linger.seconds),
            format!("--log-level={}", self.config.log_level.as_str()),
        ];
        if role == Role::Driver {
            let port = spark.port(SPARK_UI).filter(|port| (1..=65535).contains(port));
            arguments
                .push(format!("--spark-ui-port={}", port.unwrap_or_else(|| SPARK_UI_PORT.into())));
        }
        arguments.push(format!("--push-port={}", settings.push_port(role)));
        let period = settings.push_period_seconds(role);
        arguments.extend(period.map(|seconds| format!("--push-period-seconds={seconds}")));
        arguments.extend(self.config.arguments());
        for MetricLabel { name, value, .. } in &self.metric_labels {
            arguments.extend(value.iter().map(|value| format!("--metric-label={name}={value}")));
        }
        if let Some(id) = pod.label(SPARK_APPLICATION) {
            arguments.push(format!("--application-id={id}"));
        }
        arguments
    }
}

/// Seconds of the grace period that are left to the sidecar to end by itself.
pub const TO_END: i64 = 5;

impl Linger {
    /// The wanted time, with room left in the grace period for the sidecar to end by itself.
    fn within(spec: &PodSpec<'_>, wanted: &Sourced<u16>) -> Self {
        let grace = spec.termination_grace_period_seconds.unwrap_or(30);
        let most = u16::try_from(grace.saturating_sub(TO_END).max(0)).unwrap_or(u16::MAX);
        Self {
            capped_by: (wanted.value > most).then_some(grace),
            seconds: wanted.map(|wanted| most.min(*wanted)),
        }
    }
}
