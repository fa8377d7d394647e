//! The figures on the page, each with the files that it comes from.

use super::figures::{Figures, Waiting};
use crate::exposition::{Kind, Page};

/// One series: its name, its help and its value.
type Row = (&'static str, &'static str, Option<f64>);

/// The family of page faults, which has a label more than the others.
const FAULTS: (&str, &str) = (
    "spark_container_memory_failures_total",
    "Page faults of the container, all and those that had to wait for storage (memory.stat).",
);

/// A page with every family that [`Figures::write`] can write and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    let mut page = Page::new();
    let figures = Figures::default();
    for (name, help, _) in figures.gauges() {
        page.family(name, Kind::Gauge, help);
    }
    for (name, help, _) in figures.counters() {
        page.family(name, Kind::Counter, help);
    }
    page.family(FAULTS.0, Kind::Counter, FAULTS.1);
    page
}

impl Figures {
    /// Writes the `spark_container_*` families, each with the label `container`.
    pub fn write(&self, container: &str, page: &mut Page) {
        let labels = [("container", container)];
        for (name, help, value) in self.gauges() {
            if let Some(value) = value {
                page.gauge(name, help, &labels, value);
            }
        }
        for (name, help, value) in self.counters() {
            if let Some(value) = value {
                page.counter(name, help, &labels, value);
            }
        }
        let faults =
            [("pgfault", self.memory.page_faults), ("pgmajfault", self.memory.major_page_faults)];
        for (failure_type, value) in faults {
            if let Some(value) = value {
                page.counter(
                    FAULTS.0,
                    FAULTS.1,
                    &[("container", container), ("failure_type", failure_type)],
                    value as f64,
                );
            }
        }
    }

    fn gauges(&self) -> [Row; 11] {
        let memory = &self.memory;
        let float = |value: Option<u64>| value.map(|value| value as f64);
        [
            (
                "spark_container_memory_usage_bytes",
                "Memory charged to the container, page cache included (memory.current; v1 memory.usage_in_bytes).",
                float(memory.usage_bytes),
            ),
            (
                "spark_container_memory_working_set_bytes",
                "Memory charged to the container less inactive page cache, which the kubelet evicts by (memory.current, memory.stat inactive_file; v1 memory.usage_in_bytes, total_inactive_file).",
                float(memory.working_set_bytes),
            ),
            (
                "spark_container_memory_peak_bytes",
                "Most memory that was ever charged to the container (memory.peak; v1 memory.max_usage_in_bytes).",
                float(memory.peak_bytes),
            ),
            (
                "spark_container_memory_limit_bytes",
                "Memory limit of the container; absent if there is none (memory.max; v1 memory.limit_in_bytes).",
                float(memory.limit_bytes),
            ),
            (
                "spark_container_memory_rss_bytes",
                "Anonymous memory of the container (memory.stat anon; v1 total_rss).",
                float(memory.rss_bytes),
            ),
            (
                "spark_container_memory_cache_bytes",
                "Page cache of the container (memory.stat file; v1 total_cache).",
                float(memory.cache_bytes),
            ),
            (
                "spark_container_memory_mapped_file_bytes",
                "Files that the container has mapped into memory (memory.stat file_mapped; v1 total_mapped_file).",
                float(memory.mapped_file_bytes),
            ),
            (
                "spark_container_memory_swap_bytes",
                "Memory of the container that was swapped out (memory.swap.current; v1 memory.stat total_swap).",
                float(memory.swap_bytes),
            ),
            (
                "spark_container_cpu_quota_cores",
                "CPU limit of the container in cores; absent if there is none (cpu.max; v1 cpu.cfs_quota_us, cpu.cfs_period_us).",
                self.cpu.quota_cores,
            ),
            (
                "spark_container_threads",
                "Processes and threads of the container (pids.current).",
                float(self.pids.current),
            ),
            (
                "spark_container_threads_max",
                "Most processes and threads that the container may have; absent if there is no limit (pids.max).",
                float(self.pids.limit),
            ),
        ]
    }

    fn counters(&self) -> [Row; 16] {
        let cpu = &self.cpu;
        let Waiting { waiting_seconds: cpu_waiting, stalled_seconds: cpu_stalled } =
            self.pressure.cpu;
        let Waiting { waiting_seconds: memory_waiting, stalled_seconds: memory_stalled } =
            self.pressure.memory;
        let Waiting { waiting_seconds: io_waiting, stalled_seconds: io_stalled } = self.pressure.io;
        let float = |value: Option<u64>| value.map(|value| value as f64);
        [
            (
                "spark_container_memory_failcnt_total",
                "How often the container reached its memory limit (memory.events max; v1 memory.failcnt).",
                float(self.memory.limit_hits),
            ),
            (
                "spark_container_oom_kills_total",
                "Processes of the container that were killed for want of memory (memory.events oom_kill; v1 memory.oom_control oom_kill).",
                float(self.memory.oom_kills),
            ),
            (
                "spark_container_cpu_usage_seconds_total",
                "CPU time of the container (cpu.stat usage_usec; v1 cpuacct.usage).",
                cpu.usage_seconds,
            ),
            (
                "spark_container_cpu_user_seconds_total",
                "CPU time of the container in user mode (cpu.stat user_usec; v1 cpuacct.stat user).",
                cpu.user_seconds,
            ),
            (
                "spark_container_cpu_system_seconds_total",
                "CPU time of the container in the kernel (cpu.stat system_usec; v1 cpuacct.stat system).",
                cpu.system_seconds,
            ),
            (
                "spark_container_cpu_cfs_periods_total",
                "Periods of the CPU limit in which the container had something to run (cpu.stat nr_periods).",
                float(cpu.periods),
            ),
            (
                "spark_container_cpu_cfs_throttled_periods_total",
                "Periods in which the container used its CPU limit up (cpu.stat nr_throttled).",
                float(cpu.throttled_periods),
            ),
            (
                "spark_container_cpu_cfs_throttled_seconds_total",
                "Time that the container was held back by its CPU limit (cpu.stat throttled_usec; v1 throttled_time).",
                cpu.throttled_seconds,
            ),
            (
                "spark_container_pressure_cpu_waiting_seconds_total",
                "Time in which some threads of the container waited for a CPU (cpu.pressure some).",
                cpu_waiting,
            ),
            (
                "spark_container_pressure_cpu_stalled_seconds_total",
                "Time in which all threads of the container waited for a CPU (cpu.pressure full).",
                cpu_stalled,
            ),
            (
                "spark_container_pressure_memory_waiting_seconds_total",
                "Time in which some threads of the container waited for memory (memory.pressure some).",
                memory_waiting,
            ),
            (
                "spark_container_pressure_memory_stalled_seconds_total",
                "Time in which all threads of the container waited for memory (memory.pressure full).",
                memory_stalled,
            ),
            (
                "spark_container_pressure_io_waiting_seconds_total",
                "Time in which some threads of the container waited for storage (io.pressure some).",
                io_waiting,
            ),
            (
                "spark_container_pressure_io_stalled_seconds_total",
                "Time in which all threads of the container waited for storage (io.pressure full).",
                io_stalled,
            ),
            (
                "spark_container_fs_reads_bytes_total",
                "Bytes that the container read from block devices, stacked ones each (io.stat rbytes; v1 blkio.throttle.io_service_bytes Read).",
                float(self.storage.read_bytes),
            ),
            (
                "spark_container_fs_writes_bytes_total",
                "Bytes that the container wrote to block devices, stacked ones each (io.stat wbytes; v1 blkio.throttle.io_service_bytes Write).",
                float(self.storage.written_bytes),
            ),
        ]
    }
}
