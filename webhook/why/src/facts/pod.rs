//! Pods and events, as the API server tells them.

use serde::{Deserialize, Serialize};

use super::{Role, Time};

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // Kubernetes' own words.
pub enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    #[default]
    #[serde(other)]
    Unknown,
}

/// A pod of Spark's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// What it is to Spark.
    pub role: Role,
    /// Spark's number of the executor.
    pub executor_id: Option<String>,
    /// Where it runs.
    pub node: Option<String>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Why it failed, where that is the pod's affair (`Evicted`).
    pub reason: Option<String>,
    /// The same, in a sentence.
    pub message: Option<String>,
    /// Why it cannot be scheduled (condition `PodScheduled`).
    pub unschedulable: Option<String>,
    /// Why it was made to go (condition `DisruptionTarget`).
    pub disruption: Option<String>,
    /// When it was created.
    pub created_at: Option<Time>,
    /// When somebody asked for it to be deleted.
    pub deletion_asked_at: Option<Time>,
    /// Whether the webhook gave it the sidecar.
    pub injected: bool,
    /// Spark's own container.
    pub spark: Option<ContainerStatus>,
    /// The sidecar.
    pub sidecar: Option<ContainerStatus>,
    /// Memory that Spark's container may have, in bytes.
    pub memory_limit_bytes: Option<f64>,
    /// Cores that Spark's container asks for.
    pub cpu_request_cores: Option<f64>,
}

/// What a container does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has not been started.
    #[default]
    Waiting,
    /// It runs.
    Running,
    /// It ended.
    Terminated,
}

/// A container of a pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContainerStatus {
    /// What it does.
    pub state: State,
    /// Why (`ImagePullBackOff`, `OOMKilled`, `Error`, `Completed`).
    pub reason: Option<String>,
    /// The same, in a sentence, or what it left to be read.
    pub message: Option<String>,
    /// The exit code.
    pub exit_code: Option<i64>,
    /// Which image.
    pub image: Option<String>,
    /// How often it was started again.
    pub restarts: u64,
    /// When it started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// An event about a pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Event {
    /// About which pod.
    pub pod: String,
    /// What happened, in a word (`FailedScheduling`).
    pub reason: String,
    /// In a sentence.
    pub message: String,
    /// How often.
    pub count: u64,
    /// When last.
    pub at: Option<Time>,
}
