//! What the process table tells of a JVM: whether it was killed, is being killed, or ends otherwise.
//!
//! A process that has ended stays in the table until its parent has asked for its exit status, which is
//! soon; that status is for whoever may trace it, as the sidecar may with the same user
//! (`proc_pid_stat(5)`, `exit_code`). One that is told to end by SIGKILL has that signal pending until
//! it runs again, which it has to for its end.

use std::path::{Path, PathBuf};

use crate::kernel_files::{Buffer, number};
use crate::sources::processes::Identity;

/// `PF_EXITING` of the kernel's `include/linux/sched.h`.
const EXITING: u64 = 0x4;

const SIGKILL: u64 = 9;

/// What becomes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs, and nobody has told it to end by force.
    GoesOn,
    /// SIGKILL ends it, or has ended it.
    Killed,
    /// Something else ends it, or has ended it.
    NotKilled,
    /// It is not there any more, or ends and nobody may know how.
    Unknown,
}

/// The place of a process in the table.
#[derive(Debug)]
pub(super) struct Process {
    identity: Identity,
    stat: PathBuf,
    /// Whether its exit status is for us.
    may_trace: bool,
}

impl Process {
    /// That process, while it runs.
    pub(super) fn find(proc_root: &Path, identity: Identity) -> Self {
        let stat = proc_root.join(identity.pid.to_string()).join("stat");
        let mut process = Self { identity, stat, may_trace: false };
        process.may_trace = process.stat().is_some_and(|stat| stat.arguments_at != 0);
        process
    }

    /// What becomes of it, as far as can be told now.
    pub(super) fn fate(&self) -> Fate {
        self.stat().map_or(Fate::Unknown, |stat| stat.fate(self.may_trace))
    }

    fn stat(&self) -> Option<Stat> {
        let mut buffer = Buffer::default();
        let stat = Stat::parse(buffer.whole(&self.stat).ok()?)?;
        (stat.started == self.identity.started).then_some(stat)
    }
}

/// The fields in use, named as in `proc_pid_stat(5)` where no word is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    /// It has ended, and its parent has not asked yet.
    zombie: bool,
    exiting: bool,
    started: u64,
    /// `signal`: what is pending for its first thread.
    pending: u64,
    /// `arg_start`; 0 for those who may not trace it.
    arguments_at: u64,
    /// As `waitpid(2)` has it; 0 for those who may not trace it.
    exit_code: u64,
}

impl Stat {
    fn parse(line: &[u8]) -> Option<Self> {
        // The name before may hold anything.
        let close = memchr::memrchr(b')', line)?;
        let mut fields = line.get(close + 1..)?.trim_ascii().split(|byte| *byte == b' ');
        let state = fields.next()?;
        let mut next = |skip: usize| fields.nth(skip).and_then(number);
        Some(Self {
            zombie: matches!(state, b"Z" | b"X" | b"x"),
            exiting: next(5)? & EXITING != 0,
            started: next(12)?,
            pending: next(8)?,
            arguments_at: next(16)?,
            exit_code: next(3)?,
        })
    }

    fn fate(self, may_trace: bool) -> Fate {
        let killed = 1 << (SIGKILL - 1);
        match self.exit_code {
            code if code & 0x7f == SIGKILL => Fate::Killed,
            1.. => Fate::NotKilled,
            0 if self.zombie && may_trace => Fate::NotKilled,
            // `exit_group(2)` ends the other threads by the same signal.
            0 if self.zombie || self.exiting || self.pending & killed != 0 => Fate::Unknown,
            0 => Fate::GoesOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use super::*;

    fn process(child: &Child) -> Process {
        let mut process =
            Process::find(Path::new("/proc"), Identity { pid: child.id(), started: 0 });
        let mut buffer = Buffer::default();
        let stat = Stat::parse(buffer.whole(&process.stat).unwrap()).unwrap();
        process.identity.started = stat.started;
        Process::find(Path::new("/proc"), process.identity)
    }

    fn eventually(process: &Process, fate: Fate) {
        let began = Instant::now();
        while process.fate() != fate {
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", process.fate());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_kill_is_told_from_every_other_end_until_the_parent_has_asked() {
        for (signal, fate) in [("KILL", Fate::Killed), ("TERM", Fate::NotKilled)] {
            let mut child = Command::new("sleep").arg("600").spawn().unwrap();
            let process = process(&child);
            eventually(&process, Fate::GoesOn);
            let id = child.id().to_string();
            assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
            eventually(&process, fate);
            child.wait().unwrap();
            assert_eq!(process.fate(), Fate::Unknown, "it is another's place now");
        }
        for program in ["true", "false"] {
            let mut child = Command::new("sh")
                .args(["-c", &format!("read line; {program}")])
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let process = process(&child);
            eventually(&process, Fate::GoesOn);
            drop(child.stdin.take());
            eventually(&process, Fate::NotKilled);
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_process_that_ends_and_does_not_say_how_is_not_judged() {
        let runs = Stat {
            zombie: false,
            exiting: false,
            started: 1,
            pending: 0,
            arguments_at: 0,
            exit_code: 0,
        };
        assert_eq!(runs.fate(false), Fate::GoesOn);
        assert_eq!(Stat { zombie: true, ..runs }.fate(false), Fate::Unknown);
        assert_eq!(Stat { zombie: true, ..runs }.fate(true), Fate::NotKilled);
        assert_eq!(Stat { exiting: true, ..runs }.fate(true), Fate::Unknown);
        assert_eq!(Stat { pending: 0x100, ..runs }.fate(true), Fate::Unknown);
        assert_eq!(Stat { pending: 0x4000, ..runs }.fate(true), Fate::GoesOn);
        // Linux tells the code of a group of threads that ends already.
        assert_eq!(Stat { pending: 0x100, exit_code: 9, ..runs }.fate(true), Fate::Killed);
    }
}
