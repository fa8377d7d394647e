//! `emberscope why` where there is no cluster: whom it asks and how, and what it prints where there is no answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// Runs it with no kubeconfig to be found.
fn why(arguments: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_emberscope"));
    command.arg("why").args(arguments).env_remove("EMBERSCOPE_PROMETHEUS");
    command.env_remove("KUBERNETES_SERVICE_HOST").env("KUBECONFIG", nowhere.path().join("none"));
    command.env("HOME", nowhere.path()).output().unwrap()
}

/// Answers everything with this body; hands over the head of each request.
fn store(body: &'static str) -> (String, Receiver<Vec<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (heads, received) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let _ = heads.send(lines.take_while(|line| !line.is_empty()).collect());
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    (url, received)
}

/// A Prometheus in which there is nothing.
const EMPTY: &str = r#"{"status": "success", "data": {"resultType": "matrix", "result": [1795831200, "1795831200"]}}"#;

#[test]
fn with_nobody_to_ask_there_is_no_answer_and_the_reason_is_said() {
    let output = why(&["x"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert!(
        said.contains("nobody to ask") && said.contains("--prometheus URL names one"),
        "{said}"
    );
}

#[test]
fn a_command_line_that_cannot_be_followed_has_an_exit_status_of_its_own() {
    let refused: [&[&str]; 4] = [
        &["x", "--since", "5w"],
        &["x", "--prometheus", "prometheus:9090"],
        &["x", "--prometheus", "http://a", "--prometheus-user", "u"],
        &["x", "-o", "pdf"],
    ];
    for arguments in refused {
        assert_eq!(why(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_prometheus_is_asked_with_the_login_that_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2\n").unwrap();
    let file = file.to_str().unwrap();
    for (flags, header) in [
        (vec!["--prometheus-token-file", file], "authorization: Bearer hunter2"),
        (
            vec!["--prometheus-user", "me", "--prometheus-password-file", file],
            "authorization: Basic bWU6aHVudGVyMg==",
        ),
    ] {
        let (url, heads) = store(EMPTY);
        let arguments: Vec<&str> = ["x", "--prometheus", &url].into_iter().chain(flags).collect();
        let output = why(&arguments);
        assert!(heads.recv().unwrap().iter().any(|line| line == header), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("hunter2"));
    }
}

#[test]
fn a_prometheus_that_knows_nothing_of_emberscope_is_told_from_one_that_is_none() {
    let (url, _heads) = store(EMPTY);
    let said = String::from_utf8(why(&["x", "--prometheus", &url]).stderr).unwrap();
    assert!(said.contains("has no figures of any driver"), "{said}");
    for body in ["<html>", "{}", r#"{"data": {"result": [{"value": [0, "1"]}]}}"#] {
        let (url, _heads) = store(body);
        let output = why(&["x", "--prometheus", &url]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && said.contains("does not answer queries"),
            "{said}"
        );
    }
}
