//! Findings: what can be the matter with an application, each a rule on facts.
//!
//! A rule says what it finds, what it needs to see, what helps and how sure it is; its function decides and fills
//! in the figures. [`CATALOG`] has them in an order in which causes stand before what they lead to. Where
//! a figure begins to mean something is said in [`THRESHOLDS`], once.

mod cpu;
mod driver;
mod executors;
mod finding;
mod history;
mod memory;
mod oom;
mod ours;
mod program;
mod sizing;
mod stages;
mod start;
mod streaming;
mod thresholds;

pub use finding::{Case, Certainty, Change, Evidence, Found, Provoked, Rule, Severity};
pub use thresholds::{THRESHOLDS, Threshold};

/// Every rule, causes before what they lead to.
pub const CATALOG: &[Rule] = &[
    start::SIDECAR_HOLDS_UP,
    start::IMAGE_NOT_PULLED,
    start::UNSCHEDULABLE,
    start::CONTAINER_NOT_CREATED,
    oom::DRIVER_OOM_KILLED,
    oom::EXECUTOR_OOM_KILLED,
    oom::PROCESS_OOM_KILLED,
    memory::HEAP_EXHAUSTED,
    memory::PYTHON_MEMORY_GROWING,
    executors::DRIVER_EVICTED,
    program::BROADCAST_TOO_LARGE,
    program::APPLICATION_ERROR,
    program::DRIVER_KILLED,
    executors::EXECUTORS_LOST,
    executors::NO_EXECUTORS,
    executors::FETCH_FAILURES,
    program::TASKS_FAILING,
    memory::NEAR_MEMORY_LIMIT,
    stages::STAGE_SKEWED,
    stages::STAGE_SPILLING,
    stages::TOO_FEW_PARTITIONS,
    stages::TINY_TASKS,
    stages::SLOW_NODE,
    stages::FETCH_WAITING,
    memory::GARBAGE_COLLECTION,
    cpu::CPU_THROTTLED,
    cpu::MEMORY_PRESSURE,
    cpu::IO_PRESSURE,
    executors::WAITING_FOR_EXECUTORS,
    driver::DRIVER_BOUND,
    driver::LISTENER_EVENTS_DROPPED,
    driver::ALLOCATION_CAPPED,
    streaming::STREAM_BEHIND,
    streaming::STREAM_SLOWER,
    streaming::STATE_GROWING,
    streaming::WATERMARK_BEHIND,
    history::SLOWER_THAN_BEFORE,
    sizing::CORES_IDLE,
    sizing::MEMORY_OVERSIZED,
    ours::NO_SIDECAR,
    ours::SIDECAR_RESTARTED,
    ours::SOURCE_DOWN,
];
