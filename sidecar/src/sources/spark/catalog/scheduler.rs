//! What the driver schedules with: jobs, stages, events, blocks, executors.

use super::{Entry, Label, Unit, counter, gauge, rising, timer};

const DAG: &str = "DAGScheduler";
const BUS: &str = "LiveListenerBus";
const BLOCKS: &str = "BlockManager";
const STATUS: &str = "appStatus";
const ALLOCATION: &str = "ExecutorAllocationManager";

#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    gauge(DAG, "job.activeJobs", "dag_scheduler_active_jobs", "Jobs that are running.").driver(),
    rising(DAG, "job.allJobs", "dag_scheduler_jobs_total", "Jobs that were submitted.").driver(),
    gauge(DAG, "stage.runningStages", "dag_scheduler_running_stages", "Stages that are running.").driver(),
    gauge(DAG, "stage.waitingStages", "dag_scheduler_waiting_stages", "Stages that wait for their parents.").driver(),
    gauge(DAG, "stage.failedStages", "dag_scheduler_failed_stages", "Stages that failed to fetch shuffle data and are to be submitted again.").driver(),
    timer(DAG, "messageProcessingTime", "dag_scheduler_message_processing_time_seconds", "Time that the scheduler's event loop spends on an event.").driver(),

    counter(STATUS, "jobs.succeededJobs", "app_status_succeeded_jobs_total", "Jobs that succeeded.").driver(),
    counter(STATUS, "jobs.failedJobs", "app_status_failed_jobs_total", "Jobs that failed.").driver(),
    gauge(STATUS, "jobDuration", "app_status_job_duration_seconds", "Duration of the job that ended last.").unit(Unit::Milliseconds).driver(),
    counter(STATUS, "stages.completedStages", "app_status_completed_stages_total", "Stages that completed.").driver(),
    counter(STATUS, "stages.failedStages", "app_status_failed_stages_total", "Stages that failed.").driver(),
    counter(STATUS, "stages.skippedStages", "app_status_skipped_stages_total", "Stages that were skipped, since their result was there.").driver(),
    counter(STATUS, "tasks.completedTasks", "app_status_completed_tasks_total", "Tasks that completed.").driver(),
    counter(STATUS, "tasks.failedTasks", "app_status_failed_tasks_total", "Tasks that failed.").driver(),
    counter(STATUS, "tasks.killedTasks", "app_status_killed_tasks_total", "Tasks that were killed, by speculation or with their stage.").driver(),
    counter(STATUS, "tasks.skippedTasks", "app_status_skipped_tasks_total", "Tasks of skipped stages.").driver(),
    counter(STATUS, "tasks.excludedExecutors", "app_status_excluded_executors_total", "Times that an executor was excluded for its failures.").since("3.1").driver(),
    counter(STATUS, "tasks.unexcludedExecutors", "app_status_unexcluded_executors_total", "Times that an executor was taken back after an exclusion.").since("3.1").driver(),
    counter(STATUS, "tasks.blackListedExecutors", "app_status_excluded_executors_total", "Times that an executor was excluded for its failures.").older_name().driver(),
    counter(STATUS, "tasks.unblackListedExecutors", "app_status_unexcluded_executors_total", "Times that an executor was taken back after an exclusion.").older_name().driver(),

    counter(BUS, "numEventsPosted", "live_listener_bus_posted_events_total", "Events that were posted to the listener bus.").driver(),
    gauge(BUS, "queue.<queue>.size", "live_listener_bus_queue_size", "Events that wait in a queue of the listener bus.").label(Label::Queue).driver(),
    counter(BUS, "queue.<queue>.numDroppedEvents", "live_listener_bus_queue_dropped_events_total", "Events that were lost because a queue was full.").label(Label::Queue).driver(),
    timer(BUS, "queue.<queue>.listenerProcessingTime", "live_listener_bus_queue_processing_time_seconds", "Time that the listeners of a queue spend on an event.").label(Label::Queue).driver(),
    timer(BUS, "listenerProcessingTime.<listener>", "live_listener_bus_listener_processing_time_seconds", "Time that a listener spends on an event.").label(Label::Listener).driver(),

    gauge(BLOCKS, "memory.maxMem_MB", "block_manager_max_memory_bytes", "Memory that may hold blocks, on all executors and the driver.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.maxOnHeapMem_MB", "block_manager_max_on_heap_memory_bytes", "On-heap memory that may hold blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.maxOffHeapMem_MB", "block_manager_max_off_heap_memory_bytes", "Off-heap memory that may hold blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.memUsed_MB", "block_manager_used_memory_bytes", "Memory that holds blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.onHeapMemUsed_MB", "block_manager_used_on_heap_memory_bytes", "On-heap memory that holds blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.offHeapMemUsed_MB", "block_manager_used_off_heap_memory_bytes", "Off-heap memory that holds blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.remainingMem_MB", "block_manager_remaining_memory_bytes", "Memory that is left for blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.remainingOnHeapMem_MB", "block_manager_remaining_on_heap_memory_bytes", "On-heap memory that is left for blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "memory.remainingOffHeapMem_MB", "block_manager_remaining_off_heap_memory_bytes", "Off-heap memory that is left for blocks.").unit(Unit::Mebibytes).driver(),
    gauge(BLOCKS, "disk.diskSpaceUsed_MB", "block_manager_used_disk_bytes", "Disk space that holds blocks.").unit(Unit::Mebibytes).driver(),

    gauge(ALLOCATION, "executors.numberAllExecutors", "executor_allocation_manager_executors", "Executors that there are.").driver(),
    gauge(ALLOCATION, "executors.numberTargetExecutors", "executor_allocation_manager_target_executors", "Executors that dynamic allocation asks for.").driver(),
    gauge(ALLOCATION, "executors.numberMaxNeededExecutors", "executor_allocation_manager_max_needed_executors", "Executors that all running and pending tasks could use.").driver(),
    gauge(ALLOCATION, "executors.numberExecutorsToAdd", "executor_allocation_manager_executors_to_add", "Executors that the next round asks for in addition.").driver(),
    gauge(ALLOCATION, "executors.numberExecutorsPendingToRemove", "executor_allocation_manager_executors_pending_removal", "Executors that were asked to go and are still there.").driver(),
    gauge(ALLOCATION, "executors.numberDecommissioningExecutors", "executor_allocation_manager_decommissioning_executors", "Executors that are being decommissioned.").since("3.4").driver(),
    counter(ALLOCATION, "executors.numberExecutorsGracefullyDecommissioned", "executor_allocation_manager_graceful_decommissions_total", "Executors that were decommissioned to the end.").since("3.2").driver(),
    counter(ALLOCATION, "executors.numberExecutorsDecommissionUnfinished", "executor_allocation_manager_unfinished_decommissions_total", "Executors that were gone before they were decommissioned to the end.").since("3.2").driver(),
    counter(ALLOCATION, "executors.numberExecutorsKilledByDriver", "executor_allocation_manager_killed_executors_total", "Executors that the driver killed.").since("3.2").driver(),
    counter(ALLOCATION, "executors.numberExecutorsExitedUnexpectedly", "executor_allocation_manager_unexpected_exits_total", "Executors that exited unasked.").since("3.2").driver(),
];
