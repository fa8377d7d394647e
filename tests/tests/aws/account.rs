//! An AWS account on this machine: moto's server, filled and read by account.py.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use emberscope_tests::ports;
use serde_json::Value;

use crate::root;
use crate::script::{Finished, program, with_environment};

/// A running server; it ends with the test.
pub(crate) struct Account {
    server: Child,
    /// Its address, for `AWS_ENDPOINT_URL`.
    pub(crate) endpoint: String,
}

impl Account {
    /// Starts the server and waits until it says that it listens.
    pub(crate) fn open() -> Self {
        let port = ports::any().unwrap();
        let mut server = Command::new(program("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
        let listens = lines.by_ref().any(|line| line.unwrap().contains("Running on http"));
        assert!(listens, "moto's server ended before it listened");
        // Nobody else reads what it says, and it must not wait for somebody to.
        thread::spawn(move || lines.for_each(drop));
        Self { server, endpoint: format!("http://127.0.0.1:{port}") }
    }

    /// Of each kind: one thing with our tag, one with another walkthrough's, one without.
    pub(crate) fn fill(&self) -> Value {
        self.tell("fill")
    }

    /// What there is.
    pub(crate) fn show(&self) -> Value {
        self.tell("show")
    }

    fn tell(&self, verb: &str) -> Value {
        let script = root().join("tests/tests/aws/account.py");
        let mut python = Command::new(program("python"));
        with_environment(&mut python, &self.endpoint).arg(script).arg(verb);
        let finished = Finished::of(python.output().unwrap());
        assert_eq!(finished.status, 0, "{}", finished.said);
        serde_json::from_str(&finished.printed).unwrap()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
