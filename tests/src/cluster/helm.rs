//! Helm, as a user has it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Helm with somebody's kubeconfig.
#[derive(Debug, Clone)]
pub struct Helm {
    pub(super) program: PathBuf,
    pub(super) kubeconfig: PathBuf,
}

impl Helm {
    /// Runs it and gives what it prints; an exit status other than 0 is an error with what it said.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--kubeconfig").arg(&self.kubeconfig);
        // What it keeps is not for the home of whoever runs the tests.
        let kept = self.kubeconfig.with_extension("helm");
        for kind in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{kind}_HOME"), &kept);
        }
        let output = command
            .output()
            .with_context(|| format!("{} could not be started", self.program.display()))?;
        let error = String::from_utf8_lossy(&output.stderr);
        let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        ensure!(output.status.success(), "`helm {}` failed: {error}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }
}
