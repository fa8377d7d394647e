//! What a driver says of itself and of its application over time. From Prometheus.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;

/// The driver's last figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Driver {
    /// Jobs that run.
    pub active_jobs: Option<f64>,
    /// Jobs that succeeded.
    pub succeeded_jobs: Option<f64>,
    /// Jobs that failed.
    pub failed_jobs: Option<f64>,
    /// Stages that completed.
    pub completed_stages: Option<f64>,
    /// Stages that failed.
    pub failed_stages: Option<f64>,
    /// Tasks that completed.
    pub completed_tasks: Option<f64>,
    /// Tasks that failed.
    pub failed_tasks: Option<f64>,
    /// Whether Spark has ended, by the sidecar beside it.
    pub spark_ended: Option<bool>,
    /// Events that the listener bus lost, by queue.
    pub dropped_events: BTreeMap<String, f64>,
    /// What dynamic allocation says, where it is on.
    pub allocation: Option<Allocation>,
}

/// Dynamic allocation's last figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allocation {
    /// Executors that there are.
    pub executors: f64,
    /// Executors that it asks for.
    pub target: f64,
    /// Executors that all tasks could use.
    pub max_needed: f64,
    /// Executors that exited unasked.
    pub unexpected_exits: f64,
}

/// The application at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moment {
    /// When.
    pub at: Time,
    /// Executors that the driver knew.
    pub executors: f64,
    /// Tasks that they could run at once.
    pub slots: f64,
    /// Tasks that ran.
    pub active_tasks: f64,
    /// Jobs that ran.
    pub active_jobs: f64,
    /// Executors that dynamic allocation asked for.
    pub target: Option<f64>,
}

/// A streaming query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stream {
    /// Its name, or its id.
    pub query: String,
    /// Rows that arrived per second, on average over the last half hour.
    pub input_rows_per_second: Option<f64>,
    /// Rows that it processed per second, in the same time.
    pub processed_rows_per_second: Option<f64>,
    /// How long batches took on average in the last half hour, in seconds.
    pub batch_seconds: Option<f64>,
    /// The same when it was first seen.
    pub first_batch_seconds: Option<f64>,
    /// Rows in its state, at first and at last.
    pub state_rows: Option<[f64; 2]>,
    /// Memory of its state, at first and at last, in bytes.
    pub state_bytes: Option<[f64; 2]>,
    /// How far its watermark was behind when it was last seen, in seconds.
    pub watermark_behind_seconds: Option<f64>,
}
