//! cgroup v1: a directory for each controller (the kernel's `Documentation/admin-guide/cgroup-v1`).

use super::figures::{Figures, Memory, Storage};
use crate::kernel_files::{Buffer, OpenFiles, number, pairs, value_of};
use crate::sources::processes::stat::TICKS_PER_SECOND;

const NANOSECONDS: f64 = 1e9;

/// No limit is said as the largest number of pages, in bytes: with pages of 4 KiB it ends in
/// `f000`, with pages of 64 KiB in `0000`.
const UNLIMITED: u64 = 0x7fff_ffff_ffff_0000;

/// The second one leaves groups below out; older kernels have no other.
const TRAFFIC: [&str; 2] =
    ["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"];

/// The controllers that are read, and of each all that is read. No two have files of one name.
pub(super) const CONTROLLERS: [(&str, &[&str]); 5] = [
    (
        "memory",
        &[
            "memory.usage_in_bytes",
            "memory.max_usage_in_bytes",
            "memory.limit_in_bytes",
            "memory.failcnt",
            "memory.oom_control",
            "memory.stat",
        ],
    ),
    ("cpuacct", &["cpuacct.usage", "cpuacct.stat"]),
    ("cpu", &["cpu.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us"]),
    ("blkio", &TRAFFIC),
    ("pids", &["pids.current", "pids.max"]),
];

/// Reads what the groups have; what they have not stays as it was.
pub(super) fn read(groups: &OpenFiles, buffer: &mut Buffer, figures: &mut Figures) {
    if let Some(memory) = memory(groups, buffer) {
        figures.memory = memory;
    }
    let cpu = &mut figures.cpu;
    if let Some(usage) = groups.number("cpuacct.usage", buffer) {
        cpu.usage_seconds = Some(usage as f64 / NANOSECONDS);
    }
    if let Some(stat) = groups.read("cpuacct.stat", buffer) {
        let seconds = |key| value_of(stat, key).map(|ticks| ticks as f64 / TICKS_PER_SECOND);
        (cpu.user_seconds, cpu.system_seconds) = (seconds(b"user"), seconds(b"system"));
    }
    if let Some(stat) = groups.read("cpu.stat", buffer) {
        cpu.periods = value_of(stat, b"nr_periods");
        cpu.throttled_periods = value_of(stat, b"nr_throttled");
        let throttled = value_of(stat, b"throttled_time");
        cpu.throttled_seconds = throttled.map(|time| time as f64 / NANOSECONDS);
    }
    // No limit is -1, which is none of the numbers read here.
    if let Some(quota) = groups.number("cpu.cfs_quota_us", buffer) {
        cpu.set_quota(Some(quota), groups.number("cpu.cfs_period_us", buffer));
    }
    for file in TRAFFIC {
        if let Some(file) = groups.read(file, buffer) {
            figures.storage = traffic(file).unwrap_or_default();
            break;
        }
    }
    if let Some(current) = groups.number("pids.current", buffer) {
        figures.pids.current = Some(current);
        // `max` is no number.
        figures.pids.limit = groups.number("pids.max", buffer);
    }
}

/// Reads the memory figures alone; nothing if there are none.
pub(super) fn memory(groups: &OpenFiles, buffer: &mut Buffer) -> Option<Memory> {
    let mut memory = Memory {
        usage_bytes: groups.number("memory.usage_in_bytes", buffer),
        peak_bytes: groups.number("memory.max_usage_in_bytes", buffer),
        limit_bytes: groups.number("memory.limit_in_bytes", buffer).filter(|max| *max < UNLIMITED),
        limit_hits: groups.number("memory.failcnt", buffer),
        ..Memory::default()
    };
    if let Some(control) = groups.read("memory.oom_control", buffer) {
        memory.oom_kills = value_of(control, b"oom_kill");
    }
    let stat = groups.read("memory.stat", buffer).unwrap_or_default();
    let mut inactive_file = None;
    for (key, value) in pairs(stat) {
        // The plain ones leave groups below out.
        let figure = match key {
            b"total_rss" => &mut memory.rss_bytes,
            b"total_cache" => &mut memory.cache_bytes,
            b"total_mapped_file" => &mut memory.mapped_file_bytes,
            b"total_swap" => &mut memory.swap_bytes,
            b"total_inactive_file" => &mut inactive_file,
            b"total_pgfault" => &mut memory.page_faults,
            b"total_pgmajfault" => &mut memory.major_page_faults,
            _ => continue,
        };
        *figure = number(value);
    }
    memory.set_working_set(inactive_file);
    (memory != Memory::default()).then_some(memory)
}

/// The sum over lines like `8:0 Read 4096`; the last line is a total. `None` if one line is not
/// like that.
pub(super) fn traffic(file: &[u8]) -> Option<Storage> {
    let (mut read, mut written) = (0u64, 0u64);
    for line in file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut words = line.split(|byte| *byte == b' ');
        match (words.next()?, words.next()?) {
            (b"Total", _) => {}
            (_, b"Read") => read = read.saturating_add(number(words.next()?)?),
            (_, b"Write") => written = written.saturating_add(number(words.next()?)?),
            (device, _) => drop(memchr::memchr(b':', device)?),
        }
    }
    Some(Storage { read_bytes: Some(read), written_bytes: Some(written) })
}
