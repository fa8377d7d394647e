//! The programs of the other packages: Cargo builds them for these tests only when it is asked to.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};

/// Builds all programs of the workspace with the profile of the test that calls this; returns the
/// folder that they are in.
pub fn build() -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let own = env::current_exe().context("the path of this program is unknown")?;
    let folder = own.parent().context("this program lies in no folder")?;
    // Tests lie in `deps`, beside the programs.
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let folder = folder.context("this test has no folder")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--workspace", "--bins", "--locked"]);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    cargo.arg("--target-dir").arg(folder.parent().context("the target folder has no parent")?);
    // Build scripts look at these; with a test's own they would run, and compile, again.
    let of_the_test =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    for (name, _) in env::vars_os() {
        if of_the_test.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            cargo.env_remove(name);
        }
    }
    // The folder is named for the profile, but for `dev`.
    if let Some(profile) = folder.file_name().filter(|name| *name != "debug") {
        cargo.arg("--profile").arg(profile);
    }
    ensure!(cargo.status()?.success(), "the programs do not build");
    Ok(folder.to_path_buf())
}
