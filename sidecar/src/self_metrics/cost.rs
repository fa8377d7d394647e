//! What the sidecar costs, from the kernel's files about this process.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use crate::sources::processes::stat::{Stat, TICKS_PER_SECOND};

/// More than the line of `stat` has.
const LINE: usize = 1024;

/// Reads what this process costs. The files are open from the start: to read them again is one call
/// each.
#[derive(Debug)]
pub(super) struct Meter {
    stat: Option<File>,
    fds: Option<File>,
}

impl Meter {
    /// Opens the files: this process's own, whatever `--proc-root` is.
    pub(super) fn open() -> Self {
        let open = |name| File::open(format!("/proc/self/{name}")).ok();
        Self { stat: open("stat"), fds: open("fd") }
    }

    /// The cost of this process up to now, by metric; what cannot be read is not there.
    pub(super) fn read(&self) -> [(&'static str, Option<f64>); 3] {
        let stat = self.stat();
        let resident = stat.map(|it| it.resident_bytes() as f64);
        [
            ("emberscope_process_resident_memory_bytes", resident),
            (
                "emberscope_process_cpu_seconds_total",
                stat.map(|it| it.cpu as f64 / TICKS_PER_SECOND),
            ),
            ("emberscope_process_open_fds", self.open_fds().map(|count| count as f64)),
        ]
    }

    fn stat(&self) -> Option<Stat> {
        let mut line = [0; LINE];
        let length = self.stat.as_ref()?.read_at(&mut line, 0).ok()?;
        Stat::parse(&line[..length])
    }

    /// The size of the directory since kernel 6.2 (`proc_fd_getattr` in `fs/proc/fd.c`); before, they
    /// have to be listed.
    fn open_fds(&self) -> Option<u64> {
        match self.fds.as_ref()?.metadata().ok()?.len() {
            0 => fs::read_dir("/proc/self/fd").ok().map(|fds| fds.count() as u64),
            open => Some(open),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn this_very_process_costs_something_and_more_and_more() {
        let meter = Meter::open();
        let [resident, cpu, open_fds] = meter.read().map(|(_, value)| value.unwrap());
        assert!(resident > 100_000.0 && open_fds >= 3.0, "{resident} bytes, {open_fds}");
        let began = Instant::now();
        while meter.read()[1].1.unwrap() <= cpu {
            assert!(began.elapsed().as_secs() < 60, "no CPU time passes");
        }
    }
}
