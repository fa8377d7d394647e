//! cgroup v1: a directory for each controller (the kernel's `Documentation/admin-guide/cgroup-v1`).

use std::path::Path;

use super::figures::{Cpu, Figures, Memory, Storage};
use super::groups::Groups;
use crate::kernel_files::{Reader, number, pairs, value_of};
use crate::sources::processes::stat::TICKS_PER_SECOND;

const NANOSECONDS: f64 = 1e9;

/// No limit is said as the largest number of pages, in bytes: with pages of 4 KiB it ends in
/// `f000`, with pages of 64 KiB in `0000`.
const UNLIMITED: u64 = 0x7fff_ffff_ffff_0000;

/// The second one leaves groups below out; older kernels have no other.
const TRAFFIC: [&str; 2] =
    ["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"];

/// Reads what the groups have; what they have not stays as it was.
pub(super) fn read(groups: &Groups, reader: &mut Reader, figures: &mut Figures) {
    if let Some(group) = &groups.memory {
        figures.memory = memory(group, reader);
    }
    if let Some(group) = &groups.cpuacct {
        let cpu = &mut figures.cpu;
        let usage = reader.single(&group.join("cpuacct.usage"));
        cpu.usage_seconds = usage.map(|time| time as f64 / NANOSECONDS);
        if let Ok(stat) = reader.whole(&group.join("cpuacct.stat")) {
            let seconds = |key| value_of(stat, key).map(|ticks| ticks as f64 / TICKS_PER_SECOND);
            (cpu.user_seconds, cpu.system_seconds) = (seconds(b"user"), seconds(b"system"));
        }
    }
    if let Some(group) = &groups.cpu {
        limits(group, reader, &mut figures.cpu);
    }
    if let Some(group) = &groups.blkio {
        figures.storage = TRAFFIC
            .into_iter()
            .find_map(|file| reader.whole(&group.join(file)).ok().map(traffic))
            .flatten()
            .unwrap_or_default();
    }
    if let Some(group) = &groups.pids {
        figures.pids.current = reader.single(&group.join("pids.current"));
        // `max` is no number.
        figures.pids.limit = reader.single(&group.join("pids.max"));
    }
}

/// Reads the memory figures alone.
pub(super) fn memory(group: &Path, reader: &mut Reader) -> Memory {
    let mut memory = Memory {
        usage_bytes: reader.single(&group.join("memory.usage_in_bytes")),
        peak_bytes: reader.single(&group.join("memory.max_usage_in_bytes")),
        limit_bytes: reader
            .single(&group.join("memory.limit_in_bytes"))
            .filter(|max| *max < UNLIMITED),
        limit_hits: reader.single(&group.join("memory.failcnt")),
        ..Memory::default()
    };
    if let Ok(control) = reader.whole(&group.join("memory.oom_control")) {
        memory.oom_kills = value_of(control, b"oom_kill");
    }
    let Ok(stat) = reader.whole(&group.join("memory.stat")) else {
        return memory;
    };
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
    memory
}

fn limits(group: &Path, reader: &mut Reader, cpu: &mut Cpu) {
    if let Ok(stat) = reader.whole(&group.join("cpu.stat")) {
        cpu.periods = value_of(stat, b"nr_periods");
        cpu.throttled_periods = value_of(stat, b"nr_throttled");
        let throttled = value_of(stat, b"throttled_time");
        cpu.throttled_seconds = throttled.map(|time| time as f64 / NANOSECONDS);
    }
    // No limit is -1, which is none of the numbers read here.
    let quota = reader.single(&group.join("cpu.cfs_quota_us"));
    cpu.set_quota(quota, reader.single(&group.join("cpu.cfs_period_us")));
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
