//! Programs that cannot outlive whoever started them, not even when that one is killed.
//!
//! A shell waits for the end of its standard input, which is a pipe from this process: when this
//! process ends, however it ends, the kernel closes the pipe and the shell ends the program.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Two children: the program, and a reader that sends it the signals that it reads, and SIGKILL at
/// the end of the pipe. Ctrl-C in a terminal is for the test; what ends with it, ends by the pipe.
const GUARD: &str = r#"
trap '' INT HUP
remove=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ while read -r signal <&3; do kill -s "$signal" "$program"; done; kill -s KILL "$program"; } 2>/dev/null &
reader=$!
wait "$program"
status=$?
kill "$reader" 2>/dev/null
[ -z "$remove" ] || rm -rf "$remove"
exit "$status"
"#;

/// How long a program may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_mins(1);

/// One program; killed when dropped.
#[derive(Debug)]
pub struct Guarded {
    name: String,
    shell: Child,
    log: PathBuf,
}

impl Guarded {
    /// Starts `command` with the environment that it names on top of this process's; what it
    /// prints goes to `<name>.log` in `folder`.
    pub fn start(name: &str, command: &Command, folder: &Path) -> Result<Self> {
        Self::start_and_remove(name, command, folder, Path::new(""))
    }

    /// The same, and removes the folder `remove` once the program has ended.
    pub(super) fn start_and_remove(
        name: &str,
        command: &Command,
        folder: &Path,
        remove: &Path,
    ) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let out =
            File::create(&log).with_context(|| format!("{} could not be made", log.display()))?;
        let mut shell = Command::new("sh");
        shell.args(["-c", GUARD, "sh"]).arg(remove);
        shell.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(key, value),
                None => shell.env_remove(key),
            };
        }
        let shell = shell
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        Ok(Self { name: name.to_owned(), shell, log })
    }

    /// Fails with the last lines of its log if the program has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.shell.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended by itself ({status}):\n{}", self.name, self.tail()),
        }
    }

    /// Sends SIGTERM; returns at once.
    pub fn terminate(&mut self) -> Result<()> {
        let stdin = self.shell.stdin.as_mut();
        let stdin = stdin.with_context(|| format!("{} has no guard", self.name))?;
        stdin.write_all(b"TERM\n").with_context(|| format!("{} has ended already", self.name))
    }

    /// Waits for the end of a program that was asked to.
    pub fn wait(mut self) -> Result<()> {
        let start = Instant::now();
        while self.shell.try_wait()?.is_none() {
            if start.elapsed() > PATIENCE {
                bail!("{} did not end:\n{}", self.name, self.tail());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What the program has printed.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // The end of the pipe is the word to kill.
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn eventually(mut condition: impl FnMut() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(start.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn a_program_ends_with_whoever_started_it() {
        let folder = tempfile::tempdir().unwrap();
        let guarded = Guarded::start("sleeper", &shell("echo $$; exec sleep 600"), folder.path());
        let guarded = guarded.unwrap();
        eventually(|| guarded.log().ends_with('\n'));
        let stat = format!("/proc/{}/stat", guarded.log().trim());
        assert!(fs::exists(&stat).unwrap());
        drop(guarded);
        // A killed orphan may stay a zombie for as long as its new parent does not look.
        eventually(|| fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")));
    }

    #[test]
    fn a_program_that_is_asked_to_end_may_take_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.05; done";
        let mut guarded = Guarded::start("server", &shell(script), folder.path()).unwrap();
        eventually(|| guarded.log().contains("hello"));
        guarded.check().unwrap();
        let log = guarded.log.clone();
        guarded.terminate().unwrap();
        guarded.wait().unwrap();
        assert_eq!(fs::read_to_string(log).unwrap(), "hello\nbye\n");
    }

    #[test]
    fn a_program_that_ends_by_itself_is_named_with_its_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut guarded =
            Guarded::start("etcd", &shell("echo the disk is full; exit 3"), folder.path()).unwrap();
        eventually(|| guarded.check().is_err());
        let error = guarded.check().unwrap_err().to_string();
        assert!(error.contains("etcd ended by itself (exit status: 3)"), "{error}");
        assert!(error.contains("the disk is full"), "{error}");
    }
}
