//! What SQL and streaming count.

use super::{Entry, Label, Unit, counter, gauge, histogram, rising};

const CODE: &str = "CodeGenerator";
const HIVE: &str = "HiveExternalCatalog";
const QUERY: &str = "spark.streaming.<query>";
const DSTREAMS: &str = "<application>.StreamingMetrics.streaming";

#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    histogram(CODE, "compilationTime", "code_generator_compilation_time_seconds", "Time that compiling generated code takes.").unit(Unit::Milliseconds),
    histogram(CODE, "sourceCodeSize", "code_generator_source_code_characters", "Length of generated source code."),
    histogram(CODE, "generatedClassSize", "code_generator_generated_class_bytes", "Bytecode of a generated class."),
    histogram(CODE, "generatedMethodSize", "code_generator_generated_method_bytes", "Bytecode of a generated method."),

    counter(HIVE, "fileCacheHits", "hive_external_catalog_file_cache_hits_total", "Files whose status was in the cache."),
    counter(HIVE, "filesDiscovered", "hive_external_catalog_discovered_files_total", "Files that were listed."),
    counter(HIVE, "hiveClientCalls", "hive_external_catalog_client_calls_total", "Calls to the Hive metastore."),
    counter(HIVE, "parallelListingJobCount", "hive_external_catalog_parallel_listing_jobs_total", "Jobs that listed files in parallel."),
    counter(HIVE, "partitionsFetched", "hive_external_catalog_fetched_partitions_total", "Partitions whose metadata was fetched."),
];

#[rustfmt::skip]
pub(super) const STREAMING: &[Entry] = &[
    gauge(QUERY, "inputRate-total", "structured_streaming_input_rows_per_second", "Rows that arrive at a streaming query per second.").label(Label::Query).driver(),
    gauge(QUERY, "processingRate-total", "structured_streaming_processed_rows_per_second", "Rows that a streaming query processes per second.").label(Label::Query).driver(),
    gauge(QUERY, "latency", "structured_streaming_latency_seconds", "Time that the last batch of a streaming query took.").unit(Unit::Milliseconds).label(Label::Query).driver(),
    gauge(QUERY, "eventTime-watermark", "structured_streaming_watermark_timestamp_seconds", "Watermark of a streaming query; 0 where it has none.").unit(Unit::Milliseconds).label(Label::Query).driver(),
    gauge(QUERY, "states-rowsTotal", "structured_streaming_state_rows", "Rows in the state of a streaming query.").label(Label::Query).driver(),
    gauge(QUERY, "states-usedBytes", "structured_streaming_state_memory_bytes", "Memory of the state of a streaming query.").label(Label::Query).driver(),

    gauge(DSTREAMS, "receivers", "dstream_receivers", "Receivers of a DStream application.").driver(),
    rising(DSTREAMS, "totalCompletedBatches", "dstream_completed_batches_total", "Batches that were completed.").driver(),
    rising(DSTREAMS, "totalReceivedRecords", "dstream_received_records_total", "Records that were received.").driver(),
    rising(DSTREAMS, "totalProcessedRecords", "dstream_processed_records_total", "Records that were processed.").driver(),
    gauge(DSTREAMS, "unprocessedBatches", "dstream_unprocessed_batches", "Batches that wait or run.").driver(),
    gauge(DSTREAMS, "waitingBatches", "dstream_waiting_batches", "Batches that wait.").driver(),
    gauge(DSTREAMS, "runningBatches", "dstream_running_batches", "Batches that run.").driver(),
    gauge(DSTREAMS, "retainedCompletedBatches", "dstream_retained_completed_batches", "Completed batches that the UI still shows.").driver(),
    gauge(DSTREAMS, "lastCompletedBatch_submissionTime", "dstream_last_completed_batch_submission_timestamp_seconds", "When the last completed batch was submitted.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastCompletedBatch_processingStartTime", "dstream_last_completed_batch_start_timestamp_seconds", "When the last completed batch started.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastCompletedBatch_processingEndTime", "dstream_last_completed_batch_end_timestamp_seconds", "When the last completed batch ended.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastCompletedBatch_processingDelay", "dstream_last_completed_batch_processing_delay_seconds", "Time that the last completed batch ran.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastCompletedBatch_schedulingDelay", "dstream_last_completed_batch_scheduling_delay_seconds", "Time that the last completed batch waited.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastCompletedBatch_totalDelay", "dstream_last_completed_batch_total_delay_seconds", "Time from the submission of the last completed batch to its end.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastReceivedBatch_submissionTime", "dstream_last_received_batch_submission_timestamp_seconds", "When the last received batch was submitted.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastReceivedBatch_processingStartTime", "dstream_last_received_batch_start_timestamp_seconds", "When the last received batch started.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastReceivedBatch_processingEndTime", "dstream_last_received_batch_end_timestamp_seconds", "When the last received batch ended.").unit(Unit::Milliseconds).driver(),
    gauge(DSTREAMS, "lastReceivedBatch_records", "dstream_last_received_batch_records", "Records of the last received batch.").driver(),
];
