//! The real binary as a child process.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::{Answer, Page, Prometheus, eventually, get};

/// A sidecar that serves; killed at the end of its test if it still lives.
#[derive(Debug)]
pub(crate) struct Sidecar {
    pub(crate) port: u16,
    child: Child,
    directory: TempDir,
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

impl Sidecar {
    /// Starts a sidecar with these arguments, and waits until it answers.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut sidecar = Self::spawn(free_port(), arguments);
        eventually("the sidecar answers", || {
            assert!(
                sidecar.child.try_wait().unwrap().is_none(),
                "it has ended:\n{}",
                sidecar.log()
            );
            get(sidecar.port, "/healthz").is_ok_and(|answer| answer.status == 200)
        });
        sidecar
    }

    /// Starts a sidecar on that port, and does not wait.
    pub(crate) fn spawn(port: u16, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_emberscope-sidecar"));
        command.args(["--port", &port.to_string(), "--log-level", "debug"]).args(arguments);
        if !arguments.iter().any(|argument| argument.starts_with("--push-port")) {
            // Tests run side by side, and a pod has one sidecar.
            command.args(["--push-port", &free_port().to_string()]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { port, child, directory }
    }

    /// One scrape.
    #[track_caller]
    pub(crate) fn scrape(&self) -> Page {
        Page::parse(self.metrics().text())
    }

    /// A scraper that keeps its connection, and its first scrape.
    #[track_caller]
    pub(crate) fn prometheus(&self) -> (Prometheus, Page) {
        let mut prometheus = Prometheus::connect(self.port).unwrap();
        let page = Page::parse(prometheus.scrape().unwrap().text());
        (prometheus, page)
    }

    /// One scrape, as an answer.
    #[track_caller]
    pub(crate) fn metrics(&self) -> Answer {
        let answer = get(self.port, "/metrics");
        let answer = answer.unwrap_or_else(|error| panic!("{error}; the log:\n{}", self.log()));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// Scrapes until the page is as it should be.
    #[track_caller]
    pub(crate) fn scrape_until(&self, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        let mut page = self.scrape();
        eventually(what, || {
            page = self.scrape();
            is_so(&page)
        });
        page
    }

    /// Sends a signal: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it has a handler for SIGTERM (`proc_pid_status(5)`).
    pub(crate) fn hears_sigterm(&self) -> bool {
        const SIGTERM: u64 = 1 << 14;
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(caught, 16).unwrap() & SIGTERM != 0
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end; it has to be a good one.
    #[track_caller]
    pub(crate) fn ends_well(mut self) {
        let mut status: Option<ExitStatus> = None;
        eventually("the sidecar ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0), "{}", self.log());
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// How many files and sockets it has open.
    pub(crate) fn open_files(&self) -> usize {
        let path = PathBuf::from(format!("/proc/{}/fd", self.child.id()));
        std::fs::read_dir(path).unwrap().count()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
