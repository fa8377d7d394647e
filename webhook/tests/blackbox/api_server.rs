//! An API server that cannot be reached.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::harness::{free_port, write};

#[test]
fn each_failed_look_at_the_cluster_is_one_line_which_says_why() {
    let dir = TempDir::new().unwrap();
    let kubeconfig = dir.path().join("kubeconfig");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    write(
        &kubeconfig,
        &format!(
            "clusters: [{{name: c, cluster: {{server: '{nobody}'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             users: [{{name: u, user: {{}}}}]\ncurrent-context: c\n"
        ),
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_emberscope"))
        .args(["serve", "--listen=127.0.0.1:0", "--ops-listen=127.0.0.1:0"])
        .args(["--tls-secret=emberscope-tls", "--webhook-configuration=emberscope"])
        .env("KUBECONFIG", &kubeconfig)
        .env("POD_NAMESPACE", "emberscope")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut log = Vec::new();
    while log.iter().filter(|line: &&String| line.contains("trying again")).count() < 2 {
        log.push(lines.next().unwrap_or_else(|| panic!("it ended: {log:#?}")));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (said, other): (Vec<_>, Vec<_>) =
        log.iter().filter(|line| !line.contains(" INFO ")).partition(|line| line.contains("why="));
    assert!(said.iter().all(|line| line.contains("Connection refused")), "{said:#?}");
    assert!(other.is_empty(), "{other:#?}");
}
