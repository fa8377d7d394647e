//! The figures on the page, each with the files that it comes from.

use super::figures::Figures;
use crate::exposition::{Described, Page, Row};

/// Every family but one.
#[rustfmt::skip]
const FAMILIES: [Row<Figures>; 27] = [
    (gauge("spark_container_memory_usage_bytes",
        "Memory charged to the container, page cache included (memory.current; v1 memory.usage_in_bytes)."),
        |it| float(it.memory.usage_bytes)),
    (gauge("spark_container_memory_working_set_bytes",
        "Memory charged to the container less inactive page cache, which the kubelet evicts by (memory.current, memory.stat inactive_file; v1 memory.usage_in_bytes, total_inactive_file)."),
        |it| float(it.memory.working_set_bytes)),
    (gauge("spark_container_memory_peak_bytes",
        "Most memory that was ever charged to the container (memory.peak; v1 memory.max_usage_in_bytes)."),
        |it| float(it.memory.peak_bytes)),
    (gauge("spark_container_memory_limit_bytes",
        "Memory limit of the container; absent if there is none (memory.max; v1 memory.limit_in_bytes)."),
        |it| float(it.memory.limit_bytes)),
    (gauge("spark_container_memory_rss_bytes",
        "Anonymous memory of the container (memory.stat anon; v1 total_rss)."),
        |it| float(it.memory.rss_bytes)),
    (gauge("spark_container_memory_cache_bytes",
        "Page cache of the container (memory.stat file; v1 total_cache)."),
        |it| float(it.memory.cache_bytes)),
    (gauge("spark_container_memory_mapped_file_bytes",
        "Files that the container has mapped into memory (memory.stat file_mapped; v1 total_mapped_file)."),
        |it| float(it.memory.mapped_file_bytes)),
    (gauge("spark_container_memory_swap_bytes",
        "Memory of the container that was swapped out (memory.swap.current; v1 memory.stat total_swap)."),
        |it| float(it.memory.swap_bytes)),
    (gauge("spark_container_cpu_quota_cores",
        "CPU limit of the container in cores; absent if there is none (cpu.max; v1 cpu.cfs_quota_us, cpu.cfs_period_us)."),
        |it| it.cpu.quota_cores),
    (gauge("spark_container_threads",
        "Processes and threads of the container (pids.current)."),
        |it| float(it.pids.current)),
    (gauge("spark_container_threads_max",
        "Most processes and threads that the container may have; absent if there is no limit (pids.max)."),
        |it| float(it.pids.limit)),
    (counter("spark_container_memory_failcnt_total",
        "How often the container reached its memory limit (memory.events max; v1 memory.failcnt)."),
        |it| float(it.memory.limit_hits)),
    (counter("spark_container_oom_kills_total",
        "Processes of the container that were killed for want of memory (memory.events oom_kill; v1 memory.oom_control oom_kill)."),
        |it| float(it.memory.oom_kills)),
    (counter("spark_container_cpu_usage_seconds_total",
        "CPU time of the container (cpu.stat usage_usec; v1 cpuacct.usage)."),
        |it| it.cpu.usage_seconds),
    (counter("spark_container_cpu_user_seconds_total",
        "CPU time of the container in user mode (cpu.stat user_usec; v1 cpuacct.stat user)."),
        |it| it.cpu.user_seconds),
    (counter("spark_container_cpu_system_seconds_total",
        "CPU time of the container in the kernel (cpu.stat system_usec; v1 cpuacct.stat system)."),
        |it| it.cpu.system_seconds),
    (counter("spark_container_cpu_cfs_periods_total",
        "Periods of the CPU limit in which the container had something to run (cpu.stat nr_periods)."),
        |it| float(it.cpu.periods)),
    (counter("spark_container_cpu_cfs_throttled_periods_total",
        "Periods in which the container used its CPU limit up (cpu.stat nr_throttled)."),
        |it| float(it.cpu.throttled_periods)),
    (counter("spark_container_cpu_cfs_throttled_seconds_total",
        "Time that the container was held back by its CPU limit (cpu.stat throttled_usec; v1 throttled_time)."),
        |it| it.cpu.throttled_seconds),
    (counter("spark_container_pressure_cpu_waiting_seconds_total",
        "Time in which some threads of the container waited for a CPU (cpu.pressure some)."),
        |it| it.pressure.cpu.waiting_seconds),
    (counter("spark_container_pressure_cpu_stalled_seconds_total",
        "Time in which all threads of the container waited for a CPU (cpu.pressure full)."),
        |it| it.pressure.cpu.stalled_seconds),
    (counter("spark_container_pressure_memory_waiting_seconds_total",
        "Time in which some threads of the container waited for memory (memory.pressure some)."),
        |it| it.pressure.memory.waiting_seconds),
    (counter("spark_container_pressure_memory_stalled_seconds_total",
        "Time in which all threads of the container waited for memory (memory.pressure full)."),
        |it| it.pressure.memory.stalled_seconds),
    (counter("spark_container_pressure_io_waiting_seconds_total",
        "Time in which some threads of the container waited for storage (io.pressure some)."),
        |it| it.pressure.io.waiting_seconds),
    (counter("spark_container_pressure_io_stalled_seconds_total",
        "Time in which all threads of the container waited for storage (io.pressure full)."),
        |it| it.pressure.io.stalled_seconds),
    (counter("spark_container_fs_reads_bytes_total",
        "Bytes that the container read from block devices, stacked ones each (io.stat rbytes; v1 blkio.throttle.io_service_bytes Read)."),
        |it| float(it.storage.read_bytes)),
    (counter("spark_container_fs_writes_bytes_total",
        "Bytes that the container wrote to block devices, stacked ones each (io.stat wbytes; v1 blkio.throttle.io_service_bytes Write)."),
        |it| float(it.storage.written_bytes)),
];

/// The family of page faults, which has a label more than the others.
const FAULTS: Described = Described::counter(
    "spark_container_memory_failures_total",
    &["container", "failure_type"],
    "Page faults of the container, all and those that had to wait for storage (memory.stat).",
);

const fn gauge(name: &'static str, help: &'static str) -> Described {
    Described::gauge(name, &["container"], help)
}

const fn counter(name: &'static str, help: &'static str) -> Described {
    Described::counter(name, &["container"], help)
}

fn float(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

/// A page with every family that [`Figures::write`] can write and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    Page::of_described(FAMILIES.iter().map(|(metric, _)| metric).chain([&FAULTS]))
}

impl Figures {
    /// Writes the `spark_container_*` families, each with the label `container`.
    pub fn write(&self, container: &str, page: &mut Page) {
        page.put_all(&FAMILIES, &[("container", container)], self);
        let faults =
            [("pgfault", self.memory.page_faults), ("pgmajfault", self.memory.major_page_faults)];
        for (failure_type, value) in faults {
            if let Some(value) = value {
                let labels = [("container", container), ("failure_type", failure_type)];
                page.put(&FAULTS, &labels, value as f64);
            }
        }
    }
}
