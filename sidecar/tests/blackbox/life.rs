//! The end: last values, signals, and always exit code 0.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use crate::harness::{FakeProc, FakeSpark, Page, Prometheus, Sidecar, eventually, free_port, get};

/// Longer than any test has patience: who waits for it, fails.
const FOR_EVER: &str = "--linger-seconds=3600";

fn driver(spark: &FakeSpark, proc: &FakeProc, more: &[&str]) -> Sidecar {
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    let arguments = ["--role=driver", "--spark-ui-port", &port, "--proc-root", &root];
    let sidecar = Sidecar::start(&[&arguments, more].concat());
    let page = sidecar.scrape();
    assert!(page.up("driver_page"), "{}", sidecar.log());
    sidecar
}

fn assert_last_values(page: &Page) {
    assert_eq!(page.value("emberscope_spark_ended"), Some(1.0));
    for (source, name) in [
        ("driver_page", "spark_driver_"),
        ("executors_page", "metrics_executor_"),
        ("cgroup", "spark_container_"),
    ] {
        assert!(!page.up(source) && page.has(name), "{source}\n{}", page.text());
    }
    // Its totals stood still before the end.
    assert!(!page.has("metrics_executor_completedTasks_total"), "{}", page.text());
    assert!(page.has("metrics_executor_maxTasks"), "{}", page.text());
    assert_eq!(page.value("spark_processes{kind=\"jvm\"}"), Some(1.0), "{}", page.text());
    // The processes of this test are files, whose end the kernel tells nobody.
    assert!(
        page.has("spark_container_last_state{container=\"spark\",evidence=\""),
        "{}",
        page.text()
    );
    page.check();
}

#[test]
fn after_sigterm_the_last_values_are_served_once_and_then_it_ends() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let mut sidecar = driver(&spark, &proc, &[FOR_EVER]);
    proc.end_spark();
    spark.end();
    sidecar.signal("TERM");
    eventually("the signal is heard", || sidecar.log().contains("SIGTERM"));
    assert!(sidecar.is_alive());
    assert_eq!(get(sidecar.port, "/healthz").unwrap().status, 200);
    // Who asks for a part has not taken them, and who asks by hand takes them from nobody.
    let part = get(sidecar.port, "/metrics?name[]=emberscope_spark_ended").unwrap();
    assert!(part.text().ends_with("emberscope_spark_ended 1\n"), "{}", part.text());
    assert_last_values(&sidecar.scrape());
    std::thread::sleep(Duration::from_millis(500));
    assert!(sidecar.is_alive());
    let (_prometheus, page) = sidecar.prometheus();
    assert_last_values(&page);
    sidecar.ends_well();
}

#[test]
fn each_of_two_scrapers_that_came_before_gets_the_last_values() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let mut sidecar = driver(&spark, &proc, &[FOR_EVER]);
    let ((mut first, _), (mut second, _)) = (sidecar.prometheus(), sidecar.prometheus());
    proc.end_spark();
    spark.end();
    sidecar.signal("TERM");
    eventually("the signal is heard", || sidecar.log().contains("SIGTERM"));
    assert_last_values(&Page::parse(first.scrape().unwrap().text()));
    std::thread::sleep(Duration::from_millis(500));
    assert!(sidecar.is_alive(), "{}", sidecar.log());
    assert_last_values(&Page::parse(second.scrape().unwrap().text()));
    sidecar.ends_well();
}

#[test]
fn a_short_job_waits_for_as_many_scrapers_as_it_is_told_of() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let mut sidecar = driver(&spark, &proc, &[FOR_EVER, "--scrapers=2"]);
    proc.end_spark();
    spark.end();
    sidecar.signal("TERM");
    let (_first, page) = sidecar.prometheus();
    assert_last_values(&page);
    std::thread::sleep(Duration::from_millis(500));
    assert!(sidecar.is_alive(), "{}", sidecar.log());
    let (_second, page) = sidecar.prometheus();
    assert_last_values(&page);
    sidecar.ends_well();
}

#[test]
fn a_scraper_that_closes_without_reading_has_not_taken_the_last_values() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let mut sidecar = driver(&spark, &proc, &[FOR_EVER]);
    proc.end_spark();
    spark.end();
    sidecar.signal("TERM");
    eventually("the signal is heard", || sidecar.log().contains("SIGTERM"));
    for pause in [0, 0, 50] {
        let mut gone = Prometheus::connect(sidecar.port).unwrap();
        gone.ask().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        drop(gone);
    }
    std::thread::sleep(Duration::from_secs(1));
    assert!(sidecar.is_alive(), "{}", sidecar.log());
    let (_prometheus, page) = sidecar.prometheus();
    assert_last_values(&page);
    sidecar.ends_well();
}

#[test]
fn a_scraper_that_comes_regularly_is_waited_for_one_interval_and_a_second() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc, &[FOR_EVER]);
    let (mut prometheus, _) = sidecar.prometheus();
    std::thread::sleep(Duration::from_secs(2));
    prometheus.scrape().unwrap();
    proc.end_spark();
    spark.end();
    let began = Instant::now();
    sidecar.signal("TERM");
    sidecar.ends_well();
    assert!(began.elapsed() >= Duration::from_millis(2900), "{:?}", began.elapsed());
}

#[test]
fn values_that_were_taken_before_sigterm_need_no_lingering() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let mut sidecar = driver(&spark, &proc, &[FOR_EVER]);
    proc.end_spark();
    spark.end();
    let (_prometheus, page) = sidecar.prometheus();
    assert_last_values(&page);
    // The kubelet would restart a native sidecar that ends untold.
    std::thread::sleep(Duration::from_millis(500));
    assert!(sidecar.is_alive());
    sidecar.signal("TERM");
    sidecar.ends_well();
}

#[test]
fn a_job_that_no_scrape_saw_leaves_its_last_values() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    let arguments = ["--role=driver", "--spark-ui-port", &port, "--proc-root", &root, FOR_EVER];
    let sidecar = Sidecar::start(&arguments);
    eventually("the sidecar has looked by itself", || {
        sidecar.log().matches("source answers").count() == 4
    });
    proc.end_spark();
    spark.end();
    sidecar.signal("TERM");
    assert_last_values(&sidecar.prometheus().1);
    sidecar.ends_well();
}

#[test]
fn a_sidecar_whose_pod_shares_no_processes_lingers_too() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::new());
    let sidecar = driver(&spark, &proc, &[FOR_EVER]);
    spark.end();
    let page = sidecar.scrape();
    assert_eq!(page.value("emberscope_spark_ended"), Some(0.0));
    assert!(!page.has("spark_driver_"), "nothing stale before the end is known");
    sidecar.signal("TERM");
    eventually("the signal is heard", || sidecar.log().contains("SIGTERM"));
    let (_prometheus, page) = sidecar.prometheus();
    assert_eq!(page.value("emberscope_spark_ended"), Some(1.0));
    assert!(page.has("spark_driver_") && page.has("metrics_executor_"), "{}", page.text());
    sidecar.ends_well();
}

#[test]
fn if_nobody_scrapes_it_ends_when_the_linger_time_is_over() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc, &["--linger-seconds=2"]);
    proc.end_spark();
    let began = Instant::now();
    sidecar.signal("TERM");
    sidecar.ends_well();
    assert!(began.elapsed() >= Duration::from_millis(1900), "{:?}", began.elapsed());
}

#[test]
fn sigterm_while_spark_runs_lingers_only_so_long_however_often_it_is_scraped() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc, &["--linger-seconds=3"]);
    let began = Instant::now();
    sidecar.signal("TERM");
    eventually("the signal is heard", || sidecar.log().contains("SIGTERM"));
    if let Ok(answer) = get(sidecar.port, "/metrics") {
        let page = Page::parse(answer.text());
        assert_eq!(page.value("emberscope_spark_ended"), Some(0.0));
        assert!(page.up("driver_page"));
    }
    sidecar.ends_well();
    assert!(began.elapsed() >= Duration::from_millis(2900), "{:?}", began.elapsed());
}

#[test]
fn a_second_sigterm_is_obeyed_at_once() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let mut sidecar = driver(&spark, &proc, &[FOR_EVER]);
    sidecar.signal("TERM");
    eventually("the signal is heard", || sidecar.log().contains("SIGTERM"));
    assert!(sidecar.is_alive());
    sidecar.signal("TERM");
    sidecar.ends_well();
}

#[test]
fn ctrl_c_is_obeyed_at_once() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc, &[FOR_EVER]);
    sidecar.signal("INT");
    sidecar.ends_well();
}

#[test]
fn where_spark_never_was_sigterm_ends_it_at_once() {
    let proc = FakeProc::new();
    let (port, root) = (FakeSpark::start().port.to_string(), proc.path().display().to_string());
    let arguments = ["--role=driver", "--spark-ui-port", &port, "--proc-root", &root, FOR_EVER];
    let sidecar = Sidecar::start(&arguments);
    sidecar.signal("TERM");
    sidecar.ends_well();
}

/// A signal that comes before it can be heard ends a process with that signal's status.
#[test]
fn sigterm_is_heard_before_anything_else_is_done() {
    // So many that reading them takes a while.
    let unknown: Vec<String> = (0..300).map(|number| format!("--later-{number}")).collect();
    let mut arguments = vec!["--role=executor", FOR_EVER];
    arguments.extend(unknown.iter().map(String::as_str));
    let sidecar = Sidecar::spawn(free_port(), &arguments);
    eventually("it hears signals", || sidecar.hears_sigterm());
    assert_eq!(sidecar.log(), "", "it has done something before");
    sidecar.signal("TERM");
    sidecar.ends_well();
}

#[test]
fn a_port_that_is_taken_is_said_and_outlived() {
    let holder = TcpListener::bind(("::", 0)).or_else(|_| TcpListener::bind(("0.0.0.0", 0)));
    let holder = holder.unwrap();
    let port = holder.local_addr().unwrap().port();
    let proc = FakeProc::with_spark();
    let root = proc.path().display().to_string();
    let mut sidecar = Sidecar::spawn(port, &["--role=driver", "--proc-root", &root, FOR_EVER]);
    eventually("it says so", || {
        let log = sidecar.log();
        log.contains("ERROR") && log.contains(&port.to_string()) && log.contains("--port")
    });
    std::thread::sleep(Duration::from_secs(1));
    assert!(sidecar.is_alive());
    // Nobody could take the last values: nobody is waited for.
    sidecar.signal("TERM");
    sidecar.ends_well();
}

#[test]
fn a_port_that_becomes_free_is_taken() {
    let holder = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = holder.local_addr().unwrap().port();
    let sidecar = Sidecar::spawn(port, &["--role=executor", "--push-port=1"]);
    eventually("it says so", || sidecar.log().contains("ERROR"));
    drop(holder);
    eventually("it answers", || get(port, "/healthz").is_ok_and(|answer| answer.status == 200));
}
