//! A scrape of a driver: what is on the page, and what if a part of it fails.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{
    DRIVER, EXECUTORS, FakeProc, FakeSpark, Mood, Page, Sidecar, captured, eventually, request,
};

fn driver(spark: &FakeSpark, proc: &FakeProc) -> Sidecar {
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    Sidecar::start(&["--role=driver", "--spark-ui-port", &port, "--proc-root", &root])
}

#[test]
fn a_scrape_has_every_source_on_one_valid_page() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    let answer = sidecar.metrics();
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let page = Page::parse(answer.text());
    page.check();
    for source in ["driver_page", "executors_page", "cgroup", "processes"] {
        assert!(page.up(source), "{source}\n{}\n{}", page.text(), sidecar.log());
    }
    for name in ["spark_driver_", "metrics_executor_", "spark_container_", "spark_process_"] {
        assert!(page.has(name), "{name}\n{}", page.text());
    }
    let version = env!("CARGO_PKG_VERSION");
    let build = format!("emberscope_build_info{{role=\"driver\",version=\"{version}\"}}");
    assert_eq!(page.value(&build), Some(1.0));
    assert_eq!(page.value("emberscope_spark_ended"), Some(0.0));
    assert!(page.value("emberscope_process_resident_memory_bytes").unwrap() > 0.0);
    assert!(page.value("spark_node_cpus").unwrap() >= 1.0);
    let before = page.value("emberscope_scrapes_total").unwrap();
    assert_eq!(sidecar.scrape().value("emberscope_scrapes_total"), Some(before + 1.0));
}

#[test]
fn every_captured_page_becomes_a_valid_one() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    for (path, source, names) in [
        (
            DRIVER,
            "driver_page",
            [
                "spark-3.5.6-local-driver.prom",
                "spark-3.5.6-localcluster-all-sources-driver.prom",
                "spark-3.5.6-streaming-driver.prom",
                "spark-4.0.1-local-driver.prom",
                "spark-4.0.4-localcluster-all-sources-driver.prom",
                "spark-4.3.0-driver.prom",
            ]
            .as_slice(),
        ),
        (
            EXECUTORS,
            "executors_page",
            [
                "spark-3.5.6-local-executors.prom",
                "spark-3.5.6-localcluster-executors.prom",
                "spark-4.0.1-localcluster-executors.prom",
                "spark-4.0.4-localcluster-executors.prom",
                "spark-4.3.0-executors.prom",
            ]
            .as_slice(),
        ),
    ] {
        for name in names {
            spark.set(path, Mood::Serves(captured(name)));
            let page = sidecar.scrape();
            assert!(page.up(source), "{name}\n{}", sidecar.log());
            page.check();
        }
    }
}

#[test]
fn a_driver_page_that_fails_in_any_way_leaves_the_rest_on_the_page() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    assert!(sidecar.scrape().up("driver_page"));
    let good = captured("spark-3.5.6-localcluster-driver.prom");
    let starting = "Spark is starting up. Please wait a while until it's ready.";
    let huge = b"metrics_x_driver_y_Count{type=\"counters\"} 1\n".repeat(500_000);
    for (what, mood) in [
        ("500", Mood::Says(500, "text/html", b"<html>".to_vec())),
        ("html that is no page", Mood::Says(200, "text/html", starting.into())),
        (
            "the servlet is off",
            Mood::Says(404, "text/html", captured("spark-4.0.1-servlet-off-404.html")),
        ),
        ("garbage", Mood::Says(200, "text/plain", vec![0xff; 10_000])),
        ("nothing", Mood::Says(200, "text/plain", Vec::new())),
        ("huge", Mood::Serves(huge)),
        ("half a page", Mood::ClosesMidBody(good.clone())),
        ("no http", Mood::Babbles),
    ] {
        spark.set(DRIVER, mood);
        let page = sidecar.scrape();
        assert!(!page.up("driver_page"), "{what}");
        assert!(!page.has("spark_driver_"), "{what}: nothing stale, nothing half");
        for source in ["executors_page", "cgroup", "processes"] {
            assert!(page.up(source), "{what}: {source}");
        }
        assert!(page.has("metrics_executor_"), "{what}");
        page.check();
    }
    spark.set(DRIVER, Mood::Serves(good));
    assert!(sidecar.scrape().up("driver_page"));
}

#[test]
fn a_spark_that_does_not_answer_costs_no_more_than_the_deadline() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    assert!(sidecar.scrape().up("driver_page"));
    let good = captured("spark-3.5.6-localcluster-driver.prom");
    for mood in [Mood::Waits, Mood::Stalls(good)] {
        // The look that the sidecar takes by itself has its own, longer deadline: none is due for
        // seconds after this.
        spark.set(DRIVER, Mood::Serves(captured("spark-4.3.0-driver.prom")));
        sidecar.scrape_until("spark answers", |page| page.up("driver_page"));
        spark.set(DRIVER, mood.clone());
        let began = Instant::now();
        let timeout = "X-Prometheus-Scrape-Timeout-Seconds: 1.5\r\n";
        let answer = request(sidecar.port, "GET", "/metrics", timeout).unwrap();
        let took = began.elapsed();
        let page = Page::parse(answer.text());
        assert!(!page.up("driver_page") && page.up("executors_page"), "{mood:?}");
        assert!(page.errors("driver_page", "deadline") >= 1.0, "{}", page.text());
        assert!(took >= Duration::from_millis(900), "{took:?}");
        // Half a second is kept back; the rest is for a machine that has other work.
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
}

#[test]
fn beside_a_patient_client_a_hung_spark_takes_nothing_but_its_own_figures_from_the_others() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    assert!(sidecar.scrape().up("driver_page"));
    for path in [DRIVER, EXECUTORS] {
        spark.set(path, Mood::Waits);
    }
    let (port, asked) = (sidecar.port, spark.asked(DRIVER));
    let scrape = move |seconds: u32| {
        let timeout = format!("X-Prometheus-Scrape-Timeout-Seconds: {seconds}\r\n");
        Page::parse(request(port, "GET", "/metrics", &timeout).unwrap().text())
    };
    let patient = thread::spawn(move || scrape(50));
    eventually("spark is asked", || spark.asked(DRIVER) > asked);
    for _ in 0..2 {
        let began = Instant::now();
        let page = scrape(2);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(20), "{took:?}");
        assert!(page.up("cgroup") && page.up("processes"), "{}", page.text());
        assert!(page.has("spark_container_memory_usage_bytes"), "{}", page.text());
        assert!(!page.up("driver_page") && !page.up("executors_page"), "{}", page.text());
        assert!(page.errors("driver_page", "deadline") >= 1.0, "{}", page.text());
    }
    // All of them wait for one and the same answer of Spark's, and the patient one gets it.
    for (path, page) in [(DRIVER, "driver"), (EXECUTORS, "executors")] {
        spark.set(path, Mood::Serves(captured(&format!("spark-3.5.6-localcluster-{page}.prom"))));
    }
    let page = patient.join().unwrap();
    assert!(page.up("driver_page") && page.up("executors_page"), "{}", page.text());
    assert_eq!(spark.asked(DRIVER), asked + 1);
    page.check();
}

#[test]
fn a_storm_of_fifty_scrapes_costs_spark_one() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    // After this no look is due for seconds.
    assert!(sidecar.scrape().up("driver_page"));
    for path in [DRIVER, EXECUTORS] {
        spark.set(path, Mood::Waits);
    }
    let before = (spark.asked(DRIVER), spark.asked(EXECUTORS));
    let idle = sidecar.open_files();
    let port = sidecar.port;
    let storm: Vec<_> = (0..50)
        .map(|_| {
            thread::spawn(move || {
                let timeout = "X-Prometheus-Scrape-Timeout-Seconds: 60\r\n";
                request(port, "GET", "/metrics", timeout).unwrap()
            })
        })
        .collect();
    eventually("fifty connections", || sidecar.open_files() >= idle + 50);
    eventually("spark is asked", || spark.asked(DRIVER) > before.0);
    // Connections are read as soon as they are accepted; this is for the last of them.
    thread::sleep(Duration::from_millis(500));
    for (path, page) in [(DRIVER, "driver"), (EXECUTORS, "executors")] {
        spark.set(path, Mood::Serves(captured(&format!("spark-3.5.6-localcluster-{page}.prom"))));
    }
    for scrape in storm {
        let page = Page::parse(scrape.join().unwrap().text());
        assert!(page.up("driver_page") && page.up("executors_page"), "{}", page.text());
    }
    assert_eq!((spark.asked(DRIVER), spark.asked(EXECUTORS)), (before.0 + 1, before.1 + 1));
}

#[test]
fn without_spark_the_page_is_valid_and_says_what_is_missing() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::new());
    let sidecar = driver(&spark, &proc);
    spark.end();
    let page = sidecar.scrape_until("nothing listens", |page| !page.up("driver_page"));
    assert!(page.errors("driver_page", "not_listening") >= 1.0, "{}", page.text());
    assert!(page.errors("cgroup", "no_process") >= 1.0, "{}", page.text());
    assert_eq!(page.value("emberscope_spark_ended"), Some(0.0));
    page.check();
}

#[test]
fn sparks_own_names_are_there_for_dashboards_that_were_made_for_them() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    let arguments = ["--role=driver", "--spark-ui-port", &port, "--proc-root", &root];
    let compat = ["--compat=servlet", "--linger-seconds=3600", "--metric-label=team=a"];
    let sidecar = Sidecar::start(&[&arguments[..], &compat].concat());
    let page = sidecar.scrape_until("the page is there", |page| page.up("driver_page"));
    let theirs = String::from_utf8(captured("spark-3.5.6-localcluster-driver.prom")).unwrap();
    for line in theirs.lines() {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let series = series.replace('}', ",team=\"a\"}");
        assert_eq!(page.value(&series), value.parse().ok(), "{series}");
    }
    assert!(page.has("spark_driver_"));
    // They stay to the end as well.
    spark.end();
    proc.end_spark();
    sidecar.signal("TERM");
    eventually("the end is seen", || sidecar.log().contains("Spark has ended"));
    assert!(sidecar.scrape().has("metrics_app_"), "{}", sidecar.log());
}

#[test]
fn of_too_many_series_the_first_executors_stay_and_the_rest_is_told() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::new());
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    let arguments = ["--role=driver", "--spark-ui-port", &port, "--proc-root", &root];
    let mut page = String::new();
    for id in 0..1000 {
        let labels = format!("application_id=\"a\", application_name=\"b\", executor_id=\"{id}\"");
        for name in ["rddBlocks", "maxTasks"] {
            writeln!(page, "metrics_executor_{name}{{{labels}}} 2").unwrap();
        }
    }
    spark.set(EXECUTORS, Mood::Serves(page.into()));
    let sidecar = Sidecar::start(&[&arguments[..], &["--max-series=500"]].concat());
    let page = sidecar.scrape_until("the page is there", |page| page.up("executors_page"));
    assert!(page.value("emberscope_samples").unwrap() <= 500.0);
    let cut = |name: &str| {
        page.value(&format!("emberscope_cut_samples{{family=\"metrics_executor_{name}\"}}"))
            .unwrap()
    };
    assert!(cut("rddBlocks") > 700.0, "{}", page.text());
    assert_eq!(cut("rddBlocks").to_bits(), cut("maxTasks").to_bits());
    assert!(page.has("spark_driver_dag_scheduler_jobs_total"));
    let first = "{application_id=\"a\",application_name=\"b\",executor_id=\"0\"}";
    assert_eq!(page.value(&format!("metrics_executor_maxTasks{first}")), Some(2.0));
    page.check();
}
