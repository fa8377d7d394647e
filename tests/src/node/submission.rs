//! `spark-submit --deploy-mode cluster`, as a user runs it, and what it says.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use super::outcome::Verdict;
use super::scenario::Scenario;
use crate::places::Places;

/// What pods and this program both see; the node has it at this place.
pub(super) const SHARED: &str = "/run/emberscope-node/shared";

/// Settings of every job: as small as Spark allows, on one node with two cores.
const CONF: [(&str, &str); 12] = [
    ("spark.executor.instances", "1"),
    ("spark.driver.memory", "512m"),
    ("spark.executor.memory", "512m"),
    ("spark.kubernetes.driver.request.cores", "100m"),
    ("spark.kubernetes.executor.request.cores", "100m"),
    ("spark.kubernetes.authenticate.driver.serviceAccountName", "spark"),
    ("spark.kubernetes.driver.volumes.hostPath.jobs.mount.path", "/jobs"),
    // One file, readable as it is.
    ("spark.eventLog.enabled", "true"),
    ("spark.eventLog.dir", "file:/events"),
    ("spark.eventLog.compress", "false"),
    ("spark.eventLog.rolling.enabled", "false"),
    ("spark.kubernetes.driver.volumes.hostPath.events.mount.path", "/events"),
];

/// A submitter that runs.
#[derive(Debug)]
pub struct Submission {
    child: Child,
    output: PathBuf,
    /// When it was started.
    pub started: Instant,
}

/// A submitter that has ended, or was ended.
#[derive(Debug)]
pub struct Submitter {
    /// Its exit code; none if it did not end by itself.
    pub exit: Option<i32>,
    /// All that it printed.
    pub text: String,
}

impl Submission {
    /// Submits the scenario's job, which writes its event log to the folder `events`.
    pub fn start(
        places: &Places,
        scenario: &Scenario,
        version: &str,
        namespace: &str,
        events: &Path,
    ) -> Result<Self> {
        let jobs = Path::new(SHARED).join("jobs");
        fs::create_dir_all(&jobs)?;
        let program = jobs.join(format!("{}.py", scenario.name));
        fs::copy(&scenario.program, &program)
            .with_context(|| format!("{} could not be copied", scenario.program.display()))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644))?;

        let home = places.spark_home(version)?;
        let output = Path::new(SHARED).join("submitter.log");
        let log = File::create(&output)?;
        let mut command = Command::new(home.join("bin/spark-submit"));
        command.args(["--master", "k8s://https://10.77.0.1:6443", "--deploy-mode", "cluster"]);
        command.args(["--name", &scenario.name]);
        let own = [
            ("spark.kubernetes.namespace", namespace.to_owned()),
            ("spark.kubernetes.container.image", format!("spark:{version}")),
            (
                "spark.kubernetes.driver.volumes.hostPath.jobs.options.path",
                jobs.display().to_string(),
            ),
            (
                "spark.kubernetes.driver.volumes.hostPath.events.options.path",
                events.display().to_string(),
            ),
        ];
        let own = own.iter().map(|(key, value)| (*key, value.as_str()));
        let scenarios = scenario.conf.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in CONF.into_iter().chain(own).chain(scenarios) {
            command.arg("--conf").arg(format!("{key}={value}"));
        }
        command.arg(format!("local:///jobs/{}.py", scenario.name));
        command.env("SPARK_HOME", &home).env("JAVA_HOME", places.java_home()?);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().context("spark-submit could not be started")?;
        Ok(Self { child, output, started: Instant::now() })
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// What it said; one that still runs is ended first.
    pub async fn end(mut self) -> Result<Submitter> {
        let exit = self.child.try_wait()?.and_then(|status| status.code());
        if exit.is_none() {
            self.child.kill().await?;
        }
        Ok(Submitter { exit, text: fs::read_to_string(&self.output).unwrap_or_default() })
    }
}

impl Submitter {
    /// The newest that it said of phase, exit code and reason
    /// (`org.apache.spark.deploy.k8s.submit.LoggingPodStatusWatcherImpl`).
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let last = |key: &str| {
            let value = |line: &str| Some(line.trim().strip_prefix(key)?.trim().to_owned());
            self.text.lines().rev().find_map(value)
        };
        // Of what it said before the container ended, nothing is left to say.
        let final_part = self.text.rfind("Container final statuses").is_some();
        Verdict {
            phase: last("phase:").unwrap_or_else(|| "none".to_owned()),
            exit: final_part
                .then(|| last("exit code:"))
                .flatten()
                .and_then(|code| code.parse().ok()),
            reason: if final_part { last("termination reason:") } else { last("pending reason:") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_word_counts() {
        let text = "\
26/11/28 11:48:13 INFO LoggingPodStatusWatcherImpl: State changed, new state: 
\t phase: Running
26/11/28 11:48:47 INFO LoggingPodStatusWatcherImpl: State changed, new state: 
\t phase: Failed
26/11/28 11:48:47 INFO LoggingPodStatusWatcherImpl: Container final statuses:
\t container name: spark-kubernetes-driver
\t exit code: 1
\t termination reason: Error
";
        let verdict = Submitter { exit: Some(0), text: text.to_owned() }.verdict();
        assert_eq!(verdict.to_string(), "Failed 1 Error");
    }
}
