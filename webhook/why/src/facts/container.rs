//! Memory and CPU of a Spark container, as the sidecar beside it saw them in its cgroup. From Prometheus.

use serde::{Deserialize, Serialize};

use super::Time;

/// What a pod is to Spark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The application itself.
    #[default]
    Driver,
    /// Where its tasks run.
    Executor,
}

impl Role {
    /// As people and Spark's settings say it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Executor => "executor",
        }
    }
}

/// One container, over its whole life; times in seconds, sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    /// Its pod.
    pub pod: String,
    /// Whose it is.
    pub role: Role,
    /// Spark's number of the executor.
    pub executor_id: Option<String>,
    /// Where it ran.
    pub node: Option<String>,
    /// The most that it may have.
    pub limit_bytes: Option<f64>,
    /// The most that it had, page cache included, by the kernel's count.
    pub peak_bytes: Option<f64>,
    /// The most that was seen of its working set.
    pub working_set_peak_bytes: Option<f64>,
    /// The most that was seen of its anonymous memory, which cannot be reclaimed.
    pub anonymous_peak_bytes: Option<f64>,
    /// What its memory was made of when the working set was highest.
    pub at_peak: Option<Memory>,
    /// How the memory of its Python workers went, where it was seen for half an hour.
    pub python: Option<PythonMemory>,
    /// How it ended, if that was seen.
    pub last_state: Option<Evidence>,
    /// Processes that the kernel killed in it for want of memory.
    pub oom_kills: Option<f64>,
    /// Cores that it may use.
    pub cpu_quota_cores: Option<f64>,
    /// CPU time that it used.
    pub cpu_seconds: Option<f64>,
    /// Periods of the CPU limit with something to run.
    pub cpu_periods: Option<f64>,
    /// Those in which it used its limit up.
    pub cpu_throttled_periods: Option<f64>,
    /// Time in which all of its threads waited for memory.
    pub memory_stalled_seconds: Option<f64>,
    /// Time in which all of its threads waited for storage.
    pub io_stalled_seconds: Option<f64>,
    /// Time that its JVM stood still to collect garbage.
    pub gc_seconds: Option<f64>,
    /// The most heap that its JVM may have.
    pub heap_max_bytes: Option<f64>,
    /// Heap in use after the last full look at it, at its highest.
    pub heap_after_gc_bytes: Option<f64>,
    /// When figures of it were first taken.
    pub first_seen_at: Option<Time>,
    /// When figures of it were last taken.
    pub last_seen_at: Option<Time>,
}

impl Container {
    /// How long figures of it were taken, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        match (self.first_seen_at, self.last_seen_at) {
            (Some(first), Some(last)) => last.since(first),
            _ => 0.0,
        }
    }
}

/// What a container's memory was made of at one time, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// When.
    pub at: Time,
    /// What the kubelet evicts by.
    pub working_set: f64,
    /// Memory that cannot be reclaimed.
    pub anonymous: Option<f64>,
    /// Page cache.
    pub page_cache: Option<f64>,
    /// Heap that the JVM has taken from the system.
    pub heap: Option<f64>,
    /// All of the JVM, heap included.
    pub jvm: Option<f64>,
    /// Python, all of its processes.
    pub python: Option<f64>,
}

impl Memory {
    /// The JVM's memory outside of its heap.
    #[must_use]
    pub fn off_heap(&self) -> Option<f64> {
        Some((self.jvm? - self.heap?).max(0.0))
    }
}

/// How the memory of Python workers went over three spans of equal length, the last ones that were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonMemory {
    /// The least in each of the spans, in bytes.
    pub lows: [f64; 3],
    /// How long a span is.
    pub span_seconds: f64,
}

/// What a sidecar knows of how the container ended (`spark_container_last_state`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The kernel counted a kill, and the JVM ended by it.
    OomKill,
    /// The kernel killed something else in the container; the JVM went on.
    ProcessOomKill,
    /// The kernel counted a kill just before the JVM ended; how the JVM ended could not be seen.
    UnattributedOomKill,
    /// It ended, and the kernel counted no kill.
    NoOomKill,
    /// The kernel killed something on the node in that second.
    NodeOomKill,
    /// It ended a second after it was at its limit.
    MemoryAtLimit,
    /// It ended, and memory was not short.
    ProcessGone,
    /// The kubelet said that it ended.
    Sigterm,
}

impl Evidence {
    /// Whether the JVM ended for want of memory.
    #[must_use]
    pub const fn is_oom(self) -> bool {
        matches!(
            self,
            Self::OomKill | Self::UnattributedOomKill | Self::NodeOomKill | Self::MemoryAtLimit
        )
    }

    /// What it says, in words.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::OomKill => "the kernel counted an out-of-memory kill, and the JVM ended by it",
            Self::ProcessOomKill => "the kernel killed a process beside the JVM, which went on",
            Self::UnattributedOomKill => {
                "the kernel counted an out-of-memory kill less than two seconds before the JVM ended"
            }
            Self::NoOomKill => "the JVM ended, and the kernel counted no kill",
            Self::NodeOomKill => {
                "the kernel killed a process on the node in the second in which the JVM ended"
            }
            Self::MemoryAtLimit => {
                "the JVM ended a second after its container was at the memory limit"
            }
            Self::ProcessGone => "the JVM ended, and memory was not short",
            Self::Sigterm => "the kubelet ended it, or said that it had ended",
        }
    }

    /// Reads the label.
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        serde_json::from_value(label.into()).ok()
    }
}
