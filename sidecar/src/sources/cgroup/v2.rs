//! cgroup v2: one directory for all (the kernel's `Documentation/admin-guide/cgroup-v2.rst`).

use std::path::Path;

use super::figures::{Figures, Memory, Storage, Waiting};
use crate::kernel_files::{Reader, number, pairs, value_of};

const MICROSECONDS: f64 = 1e6;

/// What the kernel counts of the group's memory, and tells of at once.
pub(super) const EVENTS: &str = "memory.events";

/// Reads what the group has; what it has not stays as it was.
pub(super) fn read(group: &Path, reader: &mut Reader, figures: &mut Figures) {
    figures.memory = memory(group, reader);
    cpu(group, reader, figures);
    for (file, waiting) in [
        ("cpu.pressure", &mut figures.pressure.cpu),
        ("memory.pressure", &mut figures.pressure.memory),
        ("io.pressure", &mut figures.pressure.io),
    ] {
        // Where the kernel was told not to measure, reading fails (EOPNOTSUPP).
        if let Ok(file) = reader.whole(&group.join(file)) {
            *waiting = pressure(file);
        }
    }
    if let Ok(file) = reader.whole(&group.join("io.stat")) {
        figures.storage = traffic(file).unwrap_or_default();
    }
    figures.pids.current = reader.single(&group.join("pids.current"));
    // `max` is no number.
    figures.pids.limit = reader.single(&group.join("pids.max"));
}

/// Reads the memory figures alone.
pub(super) fn memory(group: &Path, reader: &mut Reader) -> Memory {
    let mut memory = Memory {
        usage_bytes: reader.single(&group.join("memory.current")),
        peak_bytes: reader.single(&group.join("memory.peak")),
        limit_bytes: reader.single(&group.join("memory.max")),
        swap_bytes: reader.single(&group.join("memory.swap.current")),
        ..Memory::default()
    };
    if let Ok(events) = reader.whole(&group.join(EVENTS)) {
        memory.limit_hits = value_of(events, b"max");
        memory.oom_kills = value_of(events, b"oom_kill");
    }
    let Ok(stat) = reader.whole(&group.join("memory.stat")) else {
        return memory;
    };
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
    memory
}

/// Reads the count of out-of-memory kills alone: one file that costs the kernel no adding up, as
/// `memory.stat` does.
pub(super) fn oom_kills(group: &Path, reader: &mut Reader) -> Option<u64> {
    reader.whole(&group.join(EVENTS)).ok().and_then(|events| value_of(events, b"oom_kill"))
}

fn cpu(group: &Path, reader: &mut Reader, figures: &mut Figures) {
    let cpu = &mut figures.cpu;
    if let Ok(stat) = reader.whole(&group.join("cpu.stat")) {
        let seconds = |key: &[u8]| value_of(stat, key).map(|time| time as f64 / MICROSECONDS);
        cpu.usage_seconds = seconds(b"usage_usec");
        cpu.user_seconds = seconds(b"user_usec");
        cpu.system_seconds = seconds(b"system_usec");
        cpu.periods = value_of(stat, b"nr_periods");
        cpu.throttled_periods = value_of(stat, b"nr_throttled");
        cpu.throttled_seconds = seconds(b"throttled_usec");
    }
    if let Ok(max) = reader.whole(&group.join("cpu.max")) {
        let (quota, period) = pairs(max).next().unwrap_or_default();
        cpu.set_quota(number(quota), number(period));
    }
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
