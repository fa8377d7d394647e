//! An executor: what is pushed is served, and nothing that is pushed does harm.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::harness::{
    DRIVER, FakeProc, FakeSpark, Mood, Page, Sidecar, captured, eventually, free_port, get,
};

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

/// Lines as a driver pushes them when it stops.
const LAST: &[u8] = b"app-20261123071901-0000.driver.appStatus.tasks.completedTasks.count 4711 1\n\
    app-20261123071901-0000.driver.DAGScheduler.job.allJobs 12 1\n";

#[test]
fn what_a_driver_pushes_last_stands_in_for_the_page_that_it_has_closed() {
    let (spark, proc, push_port) = (FakeSpark::start(), FakeProc::with_spark(), free_port());
    let (ui, root) = (spark.port.to_string(), proc.path().display().to_string());
    let sidecar = Sidecar::start(&[
        "--role=driver",
        "--spark-ui-port",
        &ui,
        "--push-port",
        &push_port.to_string(),
        "--proc-root",
        &root,
        "--linger-seconds=3600",
    ]);
    let tasks =
        "spark_driver_app_status_completed_tasks_total{application_id=\"app-20261123071901-0000\"}";
    let page = sidecar.scrape_until("the page is there", |page| page.up("driver_page"));
    let of_the_page = page.value(tasks).unwrap();
    assert!(!page.text().contains("source=\"push\""), "nothing was pushed: {}", page.text());
    eventually("the push port is open", || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, push_port)).is_ok()
    });
    // While there is a page, it counts, and nothing is there twice.
    push(push_port, LAST);
    let page = sidecar.scrape_until("the push is seen", |page| page.text().contains("push"));
    assert!(page.up("push") && page.up("driver_page"));
    assert_eq!(page.value(tasks), Some(of_the_page));
    assert_eq!(page.value("emberscope_left_out_samples_total"), Some(0.0));
    // Spark closes its UI, reports once more, and ends.
    spark.end();
    push(push_port, LAST);
    proc.end_spark();
    sidecar.signal("TERM");
    eventually("the end is seen", || sidecar.log().contains("Spark has ended"));
    let (_prometheus, page) = sidecar.prometheus();
    assert_eq!(page.value(tasks), Some(4711.0), "{}", page.text());
    assert!(!page.up("driver_page") && page.has("metrics_executor_"), "{}", page.text());
    page.check();
    sidecar.ends_well();
}

#[test]
fn an_older_push_is_no_better_than_the_page_that_was_read_after_it() {
    let (spark, proc, push_port) = (FakeSpark::start(), FakeProc::with_spark(), free_port());
    let (ui, root) = (spark.port.to_string(), proc.path().display().to_string());
    let push_at = push_port.to_string();
    let sidecar = Sidecar::start(&[
        "--role=driver",
        "--spark-ui-port",
        &ui,
        "--push-port",
        &push_at,
        "--proc-root",
        &root,
        "--linger-seconds=3600",
    ]);
    eventually("the push port is open", || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, push_port)).is_ok()
    });
    push(push_port, LAST);
    let page = sidecar.scrape_until("the push is seen", |page| page.text().contains("push"));
    let tasks =
        "spark_driver_app_status_completed_tasks_total{application_id=\"app-20261123071901-0000\"}";
    let of_the_page = page.value(tasks).unwrap();
    // For a while there is no page, and a newer push stands in for it.
    spark.set(DRIVER, Mood::Says(500, "text/html", Vec::new()));
    push(push_port, LAST);
    sidecar.scrape_until("the push stands in", |page| page.value(tasks) == Some(4711.0));
    spark.set(DRIVER, Mood::Serves(captured("spark-3.5.6-localcluster-driver.prom")));
    sidecar.scrape_until("the page is back", |page| page.value(tasks) == Some(of_the_page));
    // It is killed, and reports no more.
    spark.end();
    proc.end_spark();
    sidecar.signal("TERM");
    eventually("the end is seen", || sidecar.log().contains("Spark has ended"));
    let page = sidecar.scrape();
    assert_eq!(page.value(tasks), Some(of_the_page));
    assert_eq!(
        page.value("emberscope_left_out_samples_total"),
        Some(0.0),
        "nothing is there twice"
    );
}

#[test]
fn a_push_that_is_half_read_when_spark_ends_is_read_to_its_end() {
    let (proc, push_port) = (FakeProc::with_spark(), free_port());
    let root = proc.path().display().to_string();
    let sidecar = Sidecar::start(&[
        "--role=executor",
        "--push-port",
        &push_port.to_string(),
        "--proc-root",
        &root,
        "--linger-seconds=3600",
    ]);
    eventually("the push port is open", || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, push_port)).is_ok()
    });
    let mut report = TcpStream::connect((Ipv4Addr::LOCALHOST, push_port)).unwrap();
    report.write_all(b"app-20261123071901-0000.1.executor.bytesRead.count 1 1\n").unwrap();
    sidecar.scrape_until("half of it is there", |page| page.has("spark_executor_input_bytes"));
    proc.end_spark();
    sidecar.signal("TERM");
    eventually("the end is seen", || sidecar.log().contains("Spark has ended"));
    let scrape = std::thread::spawn({
        let port = sidecar.port;
        move || Page::parse(get(port, "/metrics").unwrap().text())
    });
    std::thread::sleep(Duration::from_millis(300));
    report.write_all(b"app-20261123071901-0000.1.executor.bytesRead.count 9 1\n").unwrap();
    drop(report);
    let page = scrape.join().unwrap();
    let read = "spark_executor_input_bytes_total{application_id=\"app-20261123071901-0000\",\
                executor_id=\"1\"}";
    assert_eq!(page.value(read), Some(9.0), "{}", page.text());
}
