//! What an executor counts: tasks, shuffle, file systems, threads, network memory; and the memory
//! figures that it and the driver measure of themselves.
//!
//! In local mode the driver is its own executor, and all of it is on the driver's page.

use super::table::{BOTH, MetricsSource, counter, gauge, rising, source};
use super::{Label, Metric, Unit};

source! {
    EXECUTOR: "executor." of BOTH, "executor_";
    counter("succeededTasks", "succeeded_tasks_total", "Tasks that succeeded.");
    counter("runTime" in ms, "run_time_seconds_total", "Time that tasks ran, with fetching shuffle data.");
    counter("cpuTime" in ns, "cpu_time_seconds_total", "CPU time of tasks, with fetching shuffle data.");
    counter("jvmGCTime" in ms, "jvm_gc_time_seconds_total", "Time that the JVM collected garbage while tasks ran.");
    counter("deserializeTime" in ms, "deserialize_time_seconds_total", "Time that tasks took to be deserialized.");
    counter("deserializeCpuTime" in ns, "deserialize_cpu_time_seconds_total", "CPU time that tasks took to be deserialized.");
    counter("resultSerializationTime" in ms, "result_serialization_time_seconds_total", "Time that the results of tasks took to be serialized.");
    counter("resultSize", "result_bytes_total", "Size of the results of tasks, as sent to the driver; Spark 3.5 leaves it at 0, Spark 4.1 does not.");
    counter("bytesRead", "input_bytes_total", "Input that tasks read.");
    counter("recordsRead", "input_records_total", "Input records that tasks read.");
    counter("bytesWritten", "output_bytes_total", "Output that tasks wrote.");
    counter("recordsWritten", "output_records_total", "Output records that tasks wrote.");
    counter("memoryBytesSpilled", "memory_spilled_bytes_total", "Size in memory of what tasks spilled.");
    counter("diskBytesSpilled", "disk_spilled_bytes_total", "Size on disk of what tasks spilled.");
    counter("shuffleBytesWritten", "shuffle_write_bytes_total", "Shuffle data that was written; of a JVM that was killed, up to its last report.");
    counter("shuffleRecordsWritten", "shuffle_write_records_total", "Shuffle records that were written; of a JVM that was killed, up to its last report.");
    counter("shuffleWriteTime" in ns, "shuffle_write_time_seconds_total", "Time that writing shuffle data to disk or buffers blocked.");
    counter("shuffleTotalBytesRead", "shuffle_read_bytes_total", "Shuffle data that was read, local and remote; of a JVM that was killed, up to its last report.");
    counter("shuffleRecordsRead", "shuffle_read_records_total", "Shuffle records that were read; of a JVM that was killed, up to its last report.");
    counter("shuffleLocalBytesRead", "shuffle_read_local_bytes_total", "Shuffle data that was read from the local disk.");
    counter("shuffleRemoteBytesRead", "shuffle_read_remote_bytes_total", "Shuffle data that was read from other executors.");
    counter("shuffleRemoteBytesReadToDisk", "shuffle_read_remote_to_disk_bytes_total", "Shuffle data that was read from other executors to disk, since it was large.");
    counter("shuffleLocalBlocksFetched", "shuffle_read_local_blocks_total", "Shuffle blocks that were read from the local disk.");
    counter("shuffleRemoteBlocksFetched", "shuffle_read_remote_blocks_total", "Shuffle blocks that were read from other executors.");
    counter("shuffleFetchWaitTime" in ms, "shuffle_read_fetch_wait_time_seconds_total", "Time that tasks waited for remote shuffle blocks.");
    counter("shuffleRemoteReqsDuration" in ms, "shuffle_read_remote_requests_time_seconds_total", "Time that requests for remote shuffle blocks took.").since("3.4");
    counter("shuffleCorruptMergedBlockChunks", "shuffle_merged_corrupt_chunks_total", "Chunks of push-merged shuffle blocks that were corrupt.").since("3.4");
    counter("shuffleMergedFetchFallbackCount", "shuffle_merged_fetch_fallbacks_total", "Times that tasks fell back from push-merged shuffle blocks to the original ones.").since("3.4");
    counter("shuffleMergedLocalBlocksFetched", "shuffle_merged_read_local_blocks_total", "Push-merged shuffle blocks that were read locally.").since("3.4");
    counter("shuffleMergedLocalChunksFetched", "shuffle_merged_read_local_chunks_total", "Chunks of push-merged shuffle blocks that were read locally.").since("3.4");
    counter("shuffleMergedLocalBytesRead", "shuffle_merged_read_local_bytes_total", "Push-merged shuffle data that was read locally.").since("3.4");
    counter("shuffleMergedRemoteBlocksFetched", "shuffle_merged_read_remote_blocks_total", "Push-merged shuffle blocks that were read from elsewhere.").since("3.4");
    counter("shuffleMergedRemoteChunksFetched", "shuffle_merged_read_remote_chunks_total", "Chunks of push-merged shuffle blocks that were read from elsewhere.").since("3.4");
    counter("shuffleMergedRemoteBytesRead", "shuffle_merged_read_remote_bytes_total", "Push-merged shuffle data that was read from elsewhere.").since("3.4");
    counter("shuffleMergedRemoteReqsDuration" in ms, "shuffle_merged_read_remote_requests_time_seconds_total", "Time that requests for push-merged shuffle blocks took.").since("3.4");
    rising("filesystem.<scheme>.read_bytes", "filesystem_read_bytes_total", "Bytes read from a Hadoop file system; object stores other than HDFS only if spark.executor.metrics.fileSystemSchemes names them.").label(Label::Scheme);
    rising("filesystem.<scheme>.write_bytes", "filesystem_write_bytes_total", "Bytes written to a Hadoop file system.").label(Label::Scheme);
    rising("filesystem.<scheme>.read_ops", "filesystem_read_operations_total", "Reads from a Hadoop file system.").label(Label::Scheme);
    rising("filesystem.<scheme>.largeRead_ops", "filesystem_large_read_operations_total", "Large reads from a Hadoop file system, such as listings.").label(Label::Scheme);
    rising("filesystem.<scheme>.write_ops", "filesystem_write_operations_total", "Writes to a Hadoop file system.").label(Label::Scheme);
    gauge("threadpool.activeTasks", "threadpool_active_tasks", "Tasks that are running.");
    rising("threadpool.startedTasks", "threadpool_started_tasks_total", "Tasks that were started.");
    rising("threadpool.completeTasks", "threadpool_completed_tasks_total", "Tasks that ended, well or not.");
    gauge("threadpool.currentPool_size", "threadpool_threads", "Threads that run tasks or wait for some.");
    gauge("threadpool.maxPool_size", "threadpool_max_threads", "Threads that there may be for tasks.");
}

source! {
    EXECUTOR_METRICS: "ExecutorMetrics." of BOTH, "executor_";
    gauge("JVMHeapMemory", "metrics_jvm_heap_memory_bytes", "Heap that is in use.");
    gauge("JVMOffHeapMemory", "metrics_jvm_off_heap_memory_bytes", "Memory of the JVM outside the heap that is in use.");
    gauge("OnHeapExecutionMemory", "metrics_on_heap_execution_memory_bytes", "On-heap memory for shuffles, joins, sorts and aggregations.");
    gauge("OffHeapExecutionMemory", "metrics_off_heap_execution_memory_bytes", "Off-heap memory for shuffles, joins, sorts and aggregations.");
    gauge("OnHeapStorageMemory", "metrics_on_heap_storage_memory_bytes", "On-heap memory for blocks.");
    gauge("OffHeapStorageMemory", "metrics_off_heap_storage_memory_bytes", "Off-heap memory for blocks.");
    gauge("OnHeapUnifiedMemory", "metrics_on_heap_unified_memory_bytes", "On-heap memory for execution and blocks.");
    gauge("OffHeapUnifiedMemory", "metrics_off_heap_unified_memory_bytes", "Off-heap memory for execution and blocks.");
    gauge("DirectPoolMemory", "metrics_direct_pool_memory_bytes", "Memory of the JVM's direct buffers.");
    gauge("MappedPoolMemory", "metrics_mapped_pool_memory_bytes", "Memory of the JVM's mapped buffers.");
    gauge("ProcessTreeJVMVMemory", "metrics_process_tree_jvm_virtual_memory_bytes", "Virtual memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled.");
    gauge("ProcessTreeJVMRSSMemory", "metrics_process_tree_jvm_resident_memory_bytes", "Resident memory of Java processes; 0 unless spark.executor.processTreeMetrics.enabled.");
    gauge("ProcessTreePythonVMemory", "metrics_process_tree_python_virtual_memory_bytes", "Virtual memory of Python processes; 0 unless spark.executor.processTreeMetrics.enabled.");
    gauge("ProcessTreePythonRSSMemory", "metrics_process_tree_python_resident_memory_bytes", "Resident memory of Python processes, shared pages counted in each; 0 unless spark.executor.processTreeMetrics.enabled.");
    gauge("ProcessTreeOtherVMemory", "metrics_process_tree_other_virtual_memory_bytes", "Virtual memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled.");
    gauge("ProcessTreeOtherRSSMemory", "metrics_process_tree_other_resident_memory_bytes", "Resident memory of other processes; 0 unless spark.executor.processTreeMetrics.enabled.");
    rising("MinorGCCount", "metrics_minor_gc_collections_total", "Collections of the young generation.");
    rising("MinorGCTime" in ms, "metrics_minor_gc_seconds_total", "Time of the collections of the young generation.");
    rising("MajorGCCount", "metrics_major_gc_collections_total", "Collections of the old generation.");
    rising("MajorGCTime" in ms, "metrics_major_gc_seconds_total", "Time of the collections of the old generation.");
    rising("ConcurrentGCCount", "metrics_concurrent_gc_collections_total", "Concurrent collections.").since("4.0");
    rising("ConcurrentGCTime" in ms, "metrics_concurrent_gc_seconds_total", "Time of the concurrent collections.").since("4.0");
    rising("TotalGCTime" in ms, "metrics_gc_seconds_total", "Time of all collections.").since("3.3");
}
