//! Where a figure begins to mean something: one table, each with its reason.

/// One threshold, for documentation.
#[derive(Debug)]
pub struct Threshold {
    /// Its name in this file.
    pub name: &'static str,
    /// From here on.
    pub value: f64,
    /// Why from there.
    pub reason: &'static str,
}

macro_rules! thresholds {
    ($($name:ident = $value:literal, $reason:literal;)*) => {
        $(#[doc = $reason] #[allow(clippy::doc_markdown)] pub(super) const $name: f64 = $value;)*
        /// All thresholds.
        pub const THRESHOLDS: &[Threshold] =
            &[$(Threshold { name: stringify!($name), value: $value, reason: $reason }),*];
    };
}

thresholds! {
    NEAR_LIMIT = 0.95, "working set of the limit; SparkContainerNearMemoryLimit's";
    NEAR_LIMIT_ANONYMOUS = 0.9, "anonymous memory of the limit: page cache in the working set can be reclaimed; SparkContainerNearMemoryLimit's";
    HEAP_FULL = 0.95, "heap in use after a full collection, of the most that there may be: less is a cache that Spark would drop";
    PYTHON_SHARE = 0.25, "Python's memory of the container's: below it the JVM is what fills it";
    PYTHON_GROWTH = 1.05, "growth in each of two spans of ten minutes; SparkPythonMemoryGrowing's: a step up does that once only";
    HEADROOM = 1.25, "what is advised above what was seen: memory is seen once a scrape, and peaks lie between";
    OVERHEAD_UNKNOWN = 0.6, "what is advised beside the heap, of a limit of which nothing else is known: spark.kubernetes.memoryOverheadFactor makes it 9 % of a JVM's limit and 29 % of a Python job's";
    GC_SHARE = 0.2, "of the time the JVM stood still; SparkGarbageCollectionHigh's";
    GC_SECONDS = 60.0, "garbage collection in all, in seconds: a share of little is little";
    THROTTLED = 0.5, "periods in which the CPU limit was used up, of those with something to run; SparkCpuThrottled's";
    THROTTLED_PERIODS = 600.0, "such periods (one minute of 100 ms each): fewer are a start-up";
    STALLED = 0.1, "of the time all threads waited for memory or storage: below a tenth it is not what a job waits for";
    STALLED_SECONDS = 30.0, "such time in seconds: a share of little is little";
    SKEW = 4.0, "longest task to median task: adaptive execution splits a partition from 5 medians on, and a stage with less is no longer than two rounds";
    SKEW_SECONDS = 10.0, "longest task in seconds: a long one among tiny ones costs nothing";
    SKEW_SHARE = 0.1, "of the application's time, the longest task beyond the median: what mending it would save";
    SPILLED_BYTES = 1_073_741_824.0, "1 GiB spilled by one stage: less is written in seconds";
    SPILLED_SHARE = 0.5, "spilled of what was shuffled or read; SparkSpillHigh's";
    TASK_TINY = 0.1, "seconds of a median task: scheduling one costs some 10 ms";
    TASK_TINY_COUNT = 1000.0, "tasks of a stage with tiny tasks: fewer are over in seconds";
    TASK_LARGE = 1_073_741_824.0, "1 GiB of input or shuffle data for one task: Spark's own default is 128 MB";
    SLOTS_UNUSED = 0.5, "tasks of a costly stage to the slots that there are: half of them had nothing to do";
    STAGE_SHARE = 0.2, "of the application's task time: a stage with less is not what a job takes its time for";
    TASKS_FAILING = 0.05, "failed of all tasks; SparkTasksFailing's";
    TASKS_FAILED = 10.0, "failed tasks; SparkTasksFailing's";
    EXECUTORS_LOST = 0.3, "lost of the most that there were; SparkExecutorsLost's";
    NODE_SLOW = 2.0, "time per task of a node to the median of the others; its tasks are the same on average";
    FETCH_WAIT = 0.2, "of the tasks' time they waited for shuffle data of others";
    DRIVER_BOUND = 0.3, "of the application's time no task ran while executors were there: the driver worked alone";
    DRIVER_BOUND_SECONDS = 120.0, "such time in seconds: planning a query takes some";
    WAITING = 0.2, "of the application's time a job ran and no executor was there";
    WAITING_SECONDS = 120.0, "such time in seconds: a node that starts takes that long";
    IDLE_SLOTS = 0.25, "busy of all slots, on average, over all of the time; SparkCpuOversized looks at a quarter of the cores";
    IDLE_SLOTS_MANY = 8.0, "slots in all: fewer are little money; SparkCpuOversized's";
    MEMORY_OVERSIZED = 0.5, "most memory of any executor, of its limit; SparkMemoryOversized's";
    MEMORY_OVERSIZED_BYTES = 17_179_869_184.0, "16 GiB of all executors together: less is little money; SparkMemoryOversized's";
    RIGHT_SIZE_SECONDS = 600.0, "an application has to have run for so long before it is said to be too large";
    STREAM_BEHIND = 0.9, "rows processed of rows that arrive; SparkStreamingFallingBehind's";
    STREAM_SLOWER = 2.0, "how long batches take to how long they took; SparkStreamingBatchesSlow's";
    STREAM_BATCH = 60.0, "seconds of a batch; SparkStreamingBatchesSlow's";
    STATE_GROWTH = 2.0, "state at last to state at first: one that a watermark bounds levels off";
    STATE_BYTES = 268_435_456.0, "256 MiB of state: less may grow";
    WATERMARK_BEHIND = 3600.0, "seconds that a watermark is behind: state is kept for that long";
    SLOWER = 1.5, "how long this run took to the median of the last ones";
    SLOWER_SECONDS = 300.0, "and so many seconds longer";
    RUNS = 3.0, "earlier runs: fewer have no median";
}
