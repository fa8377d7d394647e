//! What the driver schedules with: jobs, stages, events, blocks, executors.

use super::table::{DRIVER, MetricsSource, counter, gauge, rising, source, timer};
use super::{Label, Metric, Unit};

source! {
    DAG_SCHEDULER: "DAGScheduler." of DRIVER, "";
    gauge("job.activeJobs", "dag_scheduler_active_jobs", "Jobs that are running.");
    rising("job.allJobs", "dag_scheduler_jobs_total", "Jobs that were submitted.");
    gauge("stage.runningStages", "dag_scheduler_running_stages", "Stages that are running.");
    gauge("stage.waitingStages", "dag_scheduler_waiting_stages", "Stages that wait for their parents.");
    gauge("stage.failedStages", "dag_scheduler_failed_stages", "Stages that failed to fetch shuffle data and are to be submitted again.");
    timer("messageProcessingTime" in ns, "dag_scheduler_message_processing_time_seconds", "Time that the scheduler's event loop spends on an event.");
}

source! {
    APP_STATUS: "appStatus." of DRIVER, "";
    counter("jobs.succeededJobs", "app_status_succeeded_jobs_total", "Jobs that succeeded.");
    counter("jobs.failedJobs", "app_status_failed_jobs_total", "Jobs that failed.");
    gauge("jobDuration" in ms, "app_status_job_duration_seconds", "Duration of the job that ended last.");
    counter("stages.completedStages", "app_status_completed_stages_total", "Stages that completed.");
    counter("stages.failedStages", "app_status_failed_stages_total", "Stages that failed.");
    counter("stages.skippedStages", "app_status_skipped_stages_total", "Stages that were skipped, since their result was there.");
    counter("tasks.completedTasks", "app_status_completed_tasks_total", "Tasks that completed.");
    counter("tasks.failedTasks", "app_status_failed_tasks_total", "Tasks that failed.");
    counter("tasks.killedTasks", "app_status_killed_tasks_total", "Tasks that were killed, by speculation or with their stage.");
    counter("tasks.skippedTasks", "app_status_skipped_tasks_total", "Tasks of skipped stages.");
    counter("tasks.excludedExecutors", "app_status_excluded_executors_total", "Times that an executor was excluded for its failures.").since("3.1");
    counter("tasks.unexcludedExecutors", "app_status_unexcluded_executors_total", "Times that an executor was taken back after an exclusion.").since("3.1");
    counter("tasks.blackListedExecutors", "app_status_excluded_executors_total", "Times that an executor was excluded for its failures.").older_name();
    counter("tasks.unblackListedExecutors", "app_status_unexcluded_executors_total", "Times that an executor was taken back after an exclusion.").older_name();
}

source! {
    LISTENER_BUS: "LiveListenerBus." of DRIVER, "";
    counter("numEventsPosted", "live_listener_bus_posted_events_total", "Events that were posted to the listener bus.");
    gauge("queue.<queue>.size", "live_listener_bus_queue_size", "Events that wait in a queue of the listener bus.").label(Label::Queue);
    counter("queue.<queue>.numDroppedEvents", "live_listener_bus_queue_dropped_events_total", "Events that were lost because a queue was full.").label(Label::Queue);
    timer("queue.<queue>.listenerProcessingTime" in ns, "live_listener_bus_queue_processing_time_seconds", "Time that the listeners of a queue spend on an event.").label(Label::Queue);
    timer("listenerProcessingTime.<listener>" in ns, "live_listener_bus_listener_processing_time_seconds", "Time that a listener spends on an event.").label(Label::Listener);
}

source! {
    BLOCK_MANAGER: "BlockManager." of DRIVER, "";
    gauge("memory.maxMem_MB" in MB, "block_manager_max_memory_bytes", "Memory that may hold blocks, on all executors and the driver.");
    gauge("memory.maxOnHeapMem_MB" in MB, "block_manager_max_on_heap_memory_bytes", "On-heap memory that may hold blocks.");
    gauge("memory.maxOffHeapMem_MB" in MB, "block_manager_max_off_heap_memory_bytes", "Off-heap memory that may hold blocks.");
    gauge("memory.memUsed_MB" in MB, "block_manager_used_memory_bytes", "Memory that holds blocks.");
    gauge("memory.onHeapMemUsed_MB" in MB, "block_manager_used_on_heap_memory_bytes", "On-heap memory that holds blocks.");
    gauge("memory.offHeapMemUsed_MB" in MB, "block_manager_used_off_heap_memory_bytes", "Off-heap memory that holds blocks.");
    gauge("memory.remainingMem_MB" in MB, "block_manager_remaining_memory_bytes", "Memory that is left for blocks.");
    gauge("memory.remainingOnHeapMem_MB" in MB, "block_manager_remaining_on_heap_memory_bytes", "On-heap memory that is left for blocks.");
    gauge("memory.remainingOffHeapMem_MB" in MB, "block_manager_remaining_off_heap_memory_bytes", "Off-heap memory that is left for blocks.");
    gauge("disk.diskSpaceUsed_MB" in MB, "block_manager_used_disk_bytes", "Disk space that holds blocks.");
}

source! {
    EXECUTOR_ALLOCATION: "ExecutorAllocationManager." of DRIVER, "";
    gauge("executors.numberAllExecutors", "executor_allocation_manager_executors", "Executors that there are.");
    gauge("executors.numberTargetExecutors", "executor_allocation_manager_target_executors", "Executors that dynamic allocation asks for.");
    gauge("executors.numberMaxNeededExecutors", "executor_allocation_manager_max_needed_executors", "Executors that all running and pending tasks could use.");
    gauge("executors.numberExecutorsToAdd", "executor_allocation_manager_executors_to_add", "Executors that the next round asks for in addition.");
    gauge("executors.numberExecutorsPendingToRemove", "executor_allocation_manager_executors_pending_removal", "Executors that were asked to go and are still there.");
    gauge("executors.numberDecommissioningExecutors", "executor_allocation_manager_decommissioning_executors", "Executors that are being decommissioned.").since("3.4");
    counter("executors.numberExecutorsGracefullyDecommissioned", "executor_allocation_manager_graceful_decommissions_total", "Executors that were decommissioned to the end.").since("3.2");
    counter("executors.numberExecutorsDecommissionUnfinished", "executor_allocation_manager_unfinished_decommissions_total", "Executors that were gone before they were decommissioned to the end.").since("3.2");
    counter("executors.numberExecutorsKilledByDriver", "executor_allocation_manager_killed_executors_total", "Executors that the driver killed.").since("3.2");
    counter("executors.numberExecutorsExitedUnexpectedly", "executor_allocation_manager_unexpected_exits_total", "Executors that exited unasked.").since("3.2");
}
