//! The names of the executors page, with their types and meanings.

use std::borrow::Cow;

use crate::exposition::{Kind, Page};

/// What all names of the page but `spark_info` start with.
const PREFIX: &str = "metrics_executor_";

/// Names without [`PREFIX`], as `PrometheusResource` has them, and what they mean. Those that end
/// in `_total` are counters. From `JVMHeapMemory` on they come with an executor's first heartbeat.
#[rustfmt::skip]
const NAMES: [(&str, &str); 41] = [
    ("rddBlocks", "Blocks that the executor stores."),
    ("memoryUsed_bytes", "Memory that holds the executor's blocks."),
    ("diskUsed_bytes", "Disk space that holds the executor's blocks."),
    ("totalCores", "Cores of the executor."),
    ("maxTasks", "Tasks that the executor can run at once."),
    ("activeTasks", "Tasks that are running on the executor."),
    ("failedTasks_total", "Tasks that failed on the executor."),
    ("completedTasks_total", "Tasks that completed on the executor."),
    ("totalTasks_total", "Tasks that were started on the executor."),
    ("totalDuration_seconds_total", "Time that tasks ran on the executor, summed over tasks; on the driver's line the time since the start."),
    ("totalGCTime_seconds_total", "Time that the executor's JVM collected garbage."),
    ("totalInputBytes_bytes_total", "Input that the executor's tasks read."),
    ("totalShuffleRead_bytes_total", "Shuffle data that the executor's tasks read."),
    ("totalShuffleWrite_bytes_total", "Shuffle data that the executor's tasks wrote."),
    ("maxMemory_bytes", "Memory that may hold the executor's blocks."),
    ("usedOnHeapStorageMemory_bytes", "On-heap memory that holds the executor's blocks."),
    ("usedOffHeapStorageMemory_bytes", "Off-heap memory that holds the executor's blocks."),
    ("totalOnHeapStorageMemory_bytes", "On-heap memory that may hold the executor's blocks."),
    ("totalOffHeapStorageMemory_bytes", "Off-heap memory that may hold the executor's blocks."),
    ("JVMHeapMemory_bytes", "Peak since the start, not the current value: heap in use."),
    ("JVMOffHeapMemory_bytes", "Peak since the start, not the current value: memory of the JVM outside the heap in use."),
    ("OnHeapExecutionMemory_bytes", "Peak since the start, not the current value: on-heap memory for shuffles, joins, sorts and aggregations."),
    ("OffHeapExecutionMemory_bytes", "Peak since the start, not the current value: off-heap memory for shuffles, joins, sorts and aggregations."),
    ("OnHeapStorageMemory_bytes", "Peak since the start, not the current value: on-heap memory for blocks."),
    ("OffHeapStorageMemory_bytes", "Peak since the start, not the current value: off-heap memory for blocks."),
    ("OnHeapUnifiedMemory_bytes", "Peak since the start, not the current value: on-heap memory for execution and blocks."),
    ("OffHeapUnifiedMemory_bytes", "Peak since the start, not the current value: off-heap memory for execution and blocks."),
    ("DirectPoolMemory_bytes", "Peak since the start, not the current value: memory of the JVM's direct buffers."),
    ("MappedPoolMemory_bytes", "Peak since the start, not the current value: memory of the JVM's mapped buffers."),
    ("ProcessTreeJVMVMemory_bytes", "Peak since the start, not the current value: virtual memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("ProcessTreeJVMRSSMemory_bytes", "Peak since the start, not the current value: resident memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("ProcessTreePythonVMemory_bytes", "Peak since the start, not the current value: virtual memory of Python processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("ProcessTreePythonRSSMemory_bytes", "Peak since the start, not the current value: resident memory of Python processes, shared pages counted in each; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("ProcessTreeOtherVMemory_bytes", "Peak since the start, not the current value: virtual memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("ProcessTreeOtherRSSMemory_bytes", "Peak since the start, not the current value: resident memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("MinorGCCount_total", "Collections of the young generation."),
    ("MinorGCTime_seconds_total", "Time of the collections of the young generation."),
    ("MajorGCCount_total", "Collections of the old generation."),
    ("MajorGCTime_seconds_total", "Time of the collections of the old generation."),
    ("ConcurrentGCCount_total", "Concurrent collections; since Spark 4.0."),
    ("ConcurrentGCTime_seconds_total", "Time of the concurrent collections; since Spark 4.0."),
];

/// A page with every family that is known and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    let mut page = Page::new();
    let names = NAMES.iter().map(|(name, _)| format!("{PREFIX}{name}"));
    for name in std::iter::once("spark_info".to_owned()).chain(names) {
        if let Some((kind, help)) = find(&name) {
            page.family(name, kind, help);
        }
    }
    page
}

/// Type and help of a name; nothing for a name that is not this page's.
pub(super) fn find(name: &str) -> Option<(Kind, Cow<'static, str>)> {
    if name == "spark_info" {
        return Some((
            Kind::Gauge,
            "Always 1; the labels tell Spark's version and revision.".into(),
        ));
    }
    let metric = name.strip_prefix(PREFIX).filter(|metric| !metric.is_empty())?;
    let kind = if metric.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
    let known = NAMES.iter().find(|(known, _)| *known == metric);
    let help = known.map_or_else(
        || format!("Spark's {name}, which this exporter does not know.").into(),
        |(_, help)| Cow::Borrowed(*help),
    );
    Some((kind, help))
}
