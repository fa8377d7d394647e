//! Which application it is, what it was started with, and its earlier runs.

use serde::{Deserialize, Serialize};

use super::Time;

/// Which application it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Application {
    /// Spark's id of it, where it got so far: `spark-…`.
    pub id: Option<String>,
    /// Its name, the same from run to run.
    pub name: Option<String>,
    /// Where its pods are.
    pub namespace: String,
    /// Its driver's pod.
    pub driver_pod: Option<String>,
    /// EMR's id of the job.
    pub emr_job_id: Option<String>,
    /// Whose it is.
    pub team: Option<String>,
    /// The label `cluster`, where Prometheus has it.
    pub cluster: Option<String>,
    /// Spark's version.
    pub spark_version: Option<String>,
    /// When it began: the driver's container, or else the first figure.
    pub started_at: Option<Time>,
    /// When it was over, if it is.
    pub ended_at: Option<Time>,
    /// When figures of its driver were last taken.
    pub last_seen_at: Option<Time>,
}

/// What it was started with, as far as it is known; sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // They are called as Spark's settings are.
pub struct Settings {
    pub driver_memory_bytes: Option<f64>,
    pub driver_memory_overhead_bytes: Option<f64>,
    pub driver_cores: Option<f64>,
    pub executor_memory_bytes: Option<f64>,
    pub executor_memory_overhead_bytes: Option<f64>,
    pub executor_pyspark_memory_bytes: Option<f64>,
    pub executor_cores: Option<f64>,
    pub executor_instances: Option<f64>,
    pub off_heap_bytes: Option<f64>,
    pub dynamic_allocation_enabled: Option<bool>,
    pub dynamic_allocation_min_executors: Option<f64>,
    pub dynamic_allocation_max_executors: Option<f64>,
    pub shuffle_partitions: Option<f64>,
    pub adaptive_enabled: Option<bool>,
}

/// Another run of the same name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// When it began.
    pub started_at: Time,
    /// How long it took, in seconds.
    pub duration_seconds: f64,
    /// Input that its tasks read, in bytes.
    #[serde(default)]
    pub input_bytes: Option<f64>,
}
