//! The Spark job: real `spark-submit`, configured by nothing but what the patched pod carries.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::enclosure::Enclosure;

/// Two executors in processes of their own, with one core and 1 GiB each.
pub const TWO_EXECUTORS: &str = "local-cluster[2,1,1024]";

/// What the job runs with.
#[derive(Debug)]
pub struct Job<'a> {
    /// The Spark installation; it is not written to.
    pub home: &'a Path,
    /// The Java installation.
    pub java: &'a Path,
    /// Where it runs.
    pub master: &'a str,
    /// The job's own settings, as its author gives them: `--conf` and others.
    pub settings: &'a [String],
    /// The folder with the program, and what it imports.
    pub sources: &'a Path,
    /// The program's file in there.
    pub program: &'a str,
    /// The program's arguments.
    pub arguments: &'a [String],
    /// A folder for everything that Spark writes.
    pub folder: &'a Path,
    /// The value of `SPARK_SUBMIT_OPTS` in the patched pod.
    pub options: &'a str,
}

impl Job<'_> {
    /// The command that submits the job from inside `enclosure`.
    pub fn command(&self, enclosure: &Enclosure) -> Result<Command> {
        let home = self.home_with_own_work_folder()?;
        let settings = self.made("conf")?;
        let local = self.made("local")?;
        let python = python_of(self.home);
        // The shell enters the group and becomes Spark: children are then inside from the start.
        let enter = r#"while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", enter, "sh"]).args(enclosure.entrances()).arg("--");
        command.arg(home.join("bin/spark-submit"));
        command.args(["--master", self.master, "--name", "taxi-trips", "--py-files"]);
        command.arg(self.sources.join("fares.py")).args(self.settings);
        command.arg(self.sources.join(self.program)).args(self.arguments);
        // An environment of our own: no settings of the machine's owner reach the job.
        command.env_clear().current_dir(self.folder);
        for kept in ["PATH", "HOME", "LANG", "USER"] {
            command.envs(env::var_os(kept).map(|value| (kept, value)));
        }
        command.env("JAVA_HOME", self.java).env("SPARK_HOME", home);
        command.env("SPARK_CONF_DIR", settings).env("SPARK_LOCAL_DIRS", local);
        command.env("SPARK_LOCAL_IP", "127.0.0.1");
        command.env("PYSPARK_PYTHON", &python).env("PYSPARK_DRIVER_PYTHON", &python);
        command.env("SPARK_SUBMIT_OPTS", self.options);
        Ok(command)
    }

    /// The workers of `local-cluster` write to `$SPARK_HOME/work`: a home of links keeps that out of
    /// the installation.
    fn home_with_own_work_folder(&self) -> Result<PathBuf> {
        let home = self.made("home")?;
        for entry in fs::read_dir(self.home)? {
            let entry = entry?;
            if entry.file_name() != "work" {
                symlink(entry.path(), home.join(entry.file_name()))?;
            }
        }
        Ok(home)
    }

    fn made(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} could not be made", folder.display()))?;
        Ok(folder)
    }
}

/// The Python of the virtual environment that the installation lies in, else the machine's.
#[must_use]
pub fn python_of(home: &Path) -> PathBuf {
    let environment = home.ancestors().find(|folder| folder.join("pyvenv.cfg").is_file());
    environment.map_or_else(|| "python3".into(), |folder| folder.join("bin/python"))
}
