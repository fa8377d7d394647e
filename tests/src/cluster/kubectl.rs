//! kubectl, as a user has it.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// kubectl with somebody's kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

/// What one call printed.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
}

impl Printed {
    /// What `-o json` printed.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("kubectl printed no JSON: {}", self.stdout))
    }
}

impl Kubectl {
    pub(super) fn new(program: &Path, kubeconfig: &Path) -> Self {
        Self { program: program.to_path_buf(), kubeconfig: kubeconfig.to_path_buf() }
    }

    /// Runs it; an exit status other than 0 is an error with what it said.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Printed> {
        self.run_with(arguments, "")
    }

    /// Runs it with this object on standard input (for `-f -`).
    pub fn run_on<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        object: &Value,
    ) -> Result<Printed> {
        self.run_with(arguments, &object.to_string())
    }

    /// Runs it with this text on standard input.
    pub fn run_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Result<Printed> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--kubeconfig").arg(&self.kubeconfig);
        // Not in the home of whoever runs the tests: ports change, and what is kept would pile up.
        command.arg("--cache-dir").arg(self.kubeconfig.with_extension("cache"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} could not be started", self.program.display()))?;
        // A call that reads no input may have ended already.
        let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let printed = Printed { stdout: text(&output.stdout), stderr: text(&output.stderr) };
        if !output.status.success() {
            let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
            bail!("`kubectl {}` failed: {}", arguments.join(" "), printed.stderr.trim_end());
        }
        Ok(printed)
    }

    /// Creates an object, as the API server would store it: with what admission made of it.
    pub fn create(&self, object: &Value) -> Result<Value> {
        self.run_on(["create", "-f", "-", "-o", "json"], object)?.json()
    }
}
