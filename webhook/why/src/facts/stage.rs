//! A stage of the application. From Prometheus, where Spark's status API has put it.

use serde::{Deserialize, Serialize};

/// One stage over all of its attempts; times in seconds, sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stage {
    /// Its number; none for the sum of the stages that have no line of their own.
    pub id: Option<u32>,
    /// Its name, the same from run to run: the place in the program.
    pub name: String,
    /// Whether it runs.
    pub active: bool,
    /// How often it was run.
    pub attempts: f64,
    /// Tasks that its last attempt has.
    pub planned_tasks: f64,
    /// Tasks that succeeded.
    pub succeeded_tasks: f64,
    /// Tasks that failed.
    pub failed_tasks: f64,
    /// Time that its tasks ran.
    pub run_seconds: f64,
    /// CPU time of its tasks.
    pub cpu_seconds: f64,
    /// Time of its tasks in which the JVM collected garbage.
    pub gc_seconds: f64,
    /// Time that its tasks waited for shuffle data of others.
    pub fetch_wait_seconds: f64,
    /// Input that it read.
    pub input_bytes: f64,
    /// Shuffle data that it read.
    pub shuffle_read_bytes: f64,
    /// Shuffle data that it wrote.
    pub shuffle_write_bytes: f64,
    /// What it wrote to disk for want of memory.
    pub spilled_bytes: f64,
    /// How long its tasks ran.
    pub task_seconds: Option<Quantiles>,
    /// Shuffle data that its tasks read.
    pub task_shuffle_bytes: Option<Quantiles>,
}

impl Stage {
    /// As people find it: number and name.
    #[must_use]
    pub fn title(&self) -> String {
        match self.id {
            Some(id) => format!("stage {id} ({})", self.name),
            None => "the other stages".to_owned(),
        }
    }
}

/// How a figure is distributed over a stage's tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// Half of the tasks have less.
    pub median: f64,
    /// All but one of twenty have less.
    pub p95: f64,
    /// None has more.
    pub max: f64,
}
