//! What the kernel can wake a thread for: the end of a process, a change of a file.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// What is waited for. Either may not be there to be had.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Readable when a process has ended, child or not (`pidfd_open(2)`, Linux 5.3).
    process_end: Option<OwnedFd>,
    /// Readable when a file has changed (`inotify(7)`).
    changes: Option<OwnedFd>,
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// The process has ended.
    Ended,
    /// The file has changed; several changes may be told as one.
    Changed,
    /// Neither, within the time.
    Nothing,
}

impl Events {
    /// Waits for the end of that process from now on. No privilege is needed, but a seccomp profile
    /// may forbid it.
    pub(super) fn watch_process(&mut self, pid: u32) -> io::Result<()> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
        self.process_end = Some(pidfd_open(pid, PidfdFlags::empty())?);
        Ok(())
    }

    /// Waits for changes of that file from now on; the kernel tells those of `memory.events` as
    /// such (`cgroup_file_notify`).
    pub(super) fn watch_file(&mut self, path: &Path) -> io::Result<()> {
        let fd = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        inotify::add_watch(&fd, path, inotify::WatchFlags::MODIFY)?;
        self.changes = Some(fd);
        Ok(())
    }

    /// Whether the end of a process is waited for.
    pub(super) const fn knows_the_end(&self) -> bool {
        self.process_end.is_some()
    }

    /// Waits for the first of them, or until the time is over.
    pub(super) fn wait(&self, at_most: Duration) -> Wake {
        let mut fds = Vec::with_capacity(2);
        for fd in self.process_end.iter().chain(&self.changes) {
            fds.push(PollFd::new(fd, PollFlags::IN));
        }
        if poll(&mut fds, Some(&timespec(at_most))).is_err() {
            // A signal has come in between.
            return Wake::Nothing;
        }
        let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
        if self.process_end.is_some() && ready.next() == Some(true) {
            return Wake::Ended;
        }
        match &self.changes {
            Some(changes) if ready.next() == Some(true) => {
                // What has changed is known: it is taken off the queue and not looked at.
                let mut queue = [0; 1024];
                while rustix::io::read(changes, &mut queue).is_ok_and(|length| length > 0) {}
                Wake::Changed
            }
            _ => Wake::Nothing,
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);
    const MOMENT: Duration = Duration::from_millis(20);

    #[test]
    fn a_process_that_is_killed_is_noticed_before_anyone_has_waited_for_it() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let mut events = Events::default();
        events.watch_process(child.id()).unwrap();
        assert_eq!(events.wait(MOMENT), Wake::Nothing);
        child.kill().unwrap();
        assert_eq!(events.wait(PATIENCE), Wake::Ended);
        child.wait().unwrap();
        assert!(events.watch_process(0).is_err());
    }

    #[test]
    fn a_file_that_is_written_to_is_noticed_each_time_and_the_end_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("memory.events");
        std::fs::write(&path, "oom_kill 0\n").unwrap();
        let mut events = Events::default();
        events.watch_file(&path).unwrap();
        for count in 1..4 {
            assert_eq!(events.wait(MOMENT), Wake::Nothing);
            std::fs::write(&path, format!("oom_kill {count}\n")).unwrap();
            assert_eq!(events.wait(PATIENCE), Wake::Changed);
        }
        let mut child = Command::new("true").spawn().unwrap();
        events.watch_process(child.id()).unwrap();
        child.wait().unwrap();
        std::fs::write(&path, "oom_kill 9\n").unwrap();
        assert_eq!(events.wait(PATIENCE), Wake::Ended);
        assert!(events.watch_file(&directory.path().join("none")).is_err());
    }
}
