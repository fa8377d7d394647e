//! Every metric and label that is asked for, by what it is for. `docs/metrics.md` has what they mean.

/// Labels that tell one application from another.
pub(super) const IDENTITY: &str = "cluster, namespace, pod, application_id, spark_app_name, emr_containers_amazonaws_com_job_id, team";

/// There as long as a driver is, from its first second to its last.
pub(super) const PRESENCE: &str = "spark_driver_dag_scheduler_active_jobs";

/// There for each executor, as long as it is.
pub(super) const EXECUTOR_PRESENCE: &str = "spark_executor_threadpool_max_threads";

/// The executors page, on which Spark's own name of the application stands.
pub(super) const NAMED: &str = "metrics_executor_maxTasks";

/// A driver's figures.
pub(super) const DRIVER: [&str; 12] = [
    PRESENCE,
    "spark_driver_app_status_succeeded_jobs_total",
    "spark_driver_app_status_failed_jobs_total",
    "spark_driver_app_status_completed_stages_total",
    "spark_driver_app_status_failed_stages_total",
    "spark_driver_app_status_completed_tasks_total",
    "spark_driver_app_status_failed_tasks_total",
    "spark_driver_live_listener_bus_queue_dropped_events_total",
    "spark_driver_executor_allocation_manager_executors",
    "spark_driver_executor_allocation_manager_target_executors",
    "spark_driver_executor_allocation_manager_max_needed_executors",
    "spark_driver_executor_allocation_manager_unexpected_exits_total",
];

/// An executor's totals, by itself.
pub(super) const EXECUTOR: [&str; 9] = [
    EXECUTOR_PRESENCE,
    "spark_executor_run_time_seconds_total",
    "spark_executor_cpu_time_seconds_total",
    "spark_executor_jvm_gc_time_seconds_total",
    "spark_executor_succeeded_tasks_total",
    "spark_executor_input_bytes_total",
    "spark_executor_shuffle_read_bytes_total",
    "spark_executor_shuffle_read_fetch_wait_time_seconds_total",
    "spark_executor_disk_spilled_bytes_total",
];

/// A container's figures that are wanted as they were last.
pub(super) const CONTAINER: [&str; 14] = [
    "spark_container_memory_limit_bytes",
    "spark_container_memory_peak_bytes",
    "spark_container_oom_kills_total",
    "spark_container_last_state",
    "spark_container_cpu_quota_cores",
    "spark_container_cpu_usage_seconds_total",
    "spark_container_cpu_cfs_periods_total",
    "spark_container_cpu_cfs_throttled_periods_total",
    "spark_container_pressure_memory_stalled_seconds_total",
    "spark_container_pressure_io_stalled_seconds_total",
    "spark_executor_jvm_heap_max_bytes",
    "spark_driver_jvm_heap_max_bytes",
    "emberscope_spark_ended",
    "emberscope_source_up",
];

/// What the kubelet evicts by.
pub(super) const WORKING_SET: &str = "spark_container_memory_working_set_bytes";

/// Memory that cannot be reclaimed.
pub(super) const ANONYMOUS: &str = "spark_container_memory_rss_bytes";

/// Heap in use after a full collection, of the pool that a full collection looks at.
pub(super) const HEAP_AFTER_GC: &str = r#"{__name__=~"spark_(driver|executor)_jvm_pool_used_after_gc_bytes", pool=~".*(Old|Tenured).*|ZHeap|Shenandoah""#;

/// What a container's memory is made of.
pub(super) const BILL: [&str; 6] = [
    WORKING_SET,
    ANONYMOUS,
    "spark_container_memory_cache_bytes",
    "spark_executor_jvm_heap_committed_bytes",
    "spark_driver_jvm_heap_committed_bytes",
    "spark_process_resident_memory_bytes",
];

/// Everything of stages (Spark's status API).
pub(super) const STAGES: &str = "spark_stage_.+";

/// What an application was started with (Spark's status API).
pub(super) const SETTINGS: &str = "spark_application_.+";

/// Executors that went, by reason (Spark's status API).
pub(super) const LOSSES: &str = "spark_executor_losses_total";

/// A streaming query's figures.
pub(super) const STREAMS: [&str; 6] = [
    "spark_driver_structured_streaming_input_rows_per_second",
    "spark_driver_structured_streaming_processed_rows_per_second",
    "spark_driver_structured_streaming_latency_seconds",
    "spark_driver_structured_streaming_watermark_timestamp_seconds",
    "spark_driver_structured_streaming_state_rows",
    "spark_driver_structured_streaming_state_memory_bytes",
];
