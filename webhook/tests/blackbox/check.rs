//! `emberscope check` where there is no cluster: what it prints, and the last link.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A kubeconfig for an API server that refuses connections.
fn nobody(folder: &Path) -> PathBuf {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let file = folder.join("kubeconfig");
    let authority = emberscope_certs::authority::generate(SystemTime::now()).unwrap().certificate;
    let authority = STANDARD.encode(authority);
    let cluster =
        format!("server: 'https://127.0.0.1:{port}', certificate-authority-data: {authority}");
    let config = format!(
        "clusters: [{{name: a, cluster: {{{cluster}}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         users: [{{name: a, user: {{}}}}]\ncurrent-context: a\n"
    );
    std::fs::write(&file, config).unwrap();
    file
}

/// Answers every query with one number, everything else with 404.
fn store() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
            let (status, body) = if first.contains("/api/v1/query") {
                ("200 OK", r#"{"data": {"result": [{"value": [0, "1"]}]}}"#)
            } else {
                ("404 Not Found", "")
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

/// The webhook's image holds the program and nothing else, no authorities either.
#[test]
fn a_prometheus_without_tls_is_asked_where_no_authorities_are_installed() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_emberscope"))
        .args(["check", "--prometheus", &format!("http://127.0.0.1:{}", store())])
        .arg("--kubeconfig")
        .arg(nobody(folder.path()))
        .env("SSL_CERT_FILE", folder.path().join("none"))
        .env("SSL_CERT_DIR", folder.path().join("none"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("answers queries"), "{text}");
}

#[test]
fn a_password_in_a_url_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_emberscope"))
        .args(["check", "--prometheus", "http://me:secret@127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("may hold no user and password"), "{error}");
}

#[test]
fn a_terminal_gets_colours_unless_no_color_says_no() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_emberscope");
    let command = format!("{program} check --kubeconfig {}", nobody(folder.path()).display());
    let on_a_terminal = |no_color: &str, term: &str| {
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
        script.env("NO_COLOR", no_color).env("TERM", term);
        String::from_utf8(script.output().unwrap().stdout).unwrap()
    };
    let coloured = on_a_terminal("", "xterm");
    assert!(coloured.contains("\u{1b}[31mFAIL\u{1b}[0m"), "{coloured}");
    for plain in [on_a_terminal("1", "xterm"), on_a_terminal("", "dumb")] {
        assert!(plain.contains("FAIL") && !plain.contains('\u{1b}'), "{plain}");
    }
}
