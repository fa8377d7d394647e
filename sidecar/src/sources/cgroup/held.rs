//! A control group whose directories are held open.
//!
//! `/proc/<pid>/root` is a way into a container for only as long as the process lives. A directory
//! that is open stays one: its files can be read until the container runtime removes the group, some
//! milliseconds after the last process has ended, and that is when the last figures are there to be
//! had, a count of out-of-memory kills among them.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use super::figures::{Figures, Memory};
use super::groups::Groups;
use super::{CgroupError, v1, v2};
use crate::kernel_files::Reader;
use crate::sources::processes::proc_root::ProcRoot;

/// The control group of one process.
#[derive(Debug)]
pub struct ControlGroup {
    /// The directories, by way of what is open.
    groups: Groups,
    /// Keeps them open.
    _open: Vec<File>,
}

impl ControlGroup {
    /// Opens the control group that a process is in. `proc_root` is where the process file system
    /// is mounted.
    pub fn open(proc_root: &Path, pid: u32) -> Result<Self, CgroupError> {
        let mut root = ProcRoot::new(proc_root.to_owned());
        let mut groups = Groups::find(&mut root, pid)?;
        let mut open = Vec::new();
        for directory in groups.directories().flatten() {
            // What cannot be opened is read by its path, while there is one.
            if let Ok(file) = File::open(&directory) {
                *directory = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
                open.push(file);
            }
        }
        Ok(Self { groups, _open: open })
    }

    /// Reads all figures.
    ///
    /// A file that is missing, refused or malformed leaves its figures absent; it is an error only
    /// if nothing can be read at all.
    pub fn read(&self) -> Result<Figures, CgroupError> {
        let mut reader = Reader::default();
        let mut figures = Figures::default();
        if let Some(directory) = &self.groups.unified {
            v2::read(directory, &mut reader, &mut figures);
        }
        // Where both exist, a controller is in one of the two; v1 is the one with a directory for it.
        v1::read(&self.groups, &mut reader, &mut figures);
        if figures == Figures::default() {
            return Err(CgroupError::NothingReadable { path: self.groups.base.clone() });
        }
        Ok(figures)
    }

    /// Reads the memory figures alone: six small files. Nothing if there are none, or none any more.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let mut reader = Reader::default();
        let memory = match (&self.groups.memory, &self.groups.unified) {
            (Some(group), _) => v1::memory(group, &mut reader),
            (None, Some(group)) => v2::memory(group, &mut reader),
            (None, None) => return None,
        };
        (memory != Memory::default()).then_some(memory)
    }

    /// Reads the count of out-of-memory kills alone, where [`memory_events`](Self::memory_events)
    /// has it.
    #[must_use]
    pub fn oom_kills(&self) -> Option<u64> {
        v2::oom_kills(self.groups.unified.as_ref()?, &mut Reader::default())
    }

    /// The file that the kernel modifies, for `inotify` to see, whenever the group reaches a limit
    /// or loses a process to one (`memory.events` of the kernel's `cgroup-v2.rst`); v1 has none.
    #[must_use]
    pub fn memory_events(&self) -> Option<PathBuf> {
        let path = self.groups.unified.as_ref()?.join(v2::EVENTS);
        path.exists().then_some(path)
    }
}
