//! The server that is asked: `emberscope serve` with a certificate in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::Command;

use crate::programs::Programs;
use crate::{http, ports};

/// A server that runs.
#[derive(Debug)]
pub(super) struct Server {
    /// The port of `/mutate`.
    pub(super) port: u16,
    /// The port of `/metrics`.
    pub(super) ops_port: u16,
    /// What vouches for it, a PEM file.
    pub(super) authority: PathBuf,
    /// Its process.
    pub(super) pid: u32,
    programs: Programs,
    _run: TempDir,
}

impl Server {
    /// Starts the program and waits until it is ready.
    pub(super) async fn start(program: &Path) -> Result<Self> {
        let run = tempfile::tempdir()?;
        fs::create_dir(run.path().join("logs"))?;
        let mut programs = Programs::new(run.path());
        let (port, ops_port) = (ports::any()?, ports::any()?);
        let authority = run.path().join("ca.pem");
        let mut command = Command::new(program);
        command.args(["serve", "--log-level", "error", "--ca-out"]).arg(&authority);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--ops-listen", &format!("127.0.0.1:{ops_port}")]);
        programs.start("webhook", command)?;
        let ready = async || http::get(ops_port, "/readyz").await?.ok().map(drop);
        programs.until("webhook", Duration::from_secs(30), ready).await?;
        let pid = programs.id("webhook").context("the webhook has no process id")?;
        Ok(Self { port, ops_port, authority, pid, programs, _run: run })
    }

    /// Stops it.
    pub(super) async fn stop(mut self) {
        self.programs.stop_all(Duration::from_secs(20)).await;
    }
}
