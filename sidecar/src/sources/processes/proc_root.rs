//! What is read of one process, from the files under `/proc/<pid>` or a tree like it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::membership::{Container, same_pod};
use super::owner::Owner;
use super::program::Program;
use super::stat::Stat;
use crate::kernel_files::{Buffer, Unparsed, numbers};

/// More file descriptors than these are not counted one by one.
const FDS_LISTED: usize = 65_536;

/// So many files stay open, two of a process; where a pod sees the node's processes, there may be
/// more.
const FILES_OPEN: usize = 256;

/// A process file system. Everything in it may be gone, refused or malformed: then it is `None`.
#[derive(Debug)]
pub(crate) struct ProcRoot {
    path: PathBuf,
    buffer: Buffer,
    /// What is read in every scan, by process and name.
    open: HashMap<(u32, &'static str), File>,
}

/// A command line, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) program: Program,
    /// Equal for equal arguments.
    pub(super) arguments: u64,
}

/// Bytes that really went from and to storage, as far as `/proc/<pid>/io` tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct StorageBytes {
    pub(super) read: Option<u64>,
    pub(super) written: Option<u64>,
}

impl StorageBytes {
    pub(super) fn parse(io: &[u8], unparsed: &mut Unparsed) -> Self {
        let mut found = Self::default();
        for (key, bytes) in numbers(io, unparsed) {
            match key {
                b"read_bytes" => found.read = Some(bytes),
                b"write_bytes" => found.written = Some(bytes),
                _ => {}
            }
        }
        found
    }
}

/// What came of asking for something that not everyone may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access<T> {
    Known(T),
    /// Not permitted, or nothing this kernel has.
    Withheld,
    /// The process has ended meanwhile.
    Gone,
}

impl ProcRoot {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, buffer: Buffer::default(), open: HashMap::new() }
    }

    /// How many lines were left out since this was asked last, because they could not be read.
    pub(super) fn take_unparsed(&mut self) -> u64 {
        std::mem::take(&mut self.buffer.unparsed).0
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

    /// `/proc/<pid>/stat`, which stays open until [`close`](Self::close).
    pub(super) fn stat(&mut self, pid: u32) -> Option<Stat> {
        self.fill(pid, "stat").ok()?;
        self.buffer.parse(|line, unparsed| unparsed.unless(Stat::parse(line)))
    }

    /// Closes the files of processes that are not there.
    pub(super) fn close(&mut self, is_there: impl Fn(u32) -> bool) {
        self.open.retain(|(pid, _), _| is_there(*pid));
    }

    /// Reads a file that stays open; by its path if that one is of a process that is no more.
    fn fill(&mut self, pid: u32, name: &'static str) -> io::Result<()> {
        if let Some(open) = self.open.get(&(pid, name))
            && self.buffer.fill(open).is_ok()
        {
            return Ok(());
        }
        let file = File::open(self.file(pid, name))?;
        self.buffer.fill(&file)?;
        if self.open.len() < FILES_OPEN {
            self.open.insert((pid, name), file);
        }
        Ok(())
    }

    /// What a process of that name runs. The start of a command line that is too long will do: the
    /// main class comes early.
    pub(super) fn command(&mut self, pid: u32, name: &[u8]) -> Option<Command> {
        let path = self.file(pid, "cmdline");
        let cmdline = self.buffer.beginning(&path).ok()?;
        let mut arguments = DefaultHasher::new();
        cmdline.hash(&mut arguments);
        Some(Command { program: Program::parse(name, cmdline), arguments: arguments.finish() })
    }

    /// `/proc/<pid>/cgroup`.
    pub(crate) fn cgroup(&mut self, pid: u32) -> Option<&[u8]> {
        let path = self.file(pid, "cgroup");
        self.buffer.whole(&path).ok()
    }

    pub(super) fn container(&mut self, pid: u32) -> Option<Container> {
        self.cgroup(pid)?;
        Some(self.buffer.parse(Container::parse))
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
        self.buffer.whole(&path).ok()?;
        self.buffer.parse(Owner::parse)
    }

    /// Our own.
    pub(crate) fn own_owner(&mut self) -> Option<Owner> {
        let path = self.path.join("self/status");
        self.buffer.whole(&path).ok()?;
        self.buffer.parse(Owner::parse)
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
    pub(super) fn storage_bytes(&mut self, pid: u32) -> Access<StorageBytes> {
        match self.fill(pid, "io") {
            Ok(()) => match self.buffer.parse(StorageBytes::parse) {
                StorageBytes { read: None, written: None } => Access::Withheld,
                bytes => Access::Known(bytes),
            },
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Access::Withheld,
            Err(_) if fs::exists(self.directory(pid)).unwrap_or(true) => Access::Withheld,
            Err(_) => Access::Gone,
        }
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
        assert_eq!(root.command(own, stat.name()).unwrap().program, Program::Other);
        assert_eq!(root.owner(own), root.own_owner());
        assert!(root.may_share_pod(own, own));
        let before = root.open_fds(own).unwrap();
        let more: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        // Tests beside this one open and close files too.
        assert!(root.open_fds(own).unwrap() > before.saturating_sub(20) + more.len() as u64 / 2);
    }

    #[test]
    fn of_a_process_that_has_ended_an_open_file_tells_nothing() {
        let mut root = ProcRoot::new("/proc".into());
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        assert!(root.stat(child.id()).is_some() && root.stat(child.id()).is_some());
        assert_eq!(root.open.len(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(root.stat(child.id()), None);
        root.close(|_| false);
        assert!(root.open.is_empty());
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
        assert_eq!(root.storage_bytes(7), Access::Withheld);
        assert_eq!(root.storage_bytes(8), Access::Gone);
        // One line that is none takes the other figure not away.
        fs::write(directory.path().join("7/io"), "rchar\nread_bytes: -\nwrite_bytes: 6\n").unwrap();
        let bytes = StorageBytes { read: None, written: Some(6) };
        assert_eq!(root.storage_bytes(7), Access::Known(bytes));
        assert_eq!((root.take_unparsed(), root.take_unparsed()), (2, 0));
        fs::write(directory.path().join("7/io"), "rchar: 1\nread_bytes: 5\nwrite_bytes: 6\n")
            .unwrap();
        assert_eq!(
            root.storage_bytes(7),
            Access::Known(StorageBytes { read: Some(5), written: Some(6) })
        );
    }
}
