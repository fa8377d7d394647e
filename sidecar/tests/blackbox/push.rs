//! An executor: what is pushed is served, and nothing that is pushed does harm.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};

use crate::harness::{FakeProc, Sidecar, captured, eventually, free_port};

fn executor(proc: &FakeProc) -> (Sidecar, u16) {
    let push = free_port();
    let (port, root) = (push.to_string(), proc.path().display().to_string());
    let sidecar = Sidecar::start(&["--role=executor", "--push-port", &port, "--proc-root", &root]);
    eventually("the push port is open", || TcpStream::connect((Ipv4Addr::LOCALHOST, push)).is_ok());
    (sidecar, push)
}

fn push(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    // Who is cut off for what he sends may notice while sending.
    let _ = stream.write_all(bytes);
}

#[test]
fn what_an_executor_pushes_is_on_the_page() {
    let proc = FakeProc::with_spark();
    let (sidecar, port) = executor(&proc);
    let page = sidecar.scrape();
    assert!(!page.up("push"));
    assert!(page.errors("push", "nothing_pushed") >= 1.0, "{}", page.text());
    assert!(page.up("processes"));
    push(port, &captured("spark-3.5.6-executor.graphite"));
    let page = sidecar.scrape_until("the push is there", |page| page.up("push"));
    assert!(page.has("spark_executor_"), "{}", page.text());
    let role = format!(
        "emberscope_build_info{{role=\"executor\",version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(page.value(&role), Some(1.0));
    page.check();
}

#[test]
fn garbage_at_the_push_port_is_counted_and_nothing_more() {
    let proc = FakeProc::with_spark();
    let (sidecar, port) = executor(&proc);
    push(port, &vec![0xff; 100_000]);
    push(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    push(port, "a b c d e\nname notanumber 1\n\n\n x\n".repeat(1_000).as_bytes());
    push(port, "x".repeat(10_000_000).as_bytes());
    push(port, b"spark-1.1.executor.cpuTime.count NaN 1\nemberscope_up 1 1\n");
    let repairs = "emberscope_repairs_total{reason=\"malformed\"}";
    let page = sidecar
        .scrape_until("it is counted", |page| page.value(repairs).is_some_and(|count| count > 0.0));
    page.check();
    push(port, &captured("spark-3.5.6-executor.graphite"));
    let page = sidecar.scrape_until("the push is there", |page| page.has("spark_executor_"));
    page.check();
}
