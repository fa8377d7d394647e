//! What is read of one process, from the files under `/proc/<pid>` or a tree like it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::membership::{Container, same_pod};
use super::owner::Owner;
use super::program::Program;
use super::stat::Stat;
use crate::kernel_files::{Reader, value_of};

/// More file descriptors than these are not counted one by one.
const FDS_LISTED: usize = 65_536;

/// A process file system. Everything in it may be gone, refused or malformed: then it is `None`.
#[derive(Debug)]
pub(crate) struct ProcRoot {
    path: PathBuf,
    reader: Reader,
}

/// A command line, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) program: Program,
    /// Equal for equal arguments.
    pub(super) arguments: u64,
}

/// Bytes that really went from and to storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StorageBytes {
    pub(super) read: u64,
    pub(super) written: u64,
}

/// What came of asking for something that not everyone may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer<T> {
    Known(T),
    /// Not permitted, or nothing this kernel has.
    Withheld,
    /// The process has ended meanwhile.
    Gone,
}

impl ProcRoot {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, reader: Reader::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// `/proc/<pid>`.
    pub(crate) fn directory(&self, pid: u32) -> PathBuf {
        self.path.join(pid.to_string())
    }

    fn file(&self, pid: u32, name: &str) -> PathBuf {
        let mut path = self.directory(pid);
        path.push(name);
        path
    }

    /// `self` is a link to the reader's own process id.
    pub(super) fn own_pid(&self) -> Option<u32> {
        fs::read_link(self.path.join("self")).ok()?.to_str()?.parse().ok()
    }

    /// Every process id there is, in no order.
    pub(super) fn pids(&self) -> io::Result<impl Iterator<Item = u32>> {
        let entries = fs::read_dir(&self.path)?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()))
    }

    pub(super) fn stat(&mut self, pid: u32) -> Option<Stat> {
        let path = self.file(pid, "stat");
        Stat::parse(self.reader.whole(&path).ok()?)
    }

    /// The start of a command line that is too long will do: the main class comes early.
    pub(super) fn command(&mut self, pid: u32) -> Option<Command> {
        let path = self.file(pid, "cmdline");
        let cmdline = self.reader.start(&path).ok()?;
        let mut arguments = DefaultHasher::new();
        cmdline.hash(&mut arguments);
        Some(Command { program: Program::parse(cmdline), arguments: arguments.finish() })
    }

    /// `/proc/<pid>/cgroup`.
    pub(crate) fn cgroup(&mut self, pid: u32) -> Option<&[u8]> {
        let path = self.file(pid, "cgroup");
        self.reader.whole(&path).ok()
    }

    pub(super) fn container(&mut self, pid: u32) -> Option<Container> {
        self.cgroup(pid).map(Container::parse)
    }

    /// Whether two processes may be in one pod; where that cannot be told, they may.
    pub(super) fn may_share_pod(&mut self, own: u32, other: u32) -> bool {
        let Some(own) = self.cgroup(own).map(<[u8]>::to_vec) else {
            return true;
        };
        self.cgroup(other).is_none_or(|other| same_pod(&own, other))
    }

    /// Anyone may ask for anyone's.
    pub(crate) fn owner(&mut self, pid: u32) -> Option<Owner> {
        let path = self.file(pid, "status");
        Owner::parse(self.reader.whole(&path).ok()?)
    }

    /// Our own.
    pub(crate) fn own_owner(&mut self) -> Option<Owner> {
        let path = self.path.join("self/status");
        Owner::parse(self.reader.whole(&path).ok()?)
    }

    /// How many file descriptors a process has open.
    ///
    /// The size of the `fd` directory since kernel 6.2, for anyone to see (`proc_fd_getattr` in
    /// `fs/proc/fd.c`); before, they have to be listed, which needs the right to.
    pub(crate) fn open_fds(&self, pid: u32) -> Option<u64> {
        let path = self.file(pid, "fd");
        match fs::metadata(&path).ok()?.len() {
            0 => fs::read_dir(&path).ok().map(|fds| fds.take(FDS_LISTED).count() as u64),
            open => Some(open),
        }
    }

    /// `/proc/<pid>/io`, for those who might trace the process.
    pub(super) fn storage_bytes(&mut self, pid: u32) -> Answer<StorageBytes> {
        let directory = self.directory(pid);
        match self.reader.whole(&directory.join("io")) {
            Ok(io) => match (value_of(io, b"read_bytes"), value_of(io, b"write_bytes")) {
                (Some(read), Some(written)) => Answer::Known(StorageBytes { read, written }),
                _ => Answer::Withheld,
            },
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Answer::Withheld,
            Err(_) if fs::exists(&directory).unwrap_or(true) => Answer::Withheld,
            Err(_) => Answer::Gone,
        }
    }

    /// The size of a memory page, which `stat` counts in.
    pub(crate) fn page_size(&mut self) -> u64 {
        let path = self.path.join("self/auxv");
        super::page_size::of(self.reader.whole(&path).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_read_as_it_is() {
        let mut root = ProcRoot::new("/proc".into());
        let own = root.own_pid().unwrap();
        assert_eq!(own, std::process::id());
        let stat = root.stat(own).unwrap();
        assert!(stat.resident_pages > 0 && stat.threads > 0 && !stat.zombie);
        assert_eq!(root.command(own).unwrap().program, Program::Other);
        assert_eq!(root.owner(own), root.own_owner());
        assert!(root.may_share_pod(own, own));
        assert!(root.page_size() >= 4096);
        let before = root.open_fds(own).unwrap();
        let more: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        // Tests beside this one open and close files too.
        assert!(root.open_fds(own).unwrap() > before.saturating_sub(20) + more.len() as u64 / 2);
    }

    #[test]
    fn a_kernel_that_does_not_count_fds_has_them_listed() {
        let directory = tempfile::tempdir().unwrap();
        let fds = directory.path().join("7/fd");
        fs::create_dir_all(&fds).unwrap();
        let root = ProcRoot::new(directory.path().into());
        let size = fs::metadata(&fds).unwrap().len();
        for fd in 0..5 {
            fs::write(fds.join(fd.to_string()), "").unwrap();
        }
        // Some file systems give directories a size of their own.
        let expected = if size == 0 && fs::metadata(&fds).unwrap().len() == 0 {
            5
        } else {
            fs::metadata(&fds).unwrap().len()
        };
        assert_eq!(root.open_fds(7), Some(expected));
        assert_eq!(root.open_fds(8), None);
    }

    #[test]
    fn who_has_ended_is_told_from_what_is_withheld() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("7")).unwrap();
        let mut root = ProcRoot::new(directory.path().into());
        assert_eq!(root.storage_bytes(7), Answer::Withheld);
        assert_eq!(root.storage_bytes(8), Answer::Gone);
        fs::write(directory.path().join("7/io"), "rchar: 1\nread_bytes: 5\nwrite_bytes: 6\n")
            .unwrap();
        assert_eq!(root.storage_bytes(7), Answer::Known(StorageBytes { read: 5, written: 6 }));
    }
}
