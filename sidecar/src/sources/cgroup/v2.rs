//! cgroup v2: one directory for all (the kernel's `Documentation/admin-guide/cgroup-v2.rst`).

use super::figures::{Cpu, Figures, Memory, Storage, Waiting};
use crate::kernel_files::{Buffer, OpenFiles, Unparsed, lines, number, numbers, pair, words};

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
    group.parse("cpu.stat", buffer, |file, unparsed| cpu_stat(file, unparsed, cpu));
    group.parse("cpu.max", buffer, |file, unparsed| cpu_max(file, unparsed, cpu));
    // Where the kernel was told not to measure, reading fails (EOPNOTSUPP).
    let mut waiting = |file| group.parse(file, buffer, pressure).unwrap_or_default();
    figures.pressure.cpu = waiting("cpu.pressure");
    figures.pressure.memory = waiting("memory.pressure");
    figures.pressure.io = waiting("io.pressure");
    figures.storage = group.parse("io.stat", buffer, traffic).unwrap_or_default();
    figures.pids.current = group.number("pids.current", buffer);
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
    group.parse(EVENTS, buffer, |file, unparsed| memory_events(file, unparsed, &mut memory));
    group.parse("memory.stat", buffer, |file, unparsed| memory_stat(file, unparsed, &mut memory));
    (memory != Memory::default()).then_some(memory)
}

/// Reads the count of out-of-memory kills alone: one file that costs the kernel no adding up, as
/// `memory.stat` does.
pub(super) fn oom_kills(group: &OpenFiles, buffer: &mut Buffer) -> Option<u64> {
    let mut memory = Memory::default();
    group.parse(EVENTS, buffer, |file, unparsed| memory_events(file, unparsed, &mut memory));
    memory.oom_kills
}

pub(super) fn memory_events(file: &[u8], unparsed: &mut Unparsed, memory: &mut Memory) {
    for (key, count) in numbers(file, unparsed) {
        match key {
            b"max" => memory.limit_hits = Some(count),
            b"oom_kill" => memory.oom_kills = Some(count),
            _ => {}
        }
    }
}

/// What is charged to the group has to be known already.
pub(super) fn memory_stat(file: &[u8], unparsed: &mut Unparsed, memory: &mut Memory) {
    let mut inactive_file = None;
    for (key, value) in numbers(file, unparsed) {
        let figure = match key {
            b"anon" => &mut memory.rss_bytes,
            b"file" => &mut memory.cache_bytes,
            b"file_mapped" => &mut memory.mapped_file_bytes,
            b"inactive_file" => &mut inactive_file,
            b"pgfault" => &mut memory.page_faults,
            b"pgmajfault" => &mut memory.major_page_faults,
            _ => continue,
        };
        *figure = Some(value);
    }
    memory.set_working_set(inactive_file);
}

pub(super) fn cpu_stat(file: &[u8], unparsed: &mut Unparsed, cpu: &mut Cpu) {
    for (key, value) in numbers(file, unparsed) {
        let seconds = Some(value as f64 / MICROSECONDS);
        match key {
            b"usage_usec" => cpu.usage_seconds = seconds,
            b"user_usec" => cpu.user_seconds = seconds,
            b"system_usec" => cpu.system_seconds = seconds,
            b"nr_periods" => cpu.periods = Some(value),
            b"nr_throttled" => cpu.throttled_periods = Some(value),
            b"throttled_usec" => cpu.throttled_seconds = seconds,
            _ => {}
        }
    }
}

/// One line, `<quota> <period>`, where the quota may be `max`.
pub(super) fn cpu_max(file: &[u8], unparsed: &mut Unparsed, cpu: &mut Cpu) {
    for line in lines(file) {
        let mut words = words(line);
        let (quota, period) = (words.next(), words.next().and_then(number));
        let read = match (quota, period) {
            (Some(b"max"), Some(period)) => Some((None, period)),
            (Some(quota), Some(period)) => number(quota).map(|quota| (Some(quota), period)),
            _ => None,
        };
        if let Some((quota, period)) = unparsed.unless(read) {
            cpu.set_quota(quota, Some(period));
        }
    }
}

/// Two lines, `some avg10=0.00 avg60=0.00 avg300=0.00 total=<microseconds>` and `full …`; before
/// kernel 5.13 there is no `full` for the CPU.
pub(super) fn pressure(file: &[u8], unparsed: &mut Unparsed) -> Waiting {
    let mut waiting = Waiting::default();
    for line in lines(file) {
        let total = words(line).find_map(|word| number(word.strip_prefix(b"total=")?));
        let seconds = unparsed.unless(total).map(|time| time as f64 / MICROSECONDS);
        match words(line).next() {
            Some(b"some") if seconds.is_some() => waiting.waiting_seconds = seconds,
            Some(b"full") if seconds.is_some() => waiting.stalled_seconds = seconds,
            _ => {}
        }
    }
    waiting
}

/// The sum over lines like `8:0 rbytes=1 wbytes=2 rios=…`, in which keys may be missing; no lines
/// are no traffic. A device may have no name (`(unknown)`: ZFS, multipath): its line is left out,
/// and if there is no other, there is no sum.
pub(super) fn traffic(file: &[u8], unparsed: &mut Unparsed) -> Storage {
    Storage::sum(lines(file).map(|line| unparsed.unless(device(line))))
}

/// What was read and written of one device. Kernels before 5.18 leave devices without figures on
/// the line of the next one.
fn device(line: &[u8]) -> Option<(u64, u64)> {
    let (mut read, mut written, mut named) = (0, 0, false);
    for word in words(line) {
        if let Some(bytes) = word.strip_prefix(b"rbytes=") {
            read = number(bytes)?;
        } else if let Some(bytes) = word.strip_prefix(b"wbytes=") {
            written = number(bytes)?;
        } else if is_device(word) {
            named = true;
        } else {
            memchr::memchr(b'=', word)?;
        }
    }
    named.then_some((read, written))
}

/// `<major>:<minor>`
pub(super) fn is_device(word: &[u8]) -> bool {
    pair(word).is_some_and(|(major, minor)| number(major).and(number(minor)).is_some())
}
