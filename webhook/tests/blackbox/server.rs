//! `emberscope serve` under good and bad requests, and at its end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{DRIVER, Server, curl, emberscope, eventually, stderr, write};

fn driver() -> Vec<u8> {
    std::fs::read(DRIVER).unwrap()
}

#[test]
fn a_captured_review_is_answered_with_a_patch_and_counted() {
    let server = Server::start();
    let answer = server.mutate(&driver()).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    assert!(!answer.head.contains("connection: close"), "{}", answer.head);
    assert!(answer.body.contains(r#""patchType":"JSONPatch""#), "{}", answer.body);
    let page = server.get("/metrics").unwrap();
    assert!(page.head.contains("text/plain; version=0.0.4"), "{}", page.head);
    let counted = r#"emberscope_admission_decisions_total{decision="injected",role="driver"} 1"#;
    assert!(page.body.contains(counted), "{}", page.body);
}

#[test]
fn promtool_finds_no_fault_with_the_metrics_page() {
    let server = Server::start();
    server.mutate(&driver()).unwrap();
    let page = server.get("/metrics").unwrap().body;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("promtool is needed by the tests; `make test` installs it");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn bad_bodies_get_an_error_and_still_no_refusal() {
    let server = Server::start();
    let too_large = vec![b' '; 8 << 20];
    for (body, status) in [(&b"garbage"[..], 400), (b"", 400), (b"{}", 400), (&too_large, 413)] {
        // Whoever is still sending when the answer comes may miss it.
        let answer = (0..5).find_map(|_| server.mutate(body)).unwrap();
        assert_eq!(answer.status, status);
        assert!(answer.body.contains(r#""allowed":true"#), "{}", answer.body);
    }
    // After all of that it is as before.
    assert_eq!(server.mutate(&driver()).unwrap().status, 200);
}

#[test]
fn other_paths_and_methods_are_refused_by_http_alone() {
    let server = Server::start();
    let (ca, base) =
        (server.authority.to_str().unwrap(), format!("https://localhost:{}", server.port));
    assert_eq!(curl(&["--cacert", ca, &format!("{base}/mutate")], b"").unwrap().status, 405);
    assert_eq!(curl(&["--cacert", ca, &format!("{base}/metrics")], b"").unwrap().status, 404);
    assert_eq!(server.get("/mutate").unwrap().status, 404);
}

#[test]
fn a_client_that_never_sends_its_body_is_let_go_and_holds_nobody_up() {
    let server = Server::start();
    let url = format!("https://localhost:{}/mutate?timeout=1s", server.port);
    let ca = server.authority.to_str().unwrap().to_owned();
    // Says that a body will come and sends none.
    let slow = std::thread::spawn(move || {
        curl(&["--cacert", &ca, "-X", "POST", "-H", "Content-Length: 100", &url], b"").unwrap()
    });
    assert_eq!(server.mutate(&driver()).unwrap().status, 200);
    let answer = slow.join().unwrap();
    assert_eq!(answer.status, 408);
    assert!(answer.body.contains("did not arrive in time"), "{}", answer.body);
}

#[test]
fn plain_text_on_the_tls_port_does_no_harm() {
    let server = Server::start();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"POST /mutate HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // An alert and the end, or the end alone.
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"));
    assert_eq!(server.mutate(&driver()).unwrap().status, 200);
}

#[test]
fn asked_to_end_it_is_not_ready_but_answers_and_then_ends_well() {
    let mut server = Server::start();
    server.signal("TERM");
    eventually("it is not ready", || server.get("/readyz").is_some_and(|a| a.status == 503));
    let answer = server.mutate(&driver()).expect("a lame duck still answers");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_second_signal_ends_the_lame_duck() {
    let mut server = Server::start();
    server.signal("INT");
    eventually("it is not ready", || server.get("/readyz").is_none_or(|a| a.status == 503));
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn a_port_that_is_taken_is_named_with_the_flag_that_helps() {
    let server = Server::start();
    let address = format!("127.0.0.1:{}", server.port);
    let output = emberscope(&["serve", "--listen", &address], "");
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
}

#[test]
fn a_changed_configuration_is_in_effect_without_a_restart_and_a_bad_one_is_not() {
    let dir = tempfile::TempDir::new().unwrap();
    let (file, ca) = (dir.path().join("config.yaml"), dir.path().join("ca.pem"));
    write(&file, "sidecar: {image: first}");
    let arguments = [file.to_str().unwrap().to_owned(), ca.to_str().unwrap().to_owned()];
    let server =
        Server::start_with(dir, ca, &["--config", &arguments[0], "--ca-out", &arguments[1]]);
    let counted = |result: &str, count: u32| {
        let line = format!("emberscope_config_reloads_total{{result=\"{result}\"}} {count}\n");
        server.get("/metrics").is_some_and(|page| page.body.contains(&line))
    };
    let usable = |value: &str| {
        let line = format!("\nemberscope_config_last_reload_successful {value}\n");
        server.get("/metrics").is_some_and(|page| page.body.contains(&line))
    };
    let image = || {
        let answer = server.mutate(&driver()).unwrap().body;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let patch = STANDARD.decode(answer["response"]["patch"].as_str().unwrap()).unwrap();
        String::from_utf8(patch).unwrap()
    };
    assert!(image().contains(r#""image":"first""#));
    write(&file, "sidecar: {imag: second}");
    eventually("the bad file is refused", || counted("refused", 1) && usable("0"));
    assert!(image().contains(r#""image":"first""#));
    write(&file, "sidecar: {image: first}");
    eventually("the file is as it was", || usable("1"));
    assert!(counted("in_effect", 0) && counted("refused", 1));
    write(&file, "sidecar: {image: second}");
    eventually("the good file is in effect", || counted("in_effect", 1) && usable("1"));
    assert!(image().contains(r#""image":"second""#));
}
