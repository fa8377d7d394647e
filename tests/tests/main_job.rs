//! The main job as a user runs it: the real webhook and sidecar, real Spark, real Prometheus.

#![allow(clippy::unwrap_used)] // In a test that is the message.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use emberscope_tests::programs;

/// The demonstration's ports are fixed by the patch, so there is one run at a time.
static MACHINE: Mutex<()> = Mutex::new(());

fn demo(arguments: &[&str]) -> Output {
    programs::build().unwrap();
    Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(arguments)
        .env_remove("KEEP")
        .env_remove("SPARK_VERSION")
        .output()
        .unwrap()
}

fn machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_main_job_reaches_the_second_prometheus() {
    let _machine = machine();
    let output = demo(&["--seconds", "30"]);
    let (told, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
    let rows = told.lines().filter(|line| line.contains('{') && line.contains('}')).count();
    assert!(rows >= 12, "only {rows} series are in the table:\n{told}");
    for sidecar in ["driver", "executor"] {
        let ended = format!("the {sidecar} sidecar ended");
        assert!(told.contains(&ended), "{told}");
    }
    for port in [9814, 9815, 9816, 4040] {
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(), "{port} is still taken");
    }
}

#[test]
fn a_port_that_is_taken_is_a_sentence_with_a_remedy() {
    let _machine = machine();
    let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 9814)).unwrap();
    let output = demo(&[]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("port 9814 is taken"), "{errors}");
    assert!(errors.contains("then run this again"), "{errors}");
}

#[test]
fn a_spark_that_is_not_set_up_is_a_sentence_with_a_remedy() {
    let output = demo(&["--spark-version", "0.0.1"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("run `SPARK_VERSION=0.0.1 tests/setup.sh`"), "{errors}");
}
