//! Names of labels that pods may lend to their metrics.

use serde::{Deserialize, Serialize};

/// Labels that the sidecar's samples have already, or that scraping adds: one of these would be two
/// labels of one name, or would hide the target's. A test holds the first part against the sidecar's
/// tables.
pub const TAKEN: [&str; 36] = [
    // The sidecar's own (docs/metrics.md).
    "application_id",
    "application_name",
    "architecture",
    "class",
    "collector",
    "container",
    "executor_id",
    "failure_type",
    "kernel_version",
    "kind",
    "le",
    "listener",
    "pool",
    "quantile",
    "query",
    "query_id",
    "queue",
    "reason",
    "revision",
    "scheme",
    "spark_user",
    "stage",
    "stage_id",
    "state",
    "window",
    "evidence",
    "type",
    "version",
    // Those of scrape targets.
    "cluster",
    "endpoint",
    "instance",
    "job",
    "namespace",
    "node",
    "pod",
    "service",
];

/// A metric label's name that no other label of a sample has
/// (<https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct LabelName(String);

impl LabelName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LabelName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !first || !name.chars().all(word) || name.starts_with("__") {
            return Err(format!(
                "{name:?} is no name for a metric label: letters, digits and underscores, no digit and no two underscores in front"
            ));
        }
        if TAKEN.contains(&name.as_str()) {
            return Err(format!(
                "the metric label {name} has a meaning already; choose another name"
            ));
        }
        Ok(Self(name))
    }
}
