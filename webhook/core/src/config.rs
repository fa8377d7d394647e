//! The configuration: a YAML file, every key optional, unknown keys refused.
//!
//! ```text
//! file -> Config -+-------------> settings of most pods
//!                 '- profiles --> settings of those that a profile selects
//! ```
//!
//! `config/default.yaml` is both the documentation and, checked by a test, the defaults.

mod fuse;
mod image;
mod metric_label;
mod profiles;
mod push;
mod roles;
mod settings;
mod sidecar;
mod spark_confs;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::origin::{Origin, Sourced};
use crate::quantity::Quantity;

pub use fuse::FuseConfig;
pub use image::Image;
pub use metric_label::{LabelName, TAKEN};
pub use profiles::{Pattern, Profile, Selector};
pub use roles::Roles;
pub use settings::{AllSettings, Settings};
pub use sidecar::{
    Compat, ImagePullPolicy, LogLevel, MetricProfile, Port, ScrapeAnnotations, SecretName,
    SharedProcesses, SidecarConfig, SidecarResources,
};

/// The documented default configuration, as `--print-config` shows it.
pub const DEFAULT_YAML: &str = include_str!("config/default.yaml");

/// The least memory limit in MiB: with less, the container would not start, and the pod would wait.
pub const LEAST_MEMORY: u32 = 8;

/// What is injected, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Which pods are Spark's.
    pub roles: Roles,
    /// The container that is injected.
    pub sidecar: SidecarConfig,
    /// Users of Spark containers that name none; the first rule that matches counts.
    pub users: Sourced<Vec<UserRule>>,
    /// Spark settings for drivers; in a file, `null` removes a default.
    #[serde(serialize_with = "spark_confs::with_removed")]
    pub spark_confs: SparkConfs,
    /// When pods are left alone because the sidecar does not start.
    pub fuse: FuseConfig,
    /// Other settings for some pods; the first profile that matches counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<Profile>,
}

/// Spark settings by their key.
pub type SparkConfs = BTreeMap<String, Sourced<String>>;

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

/// A key of the file, from the top, and what is wrong with its value.
type Problem = (String, String);

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
    fn problem(&self) -> Option<Problem> {
        let SidecarConfig { port, push_port, resources, .. } = &self.sidecar;
        let found = |key: &str, problem: &str| Some((key.to_owned(), problem.to_owned()));
        if let Some(problem) = self.roles.problem() {
            return Some(problem);
        }
        if let Some(problem) = self.fuse.problem() {
            return Some(problem);
        }
        if *resources.memory_limit < Quantity::mebi(LEAST_MEMORY) {
            return found(
                "sidecar.resources.memoryLimit",
                "is less than 8Mi, in which nothing starts",
            );
        }
        if port == push_port {
            return found("sidecar.pushPort", "is the same as sidecar.port");
        }
        for (key, amount) in [
            ("sidecar.resources.cpuLimit", &resources.cpu_limit),
            ("sidecar.resources.guaranteedCpu", &resources.guaranteed_cpu),
        ] {
            if amount.is_zero() {
                return found(key, "is 0, which is no limit");
            }
        }
        if *resources.cpu_request > *resources.cpu_limit {
            return found("sidecar.resources.cpuRequest", "is more than cpuLimit");
        }
        if *resources.memory_request > *resources.memory_limit {
            return found("sidecar.resources.memoryRequest", "is more than memoryLimit");
        }
        for (index, rule) in self.users.iter().enumerate() {
            let ids = [Some(rule.run_as_user), rule.run_as_group];
            if ids.into_iter().flatten().any(|id| !(0..=i64::from(i32::MAX)).contains(&id)) {
                return found(&format!("users[{index}]"), "has an id that is not 0 to 2147483647");
            }
        }
        let wrong = self.spark_confs.iter().find_map(|(key, value)| {
            spark_confs::problem(key, value)
                .map(|problem| (format!("sparkConfs.{key}"), problem.to_owned()))
        });
        wrong.or_else(|| push::problem(self))
    }

    /// A short hash of all that decides what is injected; pods carry it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        // Not across versions of Rust, but the pods carry the program's version beside it.
        let mut hasher = DefaultHasher::new();
        // What is in effect counts, not who said it: these two are written only where somebody did.
        let SidecarConfig { image, image_pull_policy, .. } = &self.sidecar;
        (image.as_str(), image_pull_policy.as_str()).hash(&mut hasher);
        let mut rest = self.clone();
        rest.sidecar.image.origin = Origin::Default;
        rest.sidecar.image_pull_policy.origin = Origin::Default;
        // What only decides whether is none of it.
        let mut rest = serde_json::to_value(&rest).unwrap_or_default();
        let _ = rest.as_object_mut().map(|rest| rest.shift_remove("fuse"));
        let profiles = rest.get_mut("profiles").and_then(serde_json::Value::as_array_mut);
        for profile in profiles.into_iter().flatten() {
            let _ = profile.as_object_mut().map(|profile| profile.shift_remove("fuse"));
        }
        rest.to_string().hash(&mut hasher);
        format!("{:08x}", hasher.finish() >> 32)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            roles: Roles::default(),
            sidecar: SidecarConfig::default(),
            users: Sourced::default(vec![
                UserRule {
                    label: Some("emr-containers.amazonaws.com/component".to_owned()),
                    run_as_user: 999,
                    run_as_group: Some(1000),
                },
                UserRule { label: None, run_as_user: 185, run_as_group: None },
            ]),
            spark_confs: spark_confs::defaults(),
            fuse: FuseConfig::default(),
            profiles: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
