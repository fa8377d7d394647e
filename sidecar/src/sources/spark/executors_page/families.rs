//! The names of the executors page, with their types and meanings.

use std::borrow::Cow;

use super::{INFO_LABELS, LABELS};
use crate::exposition::{Kind, Page};

/// Names, as `PrometheusResource` has them, and what they mean. Those that end in `_total` are
/// counters. From `JVMHeapMemory` on they come with an executor's first heartbeat.
#[rustfmt::skip]
const NAMES: [(&str, &str); 42] = [
    ("spark_info", "Always 1; the labels tell Spark's version and revision."),
    ("metrics_executor_rddBlocks", "Blocks that the executor stores."),
    ("metrics_executor_memoryUsed_bytes", "Memory that holds the executor's blocks."),
    ("metrics_executor_diskUsed_bytes", "Disk space that holds the executor's blocks."),
    ("metrics_executor_totalCores", "Cores of the executor."),
    ("metrics_executor_maxTasks", "Tasks that the executor can run at once."),
    ("metrics_executor_activeTasks", "Tasks that are running on the executor."),
    ("metrics_executor_failedTasks_total", "Tasks that failed on the executor."),
    ("metrics_executor_completedTasks_total", "Tasks that completed on the executor."),
    ("metrics_executor_totalTasks_total", "Tasks that were started on the executor."),
    ("metrics_executor_totalDuration_seconds_total", "Time that tasks ran on the executor, summed over tasks; on the driver's line the time since the start."),
    ("metrics_executor_totalGCTime_seconds_total", "Time that the executor's JVM collected garbage."),
    ("metrics_executor_totalInputBytes_bytes_total", "Input that the executor's tasks read."),
    ("metrics_executor_totalShuffleRead_bytes_total", "Shuffle data that the executor's tasks read."),
    ("metrics_executor_totalShuffleWrite_bytes_total", "Shuffle data that the executor's tasks wrote."),
    ("metrics_executor_maxMemory_bytes", "Memory that may hold the executor's blocks."),
    ("metrics_executor_usedOnHeapStorageMemory_bytes", "On-heap memory that holds the executor's blocks."),
    ("metrics_executor_usedOffHeapStorageMemory_bytes", "Off-heap memory that holds the executor's blocks."),
    ("metrics_executor_totalOnHeapStorageMemory_bytes", "On-heap memory that may hold the executor's blocks."),
    ("metrics_executor_totalOffHeapStorageMemory_bytes", "Off-heap memory that may hold the executor's blocks."),
    ("metrics_executor_JVMHeapMemory_bytes", "Peak since the start, not the current value: heap in use."),
    ("metrics_executor_JVMOffHeapMemory_bytes", "Peak since the start, not the current value: memory of the JVM outside the heap in use."),
    ("metrics_executor_OnHeapExecutionMemory_bytes", "Peak since the start, not the current value: on-heap memory for shuffles, joins, sorts and aggregations."),
    ("metrics_executor_OffHeapExecutionMemory_bytes", "Peak since the start, not the current value: off-heap memory for shuffles, joins, sorts and aggregations."),
    ("metrics_executor_OnHeapStorageMemory_bytes", "Peak since the start, not the current value: on-heap memory for blocks."),
    ("metrics_executor_OffHeapStorageMemory_bytes", "Peak since the start, not the current value: off-heap memory for blocks."),
    ("metrics_executor_OnHeapUnifiedMemory_bytes", "Peak since the start, not the current value: on-heap memory for execution and blocks."),
    ("metrics_executor_OffHeapUnifiedMemory_bytes", "Peak since the start, not the current value: off-heap memory for execution and blocks."),
    ("metrics_executor_DirectPoolMemory_bytes", "Peak since the start, not the current value: memory of the JVM's direct buffers."),
    ("metrics_executor_MappedPoolMemory_bytes", "Peak since the start, not the current value: memory of the JVM's mapped buffers."),
    ("metrics_executor_ProcessTreeJVMVMemory_bytes", "Peak since the start, not the current value: virtual memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("metrics_executor_ProcessTreeJVMRSSMemory_bytes", "Peak since the start, not the current value: resident memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("metrics_executor_ProcessTreePythonVMemory_bytes", "Peak since the start, not the current value: virtual memory of Python processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("metrics_executor_ProcessTreePythonRSSMemory_bytes", "Peak since the start, not the current value: resident memory of Python processes, shared pages counted in each; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("metrics_executor_ProcessTreeOtherVMemory_bytes", "Peak since the start, not the current value: virtual memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("metrics_executor_ProcessTreeOtherRSSMemory_bytes", "Peak since the start, not the current value: resident memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    ("metrics_executor_MinorGCCount_total", "Collections of the young generation."),
    ("metrics_executor_MinorGCTime_seconds_total", "Time of the collections of the young generation."),
    ("metrics_executor_MajorGCCount_total", "Collections of the old generation."),
    ("metrics_executor_MajorGCTime_seconds_total", "Time of the collections of the old generation."),
    ("metrics_executor_ConcurrentGCCount_total", "Concurrent collections; since Spark 4.0."),
    ("metrics_executor_ConcurrentGCTime_seconds_total", "Time of the concurrent collections; since Spark 4.0."),
];

/// A page with every family that is known and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    let mut page = Page::new();
    for (name, help) in NAMES {
        page.family(name, kind(name), help);
    }
    page.document_labels(&LABELS);
    page.document_labels(&INFO_LABELS);
    page
}

/// Name, type and help of a family; nothing for a name that is not this page's.
pub(super) fn find(name: &str) -> Option<(Cow<'static, str>, Kind, Cow<'static, str>)> {
    if let Some((name, help)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(((*name).into(), kind(name), (*help).into()));
    }
    name.strip_prefix("metrics_executor_").filter(|metric| !metric.is_empty())?;
    let help = format!("Spark's {name}, which this exporter does not know.");
    Some((name.to_owned().into(), kind(name), help.into()))
}

fn kind(name: &str) -> Kind {
    if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge }
}
