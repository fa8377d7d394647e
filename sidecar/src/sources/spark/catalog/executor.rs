//! What an executor counts: tasks, shuffle, file systems, threads, network memory; and the memory
//! figures that it and the driver measure of themselves.
//!
//! In local mode the driver is its own executor, and all of it is on the driver's page.

use super::{Entry, Label, Unit, counter, gauge, rising};

const EXECUTOR: &str = "executor";
const MEASURED: &str = "ExecutorMetrics";

#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    counter(EXECUTOR, "succeededTasks", "executor_succeeded_tasks_total", "Tasks that succeeded."),
    counter(EXECUTOR, "runTime", "executor_run_time_seconds_total", "Time that tasks ran, with fetching shuffle data.").unit(Unit::Milliseconds),
    counter(EXECUTOR, "cpuTime", "executor_cpu_time_seconds_total", "CPU time of tasks, with fetching shuffle data.").unit(Unit::Nanoseconds),
    counter(EXECUTOR, "jvmGCTime", "executor_jvm_gc_time_seconds_total", "Time that the JVM collected garbage while tasks ran.").unit(Unit::Milliseconds),
    counter(EXECUTOR, "deserializeTime", "executor_deserialize_time_seconds_total", "Time that tasks took to be deserialized.").unit(Unit::Milliseconds),
    counter(EXECUTOR, "deserializeCpuTime", "executor_deserialize_cpu_time_seconds_total", "CPU time that tasks took to be deserialized.").unit(Unit::Nanoseconds),
    counter(EXECUTOR, "resultSerializationTime", "executor_result_serialization_time_seconds_total", "Time that the results of tasks took to be serialized.").unit(Unit::Milliseconds),
    counter(EXECUTOR, "resultSize", "executor_result_bytes_total", "Size of the results of tasks, as sent to the driver."),
    counter(EXECUTOR, "bytesRead", "executor_input_bytes_total", "Input that tasks read."),
    counter(EXECUTOR, "recordsRead", "executor_input_records_total", "Input records that tasks read."),
    counter(EXECUTOR, "bytesWritten", "executor_output_bytes_total", "Output that tasks wrote."),
    counter(EXECUTOR, "recordsWritten", "executor_output_records_total", "Output records that tasks wrote."),
    counter(EXECUTOR, "memoryBytesSpilled", "executor_memory_spilled_bytes_total", "Size in memory of what tasks spilled."),
    counter(EXECUTOR, "diskBytesSpilled", "executor_disk_spilled_bytes_total", "Size on disk of what tasks spilled."),

    counter(EXECUTOR, "shuffleBytesWritten", "executor_shuffle_write_bytes_total", "Shuffle data that was written."),
    counter(EXECUTOR, "shuffleRecordsWritten", "executor_shuffle_write_records_total", "Shuffle records that were written."),
    counter(EXECUTOR, "shuffleWriteTime", "executor_shuffle_write_time_seconds_total", "Time that writing shuffle data to disk or buffers blocked.").unit(Unit::Nanoseconds),
    counter(EXECUTOR, "shuffleTotalBytesRead", "executor_shuffle_read_bytes_total", "Shuffle data that was read, local and remote."),
    counter(EXECUTOR, "shuffleRecordsRead", "executor_shuffle_read_records_total", "Shuffle records that were read."),
    counter(EXECUTOR, "shuffleLocalBytesRead", "executor_shuffle_read_local_bytes_total", "Shuffle data that was read from the local disk."),
    counter(EXECUTOR, "shuffleRemoteBytesRead", "executor_shuffle_read_remote_bytes_total", "Shuffle data that was read from other executors."),
    counter(EXECUTOR, "shuffleRemoteBytesReadToDisk", "executor_shuffle_read_remote_to_disk_bytes_total", "Shuffle data that was read from other executors to disk, since it was large."),
    counter(EXECUTOR, "shuffleLocalBlocksFetched", "executor_shuffle_read_local_blocks_total", "Shuffle blocks that were read from the local disk."),
    counter(EXECUTOR, "shuffleRemoteBlocksFetched", "executor_shuffle_read_remote_blocks_total", "Shuffle blocks that were read from other executors."),
    counter(EXECUTOR, "shuffleFetchWaitTime", "executor_shuffle_read_fetch_wait_time_seconds_total", "Time that tasks waited for remote shuffle blocks.").unit(Unit::Milliseconds),
    counter(EXECUTOR, "shuffleRemoteReqsDuration", "executor_shuffle_read_remote_requests_time_seconds_total", "Time that requests for remote shuffle blocks took.").unit(Unit::Milliseconds).since("3.4"),
    counter(EXECUTOR, "shuffleCorruptMergedBlockChunks", "executor_shuffle_merged_corrupt_chunks_total", "Chunks of push-merged shuffle blocks that were corrupt.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedFetchFallbackCount", "executor_shuffle_merged_fetch_fallbacks_total", "Times that tasks fell back from push-merged shuffle blocks to the original ones.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedLocalBlocksFetched", "executor_shuffle_merged_read_local_blocks_total", "Push-merged shuffle blocks that were read locally.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedLocalChunksFetched", "executor_shuffle_merged_read_local_chunks_total", "Chunks of push-merged shuffle blocks that were read locally.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedLocalBytesRead", "executor_shuffle_merged_read_local_bytes_total", "Push-merged shuffle data that was read locally.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedRemoteBlocksFetched", "executor_shuffle_merged_read_remote_blocks_total", "Push-merged shuffle blocks that were read from elsewhere.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedRemoteChunksFetched", "executor_shuffle_merged_read_remote_chunks_total", "Chunks of push-merged shuffle blocks that were read from elsewhere.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedRemoteBytesRead", "executor_shuffle_merged_read_remote_bytes_total", "Push-merged shuffle data that was read from elsewhere.").since("3.4"),
    counter(EXECUTOR, "shuffleMergedRemoteReqsDuration", "executor_shuffle_merged_read_remote_requests_time_seconds_total", "Time that requests for push-merged shuffle blocks took.").unit(Unit::Milliseconds).since("3.4"),

    rising(EXECUTOR, "filesystem.<scheme>.read_bytes", "executor_filesystem_read_bytes_total", "Bytes read from a Hadoop file system; object stores other than HDFS only if spark.executor.metrics.fileSystemSchemes names them.").label(Label::Scheme),
    rising(EXECUTOR, "filesystem.<scheme>.write_bytes", "executor_filesystem_write_bytes_total", "Bytes written to a Hadoop file system.").label(Label::Scheme),
    rising(EXECUTOR, "filesystem.<scheme>.read_ops", "executor_filesystem_read_operations_total", "Reads from a Hadoop file system.").label(Label::Scheme),
    rising(EXECUTOR, "filesystem.<scheme>.largeRead_ops", "executor_filesystem_large_read_operations_total", "Large reads from a Hadoop file system, such as listings.").label(Label::Scheme),
    rising(EXECUTOR, "filesystem.<scheme>.write_ops", "executor_filesystem_write_operations_total", "Writes to a Hadoop file system.").label(Label::Scheme),

    gauge(EXECUTOR, "threadpool.activeTasks", "executor_threadpool_active_tasks", "Tasks that are running."),
    rising(EXECUTOR, "threadpool.startedTasks", "executor_threadpool_started_tasks_total", "Tasks that were started."),
    rising(EXECUTOR, "threadpool.completeTasks", "executor_threadpool_completed_tasks_total", "Tasks that ended, well or not."),
    gauge(EXECUTOR, "threadpool.currentPool_size", "executor_threadpool_threads", "Threads that run tasks or wait for some."),
    gauge(EXECUTOR, "threadpool.maxPool_size", "executor_threadpool_max_threads", "Threads that there may be for tasks."),
];

#[rustfmt::skip]
pub(super) const METRICS: &[Entry] = &[
    gauge(MEASURED, "JVMHeapMemory", "executor_metrics_jvm_heap_memory_bytes", "Heap that is in use."),
    gauge(MEASURED, "JVMOffHeapMemory", "executor_metrics_jvm_off_heap_memory_bytes", "Memory of the JVM outside the heap that is in use."),
    gauge(MEASURED, "OnHeapExecutionMemory", "executor_metrics_on_heap_execution_memory_bytes", "On-heap memory for shuffles, joins, sorts and aggregations."),
    gauge(MEASURED, "OffHeapExecutionMemory", "executor_metrics_off_heap_execution_memory_bytes", "Off-heap memory for shuffles, joins, sorts and aggregations."),
    gauge(MEASURED, "OnHeapStorageMemory", "executor_metrics_on_heap_storage_memory_bytes", "On-heap memory for blocks."),
    gauge(MEASURED, "OffHeapStorageMemory", "executor_metrics_off_heap_storage_memory_bytes", "Off-heap memory for blocks."),
    gauge(MEASURED, "OnHeapUnifiedMemory", "executor_metrics_on_heap_unified_memory_bytes", "On-heap memory for execution and blocks."),
    gauge(MEASURED, "OffHeapUnifiedMemory", "executor_metrics_off_heap_unified_memory_bytes", "Off-heap memory for execution and blocks."),
    gauge(MEASURED, "DirectPoolMemory", "executor_metrics_direct_pool_memory_bytes", "Memory of the JVM's direct buffers."),
    gauge(MEASURED, "MappedPoolMemory", "executor_metrics_mapped_pool_memory_bytes", "Memory of the JVM's mapped buffers."),
    gauge(MEASURED, "ProcessTreeJVMVMemory", "executor_metrics_process_tree_jvm_virtual_memory_bytes", "Virtual memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    gauge(MEASURED, "ProcessTreeJVMRSSMemory", "executor_metrics_process_tree_jvm_resident_memory_bytes", "Resident memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    gauge(MEASURED, "ProcessTreePythonVMemory", "executor_metrics_process_tree_python_virtual_memory_bytes", "Virtual memory of Python processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    gauge(MEASURED, "ProcessTreePythonRSSMemory", "executor_metrics_process_tree_python_resident_memory_bytes", "Resident memory of Python processes, shared pages counted in each; 0 unless spark.executor.processTreeMetrics.enabled."),
    gauge(MEASURED, "ProcessTreeOtherVMemory", "executor_metrics_process_tree_other_virtual_memory_bytes", "Virtual memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    gauge(MEASURED, "ProcessTreeOtherRSSMemory", "executor_metrics_process_tree_other_resident_memory_bytes", "Resident memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled."),
    rising(MEASURED, "MinorGCCount", "executor_metrics_minor_gc_collections_total", "Collections of the young generation."),
    rising(MEASURED, "MinorGCTime", "executor_metrics_minor_gc_seconds_total", "Time of the collections of the young generation.").unit(Unit::Milliseconds),
    rising(MEASURED, "MajorGCCount", "executor_metrics_major_gc_collections_total", "Collections of the old generation."),
    rising(MEASURED, "MajorGCTime", "executor_metrics_major_gc_seconds_total", "Time of the collections of the old generation.").unit(Unit::Milliseconds),
    rising(MEASURED, "ConcurrentGCCount", "executor_metrics_concurrent_gc_collections_total", "Concurrent collections.").since("4.0"),
    rising(MEASURED, "ConcurrentGCTime", "executor_metrics_concurrent_gc_seconds_total", "Time of the concurrent collections.").unit(Unit::Milliseconds).since("4.0"),
    rising(MEASURED, "TotalGCTime", "executor_metrics_gc_seconds_total", "Time of all collections.").unit(Unit::Milliseconds).since("3.3"),
];
