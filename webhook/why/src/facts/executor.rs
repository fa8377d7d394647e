//! What an executor did, and why executors went. From Prometheus.

use serde::{Deserialize, Serialize};

/// One executor's totals; times in seconds, sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Executor {
    /// Spark's number of it.
    pub id: String,
    /// Its pod.
    pub pod: Option<String>,
    /// Where it ran.
    pub node: Option<String>,
    /// Tasks that it can run at once.
    pub slots: Option<f64>,
    /// Time that its tasks ran.
    pub run_seconds: Option<f64>,
    /// CPU time of its tasks.
    pub cpu_seconds: Option<f64>,
    /// Time of its tasks in which the JVM collected garbage.
    pub gc_seconds: Option<f64>,
    /// Tasks that succeeded.
    pub succeeded_tasks: Option<f64>,
    /// Input that it read.
    pub input_bytes: Option<f64>,
    /// Shuffle data that it read.
    pub shuffle_read_bytes: Option<f64>,
    /// Time that its tasks waited for shuffle data of others.
    pub fetch_wait_seconds: Option<f64>,
    /// What it wrote to disk for want of memory.
    pub spilled_bytes: Option<f64>,
}

/// Why an executor went (`spark_executor_losses_total`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// The kernel killed it for want of memory.
    OomKilled,
    /// The kubelet or the eviction API made it go.
    Evicted,
    /// Its node was to go, and it was told.
    Decommissioned,
    /// The driver heard nothing of it.
    HeartbeatTimeout,
    /// It ended by itself.
    ExitCode,
    /// The driver ended it.
    KilledByDriver,
    /// It had nothing to do.
    Idle,
    /// Its node is gone.
    LostNode,
    /// Spark does not say.
    #[serde(other)]
    Unknown,
}

impl LossReason {
    /// Whether it went as it should.
    #[must_use]
    pub const fn is_wanted(self) -> bool {
        matches!(self, Self::KilledByDriver | Self::Idle)
    }

    /// As people say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::OomKilled => "killed for want of memory",
            Self::Evicted => "evicted",
            Self::Decommissioned => "decommissioned",
            Self::HeartbeatTimeout => "not heard of any more",
            Self::ExitCode => "ended by themselves",
            Self::KilledByDriver => "ended by the driver",
            Self::Idle => "idle",
            Self::LostNode => "gone with their node",
            Self::Unknown => "gone for a reason that Spark does not tell",
        }
    }
}
