//! What the sidecar costs, from the kernel's files about this process.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use crate::sources::processes::proc_root::ProcRoot;
use crate::sources::processes::stat::{Stat, TICKS_PER_SECOND};

/// More than the line of `stat` has.
const LINE: usize = 1024;

/// Reads what this process costs.
#[derive(Debug)]
pub(super) struct Meter {
    root: ProcRoot,
    /// Held open: to read it again is one call.
    stat: Option<File>,
    page_size: u64,
}

/// The sidecar's own use; what cannot be read is left out.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) resident_bytes: Option<u64>,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) open_fds: Option<u64>,
}

impl Meter {
    /// Opens the files.
    pub(super) fn open() -> Self {
        // Its own, whatever --proc-root is.
        let mut root = ProcRoot::new("/proc".into());
        let page_size = root.page_size();
        Self { root, stat: File::open("/proc/self/stat").ok(), page_size }
    }

    /// The cost of this process up to now.
    pub(super) fn read(&self) -> Cost {
        let stat = self.stat();
        Cost {
            resident_bytes: stat.map(|it| it.resident_pages.saturating_mul(self.page_size)),
            cpu_seconds: stat.map(|it| it.cpu as f64 / TICKS_PER_SECOND),
            open_fds: self.root.open_fds(std::process::id()),
        }
    }

    fn stat(&self) -> Option<Stat> {
        let mut line = [0; LINE];
        let length = self.stat.as_ref()?.read_at(&mut line, 0).ok()?;
        Stat::parse(&line[..length])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn this_very_process_costs_something_and_more_and_more() {
        let meter = Meter::open();
        let first = meter.read();
        assert!(first.resident_bytes.unwrap() > 100_000, "{first:?}");
        assert!(first.open_fds.unwrap() >= 3, "{first:?}");
        let began = Instant::now();
        while meter.read().cpu_seconds <= first.cpu_seconds {
            assert!(began.elapsed().as_secs() < 60, "no CPU time passes");
        }
    }
}
