//! How many processes the kernel has killed on the whole node for want of memory.

use std::path::{Path, PathBuf};

use crate::kernel_files::{Buffer, lines, number, pair};

/// `oom_kill` of `/proc/vmstat`, since Linux 4.13: those of every container, and of none. It outlives a
/// container's own count, which is gone with its control group.
#[derive(Debug)]
pub(super) struct NodeKills {
    path: PathBuf,
    buffer: Buffer,
}

impl NodeKills {
    /// Where the process file system is mounted there.
    pub(super) fn of(proc_root: &Path) -> Self {
        Self { path: proc_root.join("vmstat"), buffer: Buffer::default() }
    }

    /// The count.
    pub(super) fn count(&mut self) -> Option<u64> {
        let pairs = lines(self.buffer.beginning(&self.path).ok()?).filter_map(pair);
        pairs.filter(|(key, _)| *key == b"oom_kill").find_map(|(_, count)| number(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_this_machine_can_be_read() {
        assert!(NodeKills::of(Path::new("/proc")).count().is_some());
        assert_eq!(NodeKills::of(Path::new("/nowhere")).count(), None);
    }
}
