//! The configuration file: YAML, every key optional, unknown keys refused.
//!
//! `config/default.yaml` is both the documentation and, checked by a test, the defaults below.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::decide::Role;
use crate::quantity::Quantity;

mod metric_label;
mod profiles;

pub use metric_label::{LabelName, TAKEN};
pub use profiles::{Pattern, Profile, Selector};

/// The documented default configuration, as `--print-config` shows it.
pub const DEFAULT_YAML: &str = include_str!("config/default.yaml");

/// What is injected, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The container that is injected.
    pub sidecar: Sidecar,
    /// Users of Spark containers that name none; the first rule that matches counts.
    pub users: Vec<UserRule>,
    /// Spark settings for drivers; in a file, `null` removes a default.
    #[serde(serialize_with = "profiles::with_removed")]
    pub spark_confs: BTreeMap<String, String>,
    /// Other settings for some pods; the first profile that matches counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Profile>,
}

/// The container that is injected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Sidecar {
    /// Its image.
    pub image: String,
    /// When the kubelet pulls it.
    pub image_pull_policy: ImagePullPolicy,
    /// A key that earlier versions knew; nothing to set.
    #[serde(deserialize_with = "mode_is_gone", skip_serializing)]
    pub(crate) mode: Gone,
    /// The port of `/metrics`.
    pub port: Port,
    /// The loopback port that Spark pushes to.
    pub push_port: Port,
    /// For how long the last values are served after Spark ended, in seconds.
    pub linger_seconds: u16,
    /// How much it logs.
    pub log_level: LogLevel,
    /// How much of each of Spark's metrics it serves.
    pub profile: MetricProfile,
    /// Whose names it serves beside the stable ones.
    pub compat: Compat,
    /// Most series that it serves; 0 for no limit.
    pub max_series: u32,
    /// Time between two readings of what Python processes share, in seconds; 0 for never.
    pub pss_interval_seconds: u32,
    /// What it may use.
    pub resources: Resources,
    /// Labels of the pod that its figures carry: by the metric label's name, the pod label's key.
    pub metric_labels: BTreeMap<LabelName, String>,
}

/// How much of each of Spark's metrics is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricProfile {
    /// What Prometheus can work with.
    Standard,
    /// Also means, extremes, standard deviations and rates.
    Full,
}

/// Whose names are served beside the stable ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compat {
    /// Nobody's.
    None,
    /// Spark's own of its driver page, which hold the application's id.
    Servlet,
}

impl MetricProfile {
    /// The profile's name on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Full => "full",
        }
    }
}

impl Compat {
    /// The choice's name on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Servlet => "servlet",
        }
    }
}

impl Sidecar {
    /// The arguments about what is served, where it is not what the sidecar does unasked.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let (mut arguments, default) = (Vec::new(), Self::default());
        if self.profile != default.profile {
            arguments.push(format!("--profile={}", self.profile.as_str()));
        }
        if self.compat != default.compat {
            arguments.push(format!("--compat={}", self.compat.as_str()));
        }
        if self.max_series != default.max_series {
            arguments.push(format!("--max-series={}", self.max_series));
        }
        if self.pss_interval_seconds != default.pss_interval_seconds {
            arguments.push(format!("--pss-interval-seconds={}", self.pss_interval_seconds));
        }
        arguments
    }
}

/// When the kubelet pulls an image
/// (<https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ImagePullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// The value of a key that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gone;

/// Refuses `sidecar.mode`, whatever its value.
fn mode_is_gone<'de, D: serde::Deserializer<'de>>(_: D) -> Result<Gone, D::Error> {
    Err(serde::de::Error::custom(
        "sidecar.mode is gone, since every sidecar is a native one; delete the line",
    ))
}

/// How much the sidecar logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// All levels, the quietest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level's name on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl std::str::FromStr for LogLevel {
    type Err = &'static str;

    fn from_str(level: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == level)
            .ok_or("not one of error, warn, info, debug, trace")
    }
}

/// A TCP port that a process without privileges can listen on, 1024 to 65535, less those where
/// Spark does (its UI tries 16 above 4040).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Port(u16);

impl Port {
    /// Where Spark itself may listen: its UI tries 16 ports above 4040.
    pub const SPARKS: [std::ops::RangeInclusive<u16>; 2] = [4040..=4056, 7078..=7079];

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for Port {
    type Error = String;

    fn try_from(port: i64) -> Result<Self, Self::Error> {
        match u16::try_from(port) {
            Ok(port) if Self::SPARKS.iter().any(|sparks| sparks.contains(&port)) => {
                Err(format!("Spark may listen on port {port}"))
            }
            Ok(port) if port >= 1024 => Ok(Self(port)),
            _ => Err(format!("{port} is not a port from 1024 to 65535")),
        }
    }
}

/// What the sidecar requests and may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Resources {
    /// CPU request.
    pub cpu_request: Quantity,
    /// CPU limit, for pods whose containers all have one.
    pub cpu_limit: Quantity,
    /// Memory request.
    pub memory_request: Quantity,
    /// Memory limit.
    pub memory_limit: Quantity,
}

/// Which user a Spark container runs as when its pod does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserRule {
    /// The pod label that makes this rule match; none: it matches all pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The uid.
    pub run_as_user: i64,
    /// The primary gid; none: the image decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_group: Option<i64>,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not what `--print-config` shows; the source names line and key.
    #[error("the configuration{} is not valid; `emberscope serve --print-config` shows every key", of(path.as_ref()))]
    Invalid {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// What is wrong, and where.
        source: Box<serde_saphyr::Error>,
    },
    /// A value that YAML allows but Kubernetes or Spark would not.
    #[error("the configuration{} is not valid: {key} {problem}", of(path.as_ref()))]
    Value {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// The key, from the top.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

fn of(path: Option<&PathBuf>) -> String {
    path.map(|path| format!(" file {}", path.display())).unwrap_or_default()
}

impl Config {
    /// Reads a file; without one, the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let file = |source| ConfigError::File { path: path.to_owned(), source };
        Self::parse(&fs::read_to_string(path).map_err(file)?, Some(path))
    }

    /// Reads YAML text; `path` is for the error alone.
    pub fn parse(yaml: &str, path: Option<&Path>) -> Result<Self, ConfigError> {
        let path = path.map(Path::to_owned);
        // A file with nothing but comments is a configuration with nothing but defaults.
        let nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let file = if yaml.lines().all(nothing) {
            profiles::File::default()
        } else {
            serde_saphyr::from_str(yaml).map_err(|source| ConfigError::Invalid {
                path: path.clone(),
                source: Box::new(source),
            })?
        };
        file.resolve().map_err(|(key, problem)| ConfigError::Value { path, key, problem })
    }

    /// The first value that is well-formed but cannot work.
    fn problem(&self) -> Option<(String, String)> {
        let Sidecar { image, port, push_port, resources, .. } = &self.sidecar;
        let found = |key: &str, problem: &str| Some((key.to_owned(), problem.to_owned()));
        if let Some(problem) = image_problem(image) {
            return found("sidecar.image", problem);
        }
        if resources.memory_limit < Quantity::mebi(LEAST_MEMORY) {
            return found(
                "sidecar.resources.memoryLimit",
                "is less than 8Mi, in which nothing starts",
            );
        }
        if port == push_port {
            return found("sidecar.pushPort", "is the same as sidecar.port");
        }
        if resources.cpu_request > resources.cpu_limit {
            return found("sidecar.resources.cpuRequest", "is more than cpuLimit");
        }
        if resources.memory_request > resources.memory_limit {
            return found("sidecar.resources.memoryRequest", "is more than memoryLimit");
        }
        for (index, rule) in self.users.iter().enumerate() {
            let ids = [Some(rule.run_as_user), rule.run_as_group];
            if ids.into_iter().flatten().any(|id| !(0..=i64::from(i32::MAX)).contains(&id)) {
                return found(&format!("users[{index}]"), "has an id that is not 0 to 2147483647");
            }
        }
        self.spark_confs.iter().find_map(|(key, value)| {
            if !key.starts_with("spark.") || key.contains(|c: char| c.is_whitespace() || c == '=') {
                return found(
                    &format!("sparkConfs.{key}"),
                    "is not a Spark setting: they begin with \"spark.\"",
                );
            }
            // The kubelet would expand $(NAME), and a line feed would end the setting.
            (value.contains("$(") || value.contains('\n'))
                .then(|| (format!("sparkConfs.{key}"), "must not contain $( or line feeds".into()))
        })
    }

    /// A short hash of all that decides what is injected; pods carry it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        // Not across versions of Rust, but the pods carry the program's version beside it.
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(self).unwrap_or_default().hash(&mut hasher);
        format!("{:08x}", hasher.finish() >> 32)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sidecar: Sidecar::default(),
            users: vec![
                UserRule {
                    label: Some("emr-containers.amazonaws.com/component".to_owned()),
                    run_as_user: 999,
                    run_as_group: Some(1000),
                },
                UserRule { label: None, run_as_user: 185, run_as_group: None },
            ],
            spark_confs: default_spark_confs(),
            profiles: Vec::new(),
        }
    }
}

impl Default for Sidecar {
    fn default() -> Self {
        Self {
            image: concat!("emberscope/sidecar:", env!("CARGO_PKG_VERSION")).to_owned(),
            image_pull_policy: ImagePullPolicy::IfNotPresent,
            mode: Gone,
            port: Port(9814),
            push_port: Port(9815),
            linger_seconds: 20,
            log_level: LogLevel::Info,
            profile: MetricProfile::Standard,
            compat: Compat::None,
            max_series: 500_000,
            pss_interval_seconds: 0,
            resources: Resources::default(),
            metric_labels: BTreeMap::new(),
        }
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            cpu_request: Quantity::milli(5),
            cpu_limit: Quantity::milli(50),
            memory_request: Quantity::mebi(16),
            memory_limit: Quantity::mebi(32),
        }
    }
}

fn default_spark_confs() -> BTreeMap<String, String> {
    const METRICS: &str = "org.apache.spark.metrics";
    let servlet = "spark.metrics.conf.*.sink.prometheusServlet";
    let mut confs: BTreeMap<String, String> = [
        ("spark.ui.prometheus.enabled".into(), "true".into()),
        (format!("{servlet}.class"), format!("{METRICS}.sink.PrometheusServlet")),
        (format!("{servlet}.path"), "/metrics/driver/prometheus".into()),
        ("spark.metrics.appStatusSource.enabled".into(), "true".into()),
        ("spark.executor.processTreeMetrics.enabled".into(), "true".into()),
        ("spark.sql.streaming.metricsEnabled".into(), "true".into()),
        ("spark.metrics.conf.*.source.jvm.class".into(), format!("{METRICS}.source.JvmSource")),
    ]
    .into();
    for role in [Role::Driver, Role::Executor] {
        let push = push_sink(role);
        confs.extend([
            (format!("{push}.class"), format!("{METRICS}.sink.GraphiteSink")),
            (format!("{push}.host"), "127.0.0.1".into()),
            (format!("{push}.period"), "10".into()),
            (format!("{push}.unit"), "seconds".into()),
        ]);
    }
    confs
}

/// What the settings of the sink start with by which Spark's process pushes to its sidecar.
pub(crate) fn push_sink(role: Role) -> String {
    format!("spark.metrics.conf.{}.sink.emberscope", role.as_str())
}

/// The least memory limit in MiB: with less, the container would not start, and the pod would wait.
pub const LEAST_MEMORY: u32 = 8;

/// What is wrong with an image's name; the API server would refuse the pod for it.
#[must_use]
pub fn image_problem(image: &str) -> Option<&'static str> {
    if image.is_empty() {
        return Some("is empty");
    }
    image.contains(|c: char| c.is_whitespace() || c.is_control()).then_some("has white space in it")
}

#[cfg(test)]
mod tests;
