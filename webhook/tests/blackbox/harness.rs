//! What several tests need: the program, a running server, curl.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A captured review of a driver of Spark 3.5.6.
pub(crate) const DRIVER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/golden/admission/spark-3.5.6-driver/review.json"
);

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// `emberscope` with these arguments, and `input` as its standard input.
pub(crate) fn emberscope(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_emberscope"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Standard error as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Standard output as text.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An answer that curl got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A running `emberscope serve`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) ops_port: u16,
    pub(crate) authority: PathBuf,
    _dir: TempDir,
}

impl Server {
    /// Starts one with a certificate in memory, and waits until it is ready.
    pub(crate) fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let authority = dir.path().join("ca.pem");
        let ca_out = authority.to_str().unwrap().to_owned();
        Self::start_with(dir, authority, &["--ca-out", &ca_out])
    }

    /// Starts one with these further arguments, whose certificate `authority` vouches for.
    pub(crate) fn start_with(dir: TempDir, authority: PathBuf, arguments: &[&str]) -> Self {
        let (port, ops_port) = (free_port(), free_port());
        let child = Command::new(env!("CARGO_BIN_EXE_emberscope"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--ops-listen", &format!("127.0.0.1:{ops_port}")])
            .args(["--lame-duck-seconds", "2"])
            // No cluster of whoever runs the tests is asked anything.
            .env("KUBECONFIG", "/dev/null")
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port, ops_port, authority, _dir: dir };
        eventually("the server is ready", || {
            server.get("/readyz").is_some_and(|a| a.status == 200)
        });
        server
    }

    /// `GET` on the plain port; nothing when nobody listens.
    pub(crate) fn get(&self, path: &str) -> Option<Answer> {
        curl(&[&format!("http://127.0.0.1:{}{path}", self.ops_port)], b"")
    }

    /// `POST /mutate` over TLS.
    pub(crate) fn mutate(&self, body: &[u8]) -> Option<Answer> {
        let url = format!("https://localhost:{}/mutate?timeout=2s", self.port);
        curl(&["--cacert", self.authority.to_str().unwrap(), "--data-binary", "@-", &url], body)
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs curl; nothing when it got no answer.
pub(crate) fn curl(arguments: &[&str], body: &[u8]) -> Option<Answer> {
    let mut child = Command::new("curl")
        .args(["--silent", "--include", "--max-time", "20", "--header", "Expect:"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl is needed by the tests; `make test` installs it");
    let _ = child.stdin.take().unwrap().write_all(body);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

/// Waits for a condition.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(50));
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Writes a file, making its folder.
pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
