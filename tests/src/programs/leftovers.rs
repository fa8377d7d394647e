//! Runs that were killed: they cannot clean up, so the next run does.
//!
//! A file in the run's folder lists process ids: the run's own, then the process groups it started.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};

/// Marks the processes of a run in their environment; the value is the run's folder.
pub(super) const MARK: &str = "EMBERSCOPE_DEMO";

/// Ends what a killed run left in the folder; fails if a run still uses it.
pub fn end(run: &Path) -> Result<()> {
    let noted = fs::read_to_string(list_file(run)).unwrap_or_default();
    let mut ids = noted.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw);
    if let Some(owner) = ids.next().filter(|owner| is_demo(*owner)) {
        let id = owner.as_raw_pid();
        bail!(
            "another demo runs as process {id}, and two would want the same ports; \
             end it with `kill {id}`, or let it finish, then run this again"
        );
    }
    for group in ids.filter(|group| is_marked(*group, run)) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    Ok(())
}

/// Says in the folder that this process uses it.
pub fn claim(run: &Path) -> Result<()> {
    let list = list_file(run);
    fs::write(&list, format!("{}\n", std::process::id()))
        .with_context(|| format!("{} could not be written", list.display()))
}

/// Adds a process group to the list.
pub(super) fn note(run: &Path, group: Pid) -> Result<()> {
    let list = list_file(run);
    let opened = OpenOptions::new().create(true).append(true).open(&list);
    opened
        .and_then(|mut file| writeln!(file, "{}", group.as_raw_pid()))
        .with_context(|| format!("{} could not be written", list.display()))
}

fn list_file(run: &Path) -> PathBuf {
    run.join("running")
}

fn is_demo(process: Pid) -> bool {
    let name = fs::read_to_string(format!("/proc/{}/comm", process.as_raw_pid()));
    test_kill_process(process).is_ok() && name.is_ok_and(|name| name.trim() == "demo")
}

/// Process ids are used again: only what carries the mark of this folder is ours.
fn is_marked(process: Pid, run: &Path) -> bool {
    let environment =
        fs::read(format!("/proc/{}/environ", process.as_raw_pid())).unwrap_or_default();
    let mark = format!("{MARK}={}", run.display());
    environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_killed_run_left_behind_is_ended_and_nothing_else() {
        use std::os::unix::process::CommandExt as _;

        let run = tempfile::tempdir().unwrap();
        // The owner is no longer there: no process has this id.
        fs::write(run.path().join("running"), format!("{}\n", i32::MAX)).unwrap();
        let sleeper = |mark: &Path| {
            let mut command = Command::new("sleep");
            command.arg("600").env(MARK, mark).process_group(0).stdin(Stdio::null());
            let child = command.spawn().unwrap();
            note(run.path(), Pid::from_child(&child)).unwrap();
            child
        };
        let mut ours = sleeper(run.path());
        let mut other = sleeper(Path::new("/another/run"));
        end(run.path()).unwrap();
        assert!(!ours.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn a_folder_that_was_never_used_has_no_leftovers() {
        end(Path::new("/does/not/exist")).unwrap();
    }
}
