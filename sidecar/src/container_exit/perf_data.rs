//! Whether a JVM that is gone left by itself: what it does then, and cannot do when it is killed.
//!
//! A JVM keeps its performance data in a file, `/tmp/hsperfdata_USER/PID`, from which `jps` and `jstat`
//! read, and removes it whenever it ends: by `System.exit`, `halt`, an uncaught error, SIGTERM, SIGHUP, a
//! crash (`perfMemory_exit` of the JDK's `perfMemory.cpp`). What is left is SIGKILL, SIGABRT and
//! `-XX:+ExitOnOutOfMemoryError`. A handle of the file tells of its removal when the process, and the way
//! to its file system with it, is gone. That a JVM may be told to make none (`-XX:-UsePerfData`,
//! `-XX:+PerfDisableSharedMem`), that `/tmp` may be read-only, or emptied by the job, leaves this unknown.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, fstat, open};

use super::fate::Fate;
use super::verdict::JvmEnd;

/// A JVM makes its file while it starts: how many readings it is looked for.
const TRIES: u8 = 10;

/// The file of one JVM.
#[derive(Debug)]
pub(super) struct PerfData {
    /// `/tmp` of its container.
    folder: PathBuf,
    name: String,
    tries_left: u8,
    file: Option<PerfFile>,
}

#[derive(Debug)]
struct PerfFile {
    handle: OwnedFd,
    /// Whether it was gone already at the last reading, when the JVM ran.
    was_gone: bool,
}

impl PerfData {
    /// That of a process which has the same id in its own PID namespace, as it has where the containers
    /// of a pod share one.
    pub(super) fn of(proc_root: &Path, pid: u32) -> Self {
        let folder = proc_root.join(pid.to_string()).join("root/tmp");
        let mut data = Self { folder, name: pid.to_string(), tries_left: TRIES, file: None };
        data.reading(|| Fate::Unknown);
        data
    }

    /// Looks for the file while the JVM runs, if it is not there yet. One that is gone at two readings of a
    /// JVM that goes on was removed by something else, and tells nothing.
    pub(super) fn reading(&mut self, jvm: impl FnOnce() -> Fate) {
        if let Some(file) = &mut self.file {
            let is_gone = file.is_gone();
            if is_gone && file.was_gone && jvm() == Fate::GoesOn {
                self.file = None;
            } else {
                file.was_gone = is_gone;
            }
        }
        if self.file.is_none() && self.tries_left > 0 {
            self.tries_left -= 1;
            self.file = self.find();
        }
    }

    /// How the JVM ended, now that it has.
    pub(super) fn end(&self) -> JvmEnd {
        match &self.file {
            Some(file) if file.is_gone() => JvmEnd::ByItself,
            Some(_) => JvmEnd::ByForce,
            None => JvmEnd::Unknown,
        }
    }

    fn find(&self) -> Option<PerfFile> {
        let entries = fs::read_dir(&self.folder).ok()?.flatten();
        let folders = entries
            .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"hsperfdata_"));
        folders.into_iter().find_map(|folder| {
            // A name is enough: nothing is read, and no program's file is held open.
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let handle = open(folder.path().join(&self.name), flags, Mode::empty()).ok()?;
            let file = PerfFile { handle, was_gone: false };
            (!file.is_gone()).then_some(file)
        })
    }
}

impl PerfFile {
    /// Whether the file has no name any more.
    fn is_gone(&self) -> bool {
        fstat(&self.handle).is_ok_and(|status| status.st_nlink == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container with such a file of process 17.
    fn container() -> (tempfile::TempDir, PathBuf) {
        let proc_root = tempfile::tempdir().unwrap();
        let folder = proc_root.path().join("17/root/tmp/hsperfdata_spark");
        fs::create_dir_all(&folder).unwrap();
        (proc_root, folder.join("17"))
    }

    #[test]
    fn a_file_that_is_gone_with_its_jvm_was_removed_by_it_though_the_way_to_it_is_gone_too() {
        for (removes, end) in [(true, JvmEnd::ByItself), (false, JvmEnd::ByForce)] {
            let (proc_root, path) = container();
            fs::write(&path, "").unwrap();
            fs::write(path.with_file_name("18"), "").unwrap();
            let mut data = PerfData::of(proc_root.path(), 17);
            data.reading(|| Fate::GoesOn);
            if removes {
                fs::remove_file(&path).unwrap();
            }
            fs::rename(proc_root.path().join("17"), proc_root.path().join("gone")).unwrap();
            assert_eq!(data.end(), end);
        }
    }

    #[test]
    fn a_file_that_comes_late_or_anew_is_found() {
        let (proc_root, path) = container();
        let mut data = PerfData::of(proc_root.path(), 17);
        assert_eq!(data.end(), JvmEnd::Unknown);
        fs::write(&path, "of one before").unwrap();
        data.reading(|| Fate::GoesOn);
        assert_eq!(data.end(), JvmEnd::ByForce);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        data.reading(|| Fate::GoesOn);
        data.reading(|| Fate::GoesOn);
        assert_eq!(data.end(), JvmEnd::ByForce);
    }

    #[test]
    fn a_file_that_something_else_removes_while_the_jvm_runs_tells_nothing() {
        let (proc_root, path) = container();
        fs::write(&path, "").unwrap();
        let mut data = PerfData::of(proc_root.path(), 17);
        fs::remove_file(&path).unwrap();
        data.reading(|| Fate::GoesOn);
        assert_eq!(data.end(), JvmEnd::ByItself, "it may be about to end");
        data.reading(|| Fate::Unknown);
        assert_eq!(data.end(), JvmEnd::ByItself, "it ends, and gives back its memory");
        data.reading(|| Fate::GoesOn);
        assert_eq!(data.end(), JvmEnd::Unknown);
        // It is not looked for ever.
        for _ in 0..TRIES {
            data.reading(|| Fate::GoesOn);
        }
        fs::write(&path, "").unwrap();
        data.reading(|| Fate::GoesOn);
        assert_eq!(data.end(), JvmEnd::Unknown);
    }

    #[test]
    fn where_there_is_none_nothing_is_known() {
        assert_eq!(PerfData::of(Path::new("/nowhere"), 17).end(), JvmEnd::Unknown);
        let (proc_root, path) = container();
        // What a hostile job may put there.
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        let data = PerfData::of(proc_root.path(), 17);
        fs::remove_file(&path).unwrap();
        assert_eq!(data.end(), JvmEnd::ByItself, "the link itself is looked at");
    }
}
