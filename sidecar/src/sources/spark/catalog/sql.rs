//! What SQL and streaming count.

use super::table::{BOTH, DRIVER, MetricsSource, counter, gauge, histogram, rising, source};
use super::{Label, Metric, Unit};

source! {
    CODE_GENERATOR: "CodeGenerator." of BOTH, "";
    histogram("compilationTime" in ms, "code_generator_compilation_time_seconds", "Time that compiling generated code takes.");
    histogram("sourceCodeSize", "code_generator_source_code_characters", "Length of generated source code.");
    histogram("generatedClassSize", "code_generator_generated_class_bytes", "Bytecode of a generated class.");
    histogram("generatedMethodSize", "code_generator_generated_method_bytes", "Bytecode of a generated method.");
}

source! {
    HIVE_CATALOG: "HiveExternalCatalog." of BOTH, "";
    counter("fileCacheHits", "hive_external_catalog_file_cache_hits_total", "Files whose status was in the cache.");
    counter("filesDiscovered", "hive_external_catalog_discovered_files_total", "Files that were listed.");
    counter("hiveClientCalls", "hive_external_catalog_client_calls_total", "Calls to the Hive metastore.");
    counter("parallelListingJobCount", "hive_external_catalog_parallel_listing_jobs_total", "Jobs that listed files in parallel.");
    counter("partitionsFetched", "hive_external_catalog_fetched_partitions_total", "Partitions whose metadata was fetched.");
}

source! {
    STRUCTURED_STREAMING: "spark.streaming." of DRIVER, "";
    gauge("<query>.inputRate-total", "structured_streaming_input_rows_per_second", "Rows that arrive at a streaming query per second.").label(Label::Query);
    gauge("<query>.processingRate-total", "structured_streaming_processed_rows_per_second", "Rows that a streaming query processes per second.").label(Label::Query);
    gauge("<query>.latency" in ms, "structured_streaming_latency_seconds", "Time that the last batch of a streaming query took.").label(Label::Query);
    gauge("<query>.eventTime-watermark" in ms, "structured_streaming_watermark_timestamp_seconds", "Watermark of a streaming query; 0 where it has none.").label(Label::Query);
    gauge("<query>.states-rowsTotal", "structured_streaming_state_rows", "Rows in the state of a streaming query.").label(Label::Query);
    gauge("<query>.states-usedBytes", "structured_streaming_state_memory_bytes", "Memory of the state of a streaming query.").label(Label::Query);
}

source! {
    DSTREAMS: "" of DRIVER, "";
    gauge("<application>.StreamingMetrics.streaming.receivers", "dstream_receivers", "Receivers of a DStream application.");
    rising("<application>.StreamingMetrics.streaming.totalCompletedBatches", "dstream_completed_batches_total", "Batches that were completed.");
    rising("<application>.StreamingMetrics.streaming.totalReceivedRecords", "dstream_received_records_total", "Records that were received.");
    rising("<application>.StreamingMetrics.streaming.totalProcessedRecords", "dstream_processed_records_total", "Records that were processed.");
    gauge("<application>.StreamingMetrics.streaming.unprocessedBatches", "dstream_unprocessed_batches", "Batches that wait or run.");
    gauge("<application>.StreamingMetrics.streaming.waitingBatches", "dstream_waiting_batches", "Batches that wait.");
    gauge("<application>.StreamingMetrics.streaming.runningBatches", "dstream_running_batches", "Batches that run.");
    gauge("<application>.StreamingMetrics.streaming.retainedCompletedBatches", "dstream_retained_completed_batches", "Completed batches that the UI still shows.");
    gauge("<application>.StreamingMetrics.streaming.lastCompletedBatch_submissionTime" in ms, "dstream_last_completed_batch_submission_timestamp_seconds", "When the last completed batch was submitted.");
    gauge("<application>.StreamingMetrics.streaming.lastCompletedBatch_processingStartTime" in ms, "dstream_last_completed_batch_start_timestamp_seconds", "When the last completed batch started.");
    gauge("<application>.StreamingMetrics.streaming.lastCompletedBatch_processingEndTime" in ms, "dstream_last_completed_batch_end_timestamp_seconds", "When the last completed batch ended.");
    gauge("<application>.StreamingMetrics.streaming.lastCompletedBatch_processingDelay" in ms, "dstream_last_completed_batch_processing_delay_seconds", "Time that the last completed batch ran.");
    gauge("<application>.StreamingMetrics.streaming.lastCompletedBatch_schedulingDelay" in ms, "dstream_last_completed_batch_scheduling_delay_seconds", "Time that the last completed batch waited.");
    gauge("<application>.StreamingMetrics.streaming.lastCompletedBatch_totalDelay" in ms, "dstream_last_completed_batch_total_delay_seconds", "Time from the submission of the last completed batch to its end.");
    gauge("<application>.StreamingMetrics.streaming.lastReceivedBatch_submissionTime" in ms, "dstream_last_received_batch_submission_timestamp_seconds", "When the last received batch was submitted.");
    gauge("<application>.StreamingMetrics.streaming.lastReceivedBatch_processingStartTime" in ms, "dstream_last_received_batch_start_timestamp_seconds", "When the last received batch started.");
    gauge("<application>.StreamingMetrics.streaming.lastReceivedBatch_processingEndTime" in ms, "dstream_last_received_batch_end_timestamp_seconds", "When the last received batch ended.");
    gauge("<application>.StreamingMetrics.streaming.lastReceivedBatch_records", "dstream_last_received_batch_records", "Records of the last received batch.");
}
