//! The queries for one application, in one table, each with what it costs.
//!
//! `$app` are matchers of the application, `$pods` those of its pods, `$few` those of the few pods whose memory is
//! looked at over time, `$range` is the application's time. All begin with a metric's name or a list of names,
//! so that Prometheus reads the series of this application and no others.

use super::names::{
    ANONYMOUS, BILL, CONTAINER, DRIVER, EXECUTOR, HEAP_AFTER_GC, LOSSES, NAMED, PRESENCE, SETTINGS,
    STAGES, STREAMS, WORKING_SET,
};

/// How a query is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Once, at the end.
    Instant,
    /// At some 200 times of the application's.
    Range,
}

/// How many series it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// For the application.
    pub once: u32,
    /// And for each of its pods.
    pub a_pod: u32,
}

/// A query.
#[derive(Debug)]
pub struct Query {
    /// What it is called.
    pub name: &'static str,
    /// What is learnt by it.
    pub what: &'static str,
    /// How it is made.
    pub kind: Kind,
    /// What it reads.
    pub cost: Cost,
    /// The expression.
    pub expression: fn() -> String,
}

macro_rules! query {
    ($name:ident, $kind:ident, $once:literal + $a_pod:literal a pod, $what:literal, $expression:expr) => {
        pub(super) const $name: Query = Query {
            name: stringify!($name),
            what: $what,
            kind: Kind::$kind,
            cost: Cost { once: $once, a_pod: $a_pod },
            expression: || $expression,
        };
    };
}

query!(DRIVER_FIGURES, Instant, 20 + 0 a pod, "jobs, stages, tasks, lost events, dynamic allocation",
    last(&DRIVER.join("|"), "$app"));
query!(APPLICATION, Instant, 25 + 0 a pod, "name, version, start and the settings that advice needs",
    last(SETTINGS, "$app"));
query!(STAGE_FIGURES, Instant, 700 + 0 a pod, "the most costly stages",
    last(STAGES, "$app"));
query!(EXECUTOR_LOSSES, Instant, 10 + 0 a pod, "executors that were lost, by reason",
    last(LOSSES, "$app"));
query!(EXECUTOR_FIGURES, Instant, 0 + 9 a pod, "what each executor did, and in which pod",
    last(&EXECUTOR.join("|"), "$app"));
query!(CONTAINER_FIGURES, Instant, 0 + 20 a pod, "limits, kills, CPU, throttling, pressure and how containers ended",
    last(&CONTAINER.join("|"), "$pods"));
query!(GARBAGE, Instant, 0 + 3 a pod, "time that JVMs stood still to collect garbage",
    r#"sum by (namespace, pod) (max by (namespace, pod, executor_id, collector) (last_over_time({__name__=~"spark_(driver|executor)_jvm_gc_collection_seconds_total", collector!~".*(Concurrent|Cycles).*", $pods}[$range])))"#.to_owned());
query!(WORKING_SETS, Instant, 0 + 1 a pod, "the most working set of each container",
    format!("max by (namespace, pod) (max_over_time({WORKING_SET}{{$pods}}[$range]))"));
query!(ANONYMOUS_MEMORY, Instant, 0 + 1 a pod, "the most anonymous memory of each container",
    format!("max by (namespace, pod) (max_over_time({ANONYMOUS}{{$pods}}[$range]))"));
query!(HEAPS, Instant, 0 + 1 a pod, "the most heap in use after a full collection",
    format!("max by (namespace, pod) (max_over_time({HEAP_AFTER_GC}, $pods}}[$range]))"));
query!(LIVES, Range, 0 + 1 a pod, "from when to when containers were seen",
    format!("max by (namespace, pod, node, spark_role) ({WORKING_SET}{{$pods}})"));
query!(BILLS, Range, 80 + 0 a pod, "memory by what it is for, of eight pods: the driver, those that were killed, those nearest to their limits",
    format!(r#"{{__name__=~"{}", $few}}"#, BILL.join("|")));
query!(EXECUTORS, Range, 0 + 1 a pod, "executors over time",
    format!(r#"count(max by (executor_id) ({NAMED}{{$app, executor_id!="driver"}}))"#));
query!(SLOTS, Range, 0 + 1 a pod, "slots for tasks over time",
    format!("sum(max by (executor_id) ({NAMED}{{$app}}))"));
query!(ACTIVE_TASKS, Range, 0 + 1 a pod, "tasks over time",
    "sum(max by (executor_id) (metrics_executor_activeTasks{$app}))".to_owned());
query!(ACTIVE_JOBS, Range, 1 + 0 a pod, "jobs over time",
    format!("max({PRESENCE}{{$app}})"));
query!(TARGETS, Range, 1 + 0 a pod, "executors that dynamic allocation asks for over time",
    "max(spark_driver_executor_allocation_manager_target_executors{$app})".to_owned());
query!(STREAM_FIGURES, Range, 12 + 0 a pod, "streaming queries over time",
    format!(r#"{{__name__=~"{}", $app}}"#, STREAMS.join("|")));

/// All of them.
pub const QUERIES: &[Query] = &[
    DRIVER_FIGURES,
    APPLICATION,
    STAGE_FIGURES,
    EXECUTOR_LOSSES,
    EXECUTOR_FIGURES,
    CONTAINER_FIGURES,
    GARBAGE,
    WORKING_SETS,
    ANONYMOUS_MEMORY,
    HEAPS,
    LIVES,
    BILLS,
    EXECUTORS,
    SLOTS,
    ACTIVE_TASKS,
    ACTIVE_JOBS,
    TARGETS,
    STREAM_FIGURES,
];

/// The last values of these names; `last_over_time` keeps the name.
fn last(names: &str, matchers: &str) -> String {
    format!(r#"last_over_time({{__name__=~"{names}", {matchers}}}[$range])"#)
}
