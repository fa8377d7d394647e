//! The command line: what it teaches who gets it wrong, and what the webhook writes.

use std::process::{Command, Output};

use crate::harness::{FakeProc, Sidecar, free_port, get};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_emberscope-sidecar")).args(arguments).output().unwrap()
}

#[test]
fn a_bad_argument_is_left_out_with_a_word_on_what_would_be_right() {
    let proc = FakeProc::new();
    let (push, root) = (free_port().to_string(), proc.path().display().to_string());
    let line = ["--role=master", "--push-port", &push, "--proc-root", &root, "--log-level=loud"];
    let sidecar = Sidecar::start(&[&line[..], &["--linger-seconds=5m", "stray"]].concat());
    assert_eq!(get(sidecar.port, "/healthz").unwrap().status, 200);
    for words in [
        ["--role=master", "driver, executor"],
        ["--log-level=loud", "invalid value"],
        ["--linger-seconds=5m", "invalid digit"],
        ["stray", "unexpected argument"],
    ] {
        let warned = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(sidecar.log().lines().any(warned), "{words:?}\n{}", sidecar.log());
    }
    sidecar.signal("INT");
    sidecar.ends_well();
}

#[test]
fn help_and_version_are_there() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    for word in ["/metrics", "--linger-seconds", "Exit", "Examples"] {
        assert!(text.contains(word), "{word}\n{text}");
    }
    let version = run(&["--version"]);
    assert!(String::from_utf8(version.stdout).unwrap().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_the_webhook_writes_is_understood() {
    let proc = FakeProc::new();
    let (push, root) = (format!("--push-port={}", free_port()), proc.path().display().to_string());
    let sidecar = Sidecar::start(&[
        "--role=executor",
        "--container=spark-kubernetes-executor",
        "--linger-seconds=20",
        &push,
        "--application-id=spark-0000000300000000abc",
        "--proc-root",
        &root,
    ]);
    assert_eq!(get(sidecar.port, "/healthz").unwrap().status, 200);
    assert!(!sidecar.log().contains("left out"), "{}", sidecar.log());
}

#[test]
fn what_an_older_webhook_writes_is_warned_of_and_left_out() {
    let proc = FakeProc::new();
    let (push, root) = (format!("--push-port={}", free_port()), proc.path().display().to_string());
    let gone = ["--life=native", "--heartbeat-file=/var/log/fluentd/main-container-terminated"];
    let arguments = ["--role=executor", gone[0], &push, gone[1], "--proc-root", &root];
    let sidecar = Sidecar::start(&arguments);
    assert_eq!(get(sidecar.port, "/healthz").unwrap().status, 200);
    for flag in gone {
        let warned = |line: &str| line.contains("WARN") && line.contains(flag);
        assert!(sidecar.log().lines().any(warned), "{flag}\n{}", sidecar.log());
    }
}
