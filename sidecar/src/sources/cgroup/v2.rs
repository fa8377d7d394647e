//! cgroup v2: one directory for all (the kernel's `Documentation/admin-guide/cgroup-v2.rst`).

use super::figures::{Figures, Memory, Storage, Waiting};
use crate::kernel_files::{Buffer, OpenFiles, number, pairs, value_of};

const MICROSECONDS: f64 = 1e6;

/// What the kernel counts of the group's memory, and tells of at once.
pub(super) const EVENTS: &str = "memory.events";

/// All that is read of a group.
pub(super) const FILES: [&str; 14] = [
    "memory.current",
    "memory.peak",
    "memory.max",
    "memory.swap.current",
    EVENTS,
    "memory.stat",
    "cpu.stat",
    "cpu.max",
    "cpu.pressure",
    "memory.pressure",
    "io.pressure",
    "io.stat",
    "pids.current",
    "pids.max",
];

/// Reads what the group has; what it has not stays as it was.
pub(super) fn read(group: &OpenFiles, buffer: &mut Buffer, figures: &mut Figures) {
    figures.memory = memory(group, buffer).unwrap_or_default();
    let cpu = &mut figures.cpu;
    if let Some(stat) = group.read("cpu.stat", buffer) {
        let seconds = |key: &[u8]| value_of(stat, key).map(|time| time as f64 / MICROSECONDS);
        cpu.usage_seconds = seconds(b"usage_usec");
        cpu.user_seconds = seconds(b"user_usec");
        cpu.system_seconds = seconds(b"system_usec");
        cpu.periods = value_of(stat, b"nr_periods");
        cpu.throttled_periods = value_of(stat, b"nr_throttled");
        cpu.throttled_seconds = seconds(b"throttled_usec");
    }
    if let Some(max) = group.read("cpu.max", buffer) {
        let (quota, period) = pairs(max).next().unwrap_or_default();
        cpu.set_quota(number(quota), number(period));
    }
    // Where the kernel was told not to measure, reading fails (EOPNOTSUPP).
    let mut waiting = |file| group.read(file, buffer).map_or_else(Waiting::default, pressure);
    figures.pressure.cpu = waiting("cpu.pressure");
    figures.pressure.memory = waiting("memory.pressure");
    figures.pressure.io = waiting("io.pressure");
    figures.storage = group.read("io.stat", buffer).and_then(traffic).unwrap_or_default();
    figures.pids.current = group.number("pids.current", buffer);
    // `max` is no number.
    figures.pids.limit = group.number("pids.max", buffer);
}

/// Reads the memory figures alone; nothing if there are none.
pub(super) fn memory(group: &OpenFiles, buffer: &mut Buffer) -> Option<Memory> {
    let mut memory = Memory {
        usage_bytes: group.number("memory.current", buffer),
        peak_bytes: group.number("memory.peak", buffer),
        limit_bytes: group.number("memory.max", buffer),
        swap_bytes: group.number("memory.swap.current", buffer),
        ..Memory::default()
    };
    if let Some(events) = group.read(EVENTS, buffer) {
        memory.limit_hits = value_of(events, b"max");
        memory.oom_kills = value_of(events, b"oom_kill");
    }
    let stat = group.read("memory.stat", buffer).unwrap_or_default();
    let mut inactive_file = None;
    for (key, value) in pairs(stat) {
        let figure = match key {
            b"anon" => &mut memory.rss_bytes,
            b"file" => &mut memory.cache_bytes,
            b"file_mapped" => &mut memory.mapped_file_bytes,
            b"inactive_file" => &mut inactive_file,
            b"pgfault" => &mut memory.page_faults,
            b"pgmajfault" => &mut memory.major_page_faults,
            _ => continue,
        };
        *figure = number(value);
    }
    memory.set_working_set(inactive_file);
    (memory != Memory::default()).then_some(memory)
}

/// Reads the count of out-of-memory kills alone: one file that costs the kernel no adding up, as
/// `memory.stat` does.
pub(super) fn oom_kills(group: &OpenFiles, buffer: &mut Buffer) -> Option<u64> {
    value_of(group.read(EVENTS, buffer)?, b"oom_kill")
}

/// Two lines, `some avg10=0.00 avg60=0.00 avg300=0.00 total=<microseconds>` and `full …`; before
/// kernel 5.13 there is no `full` for the CPU.
pub(super) fn pressure(file: &[u8]) -> Waiting {
    let total = |name: &[u8]| {
        let (_, values) = pairs(file).find(|(key, _)| *key == name)?;
        let mut values = values.split(|byte| *byte == b' ');
        let total = values.find_map(|value| value.strip_prefix(b"total="))?;
        number(total).map(|time| time as f64 / MICROSECONDS)
    };
    Waiting { waiting_seconds: total(b"some"), stalled_seconds: total(b"full") }
}

/// The sum over lines like `8:0 rbytes=1 wbytes=2 rios=…`, in which keys may be missing; no lines
/// are no traffic. `None` if one line is not like that.
pub(super) fn traffic(file: &[u8]) -> Option<Storage> {
    let (mut read, mut written) = (0u64, 0u64);
    for line in file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut words = line.split(|byte| *byte == b' ');
        memchr::memchr(b':', words.next()?)?;
        for word in words {
            if let Some(bytes) = word.strip_prefix(b"rbytes=") {
                read = read.saturating_add(number(bytes)?);
            } else if let Some(bytes) = word.strip_prefix(b"wbytes=") {
                written = written.saturating_add(number(bytes)?);
            }
        }
    }
    Some(Storage { read_bytes: Some(read), written_bytes: Some(written) })
}
