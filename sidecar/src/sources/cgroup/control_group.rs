//! A control group whose files are open.
//!
//! `/proc/<pid>/root` is a way into a container for only as long as the process lives. A file that is
//! open can be read until the container runtime removes the group, some milliseconds after the last
//! process has ended, and that is when the last figures are there to be had, a count of
//! out-of-memory kills among them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::figures::{Figures, Memory};
use super::locate::Location;
use super::{CgroupError, v1, v2};
use crate::kernel_files::{Buffer, OpenFiles};
use crate::sources::processes::proc_root::ProcRoot;

/// The control group of one process.
#[derive(Debug)]
pub struct ControlGroup {
    /// The control group file system, for errors.
    base: PathBuf,
    v1: OpenFiles,
    v2: OpenFiles,
    /// Lines of its files that were left out and not told of.
    unparsed: AtomicU64,
}

impl ControlGroup {
    /// Opens the control group that a process is in. `proc_root` is where the process file system
    /// is mounted.
    pub fn open(proc_root: &Path, pid: u32) -> Result<Self, CgroupError> {
        let location = Location::find(&mut ProcRoot::new(proc_root.to_owned()), pid)?;
        let mut group = Self {
            base: location.base,
            v1: OpenFiles::default(),
            v2: OpenFiles::default(),
            unparsed: AtomicU64::default(),
        };
        if let Some(directory) = location.v2 {
            group.v2.open(&directory, &v2::FILES);
        }
        for (files, directory) in location.v1 {
            group.v1.open(&directory, files);
        }
        Ok(group)
    }

    /// Reads all figures.
    ///
    /// A file that is missing or refused leaves its figures absent, and so does a line that is
    /// malformed; it is an error only if nothing can be read at all.
    pub fn read(&self) -> Result<Figures, CgroupError> {
        let (mut buffer, mut figures) = (Buffer::default(), Figures::default());
        v2::read(&self.v2, &mut buffer, &mut figures);
        // Where both exist, a controller is in one of the two; v1 is the one with files of it.
        v1::read(&self.v1, &mut buffer, &mut figures);
        self.unparsed.fetch_add(buffer.unparsed.0, Ordering::Relaxed);
        if figures == Figures::default() {
            return Err(CgroupError::NothingReadable { path: self.base.clone() });
        }
        Ok(figures)
    }

    /// How many lines [`read`](Self::read) has left out since this was asked last, because they could
    /// not be read.
    pub(super) fn take_unparsed(&self) -> u64 {
        self.unparsed.swap(0, Ordering::Relaxed)
    }

    /// Reads the memory figures alone: six small files. Nothing if there are none, or none any more.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let mut buffer = Buffer::default();
        v1::memory(&self.v1, &mut buffer).or_else(|| v2::memory(&self.v2, &mut buffer))
    }

    /// Reads the count of out-of-memory kills alone, where [`memory_events`](Self::memory_events)
    /// has it.
    #[must_use]
    pub fn oom_kills(&self) -> Option<u64> {
        v2::oom_kills(&self.v2, &mut Buffer::default())
    }

    /// The file that the kernel modifies, for `inotify` to see, whenever the group reaches a limit
    /// or loses a process to one (`memory.events` of the kernel's `cgroup-v2.rst`); v1 has none.
    #[must_use]
    pub fn memory_events(&self) -> Option<PathBuf> {
        self.v2.path(v2::EVENTS)
    }
}
