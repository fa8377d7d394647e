//! cgroup v1: a directory for each controller (the kernel's `Documentation/admin-guide/cgroup-v1`).

use super::figures::{Cpu, Figures, Memory, Storage};
use super::v2::is_device;
use crate::kernel_files::{Buffer, OpenFiles, Unparsed, lines, number, numbers, words};
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
    groups.parse("cpuacct.stat", buffer, |file, unparsed| cpuacct_stat(file, unparsed, cpu));
    groups.parse("cpu.stat", buffer, |file, unparsed| cpu_stat(file, unparsed, cpu));
    if let Some(quota) = groups.number("cpu.cfs_quota_us", buffer) {
        cpu.set_quota(Some(quota), groups.number("cpu.cfs_period_us", buffer));
    }
    let mut traffic = TRAFFIC.iter().filter_map(|file| groups.parse(file, buffer, traffic));
    if let Some(storage) = traffic.next() {
        figures.storage = storage;
    }
    if let Some(current) = groups.number("pids.current", buffer) {
        figures.pids.current = Some(current);
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
    groups.parse("memory.oom_control", buffer, |file, unparsed| {
        oom_control(file, unparsed, &mut memory);
    });
    groups.parse("memory.stat", buffer, |file, unparsed| memory_stat(file, unparsed, &mut memory));
    (memory != Memory::default()).then_some(memory)
}

pub(super) fn oom_control(file: &[u8], unparsed: &mut Unparsed, memory: &mut Memory) {
    let kills = numbers(file, unparsed).filter(|(key, _)| *key == b"oom_kill");
    memory.oom_kills = kills.last().map(|(_, count)| count);
}

/// What is charged to the group has to be known already.
pub(super) fn memory_stat(file: &[u8], unparsed: &mut Unparsed, memory: &mut Memory) {
    let mut inactive_file = None;
    for (key, value) in numbers(file, unparsed) {
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
        *figure = Some(value);
    }
    memory.set_working_set(inactive_file);
}

pub(super) fn cpuacct_stat(file: &[u8], unparsed: &mut Unparsed, cpu: &mut Cpu) {
    for (key, ticks) in numbers(file, unparsed) {
        let seconds = Some(ticks as f64 / TICKS_PER_SECOND);
        match key {
            b"user" => cpu.user_seconds = seconds,
            b"system" => cpu.system_seconds = seconds,
            _ => {}
        }
    }
}

pub(super) fn cpu_stat(file: &[u8], unparsed: &mut Unparsed, cpu: &mut Cpu) {
    for (key, value) in numbers(file, unparsed) {
        match key {
            b"nr_periods" => cpu.periods = Some(value),
            b"nr_throttled" => cpu.throttled_periods = Some(value),
            b"throttled_time" => cpu.throttled_seconds = Some(value as f64 / NANOSECONDS),
            _ => {}
        }
    }
}

/// The sum over lines like `8:0 Read 4096`; the last line is a total. A line that is not like that
/// is left out, and if there is no other, there is no sum.
pub(super) fn traffic(file: &[u8], unparsed: &mut Unparsed) -> Storage {
    Storage::sum(lines(file).map(|line| unparsed.unless(device(line))))
}

/// What was read and written by one line.
fn device(line: &[u8]) -> Option<(u64, u64)> {
    let mut words = words(line);
    match (words.next()?, words.next()?, words.next().map(number)) {
        (b"Total", total, None) => number(total).map(|_| (0, 0)),
        (device, what, Some(Some(bytes))) if is_device(device) => match what {
            b"Read" => Some((bytes, 0)),
            b"Write" => Some((0, bytes)),
            _ => Some((0, 0)),
        },
        _ => None,
    }
}
