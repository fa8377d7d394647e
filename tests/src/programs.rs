//! The programs of a run: each with a log of its own, and none that outlives the run.
//!
//! Every program leads a process group, so that what it starts is stopped with it.

mod build;
pub mod leftovers;

pub use build::build;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// How often a program is asked whether it is ready, or has ended.
const STEP: Duration = Duration::from_millis(200);

/// One program that was started.
#[derive(Debug)]
struct Program {
    name: &'static str,
    child: Child,
    group: Pid,
    log: PathBuf,
}

/// How a program ended when it was asked to.
#[derive(Debug)]
pub struct End {
    /// The program.
    pub name: &'static str,
    /// Its exit status; none if it had to be killed.
    pub status: Option<ExitStatus>,
    /// How long it took.
    pub after: Duration,
}

/// All programs of a run.
#[derive(Debug)]
pub struct Programs {
    run: PathBuf,
    running: Vec<Program>,
}

impl Programs {
    /// No programs yet; their logs go to the folder `logs` in `run`.
    #[must_use]
    pub fn new(run: &Path) -> Self {
        Self { run: run.to_path_buf(), running: Vec::new() }
    }

    /// Starts a program; what it prints goes to `logs/<name>.log`.
    pub fn start(&mut self, name: &'static str, mut command: Command) -> Result<()> {
        let log = self.run.join("logs").join(format!("{}.log", name.replace(' ', "-")));
        let out =
            File::create(&log).with_context(|| format!("{} could not be made", log.display()))?;
        let child = command
            .env(leftovers::MARK, &self.run)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = id.with_context(|| format!("{name} ended at once; see {}", log.display()))?;
        self.running.push(Program { name, child, group, log });
        leftovers::note(&self.run, group)
    }

    /// The process id of a program that runs.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u32> {
        self.running.iter().find(|program| program.name == name)?.child.id()
    }

    /// The log of a program that was started.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.run.join("logs").join(format!("{}.log", name.replace(' ', "-")))
    }

    /// Waits until `ready` succeeds, `name` ends, or `patience` is over.
    pub async fn until<F>(&mut self, name: &str, patience: Duration, mut ready: F) -> Result<()>
    where
        F: AsyncFnMut() -> Result<()>,
    {
        let start = Instant::now();
        loop {
            self.check(name)?;
            let Err(error) = ready().await else {
                return Ok(());
            };
            if start.elapsed() > patience {
                let log = self.log(name);
                let waited = patience.as_secs();
                return Err(error.context(format!(
                    "{name} was not ready within {waited} s; see {}, which ends in:\n{}",
                    log.display(),
                    tail(&log)
                )));
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// Fails if any program has ended.
    pub fn check_all(&mut self) -> Result<()> {
        let names: Vec<&str> = self.running.iter().map(|program| program.name).collect();
        names.into_iter().try_for_each(|name| self.check(name))
    }

    /// Fails if this program has ended.
    fn check(&mut self, name: &str) -> Result<()> {
        for program in self.running.iter_mut().filter(|program| program.name == name) {
            if let Some(status) = program.child.try_wait()? {
                bail!(
                    "{name} ended by itself ({status}); see {}, which ends in:\n{}",
                    program.log.display(),
                    tail(&program.log)
                );
            }
        }
        Ok(())
    }

    /// Waits until a program has ended by itself; returns with what.
    pub async fn ends(&mut self, name: &str, patience: Duration) -> Result<ExitStatus> {
        let place = self.running.iter().position(|program| program.name == name);
        let mut program = self.running.remove(place.with_context(|| format!("no {name} runs"))?);
        let Ok(status) = tokio::time::timeout(patience, program.child.wait()).await else {
            let (waited, log) = (patience.as_secs(), tail(&program.log));
            let _ = kill_process_group(program.group, Signal::KILL);
            bail!("{name} has not ended within {waited} s; its log ends in:\n{log}");
        };
        Ok(status?)
    }

    /// Asks the named programs to end, all at once; kills what has not ended within `patience`.
    pub async fn stop(&mut self, names: &[&str], patience: Duration) -> Vec<End> {
        let start = Instant::now();
        let (leaving, staying) =
            self.running.drain(..).partition(|program| names.contains(&program.name));
        self.running = staying;
        let leaving: Vec<Program> = leaving;
        for program in &leaving {
            let _ = kill_process_group(program.group, Signal::TERM);
        }
        let mut ends = Vec::new();
        for mut program in leaving {
            let left = patience.saturating_sub(start.elapsed());
            let status = tokio::time::timeout(left, program.child.wait()).await;
            let after = start.elapsed();
            // Also what the program itself left behind.
            let _ = kill_process_group(program.group, Signal::KILL);
            ends.push(End { name: program.name, status: status.ok().and_then(Result::ok), after });
        }
        ends
    }

    /// Stops whatever still runs.
    pub async fn stop_all(&mut self, patience: Duration) -> Vec<End> {
        let names: Vec<&str> = self.running.iter().map(|program| program.name).collect();
        self.stop(&names, patience).await
    }
}

impl Drop for Programs {
    /// The last resort, for ways out that leave no time to ask.
    fn drop(&mut self) {
        for program in &self.running {
            let _ = kill_process_group(program.group, Signal::KILL);
        }
    }
}

/// The last lines of a log, indented.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(8));
    last.map(|line| format!("    {}", line.chars().take(200).collect::<String>()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn programs() -> (tempfile::TempDir, Programs) {
        let run = tempfile::tempdir().unwrap();
        fs::create_dir(run.path().join("logs")).unwrap();
        let programs = Programs::new(run.path());
        (run, programs)
    }

    #[tokio::test]
    async fn a_program_that_ends_early_is_named_with_its_last_lines() {
        let (_run, mut programs) = programs();
        programs.start("the server", shell("echo port 1 is taken; exit 3")).unwrap();
        let never = async || Err(anyhow!("not yet"));
        let error = programs.until("the server", Duration::from_secs(20), never).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("the server ended by itself (exit status: 3)"), "{error}");
        assert!(error.contains("port 1 is taken"), "{error}");
        assert!(error.contains("the-server.log"), "{error}");
    }

    #[tokio::test]
    async fn what_a_program_started_is_stopped_with_it() {
        let (run, mut programs) = programs();
        let script = "sleep 600 & echo $! > child; wait";
        let mut command = shell(script);
        command.current_dir(run.path());
        programs.start("parent", command).unwrap();
        let child = run.path().join("child");
        let written = async || match fs::read_to_string(&child) {
            Ok(text) if text.ends_with('\n') => Ok(()),
            _ => Err(anyhow!("not yet")),
        };
        programs.until("parent", Duration::from_secs(20), written).await.unwrap();
        let ends = programs.stop_all(Duration::from_secs(20)).await;
        assert_eq!(ends.len(), 1);
        let id: i32 = fs::read_to_string(&child).unwrap().trim().parse().unwrap();
        // A killed orphan may stay a zombie for as long as its new parent does not look.
        let ended = || {
            let state = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        };
        let start = Instant::now();
        while !ended() {
            assert!(start.elapsed() < Duration::from_secs(20), "process {id} lives on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
