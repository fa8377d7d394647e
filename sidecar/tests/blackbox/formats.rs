//! What a client gets by what it says that it takes.

use std::io::Read as _;

use flate2::read::GzDecoder;

use crate::harness::{FakeProc, FakeSpark, Page, Sidecar, request};

/// What Prometheus 2 sends.
const ACCEPT: &str = "Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n";
const GZIP: &str = "Accept-Encoding: gzip\r\n";

fn driver(spark: &FakeSpark, proc: &FakeProc) -> Sidecar {
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    Sidecar::start(&["--role=driver", "--spark-ui-port", &port, "--proc-root", &root])
}

#[test]
fn prometheus_gets_open_metrics_with_an_end_and_the_same_series() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    let answer = request(sidecar.port, "GET", "/metrics", ACCEPT).unwrap();
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(media_type));
    let (text, end) = answer.text().rsplit_once("# EOF").unwrap();
    assert_eq!(end, "\n");
    assert!(
        text.contains("# TYPE emberscope_scrapes counter\nemberscope_scrapes_total "),
        "{text}"
    );
    let names = |text: &str| -> Vec<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    assert_eq!(names(text), names(sidecar.metrics().text()));
}

#[test]
fn gzip_is_the_same_page_in_less() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    let answer = request(sidecar.port, "GET", "/metrics", GZIP).unwrap();
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap();
    let page = Page::parse(&text);
    page.check();
    assert!(page.up("driver_page"), "{text}");
    assert!(answer.body.len() * 4 < text.len(), "{} of {}", answer.body.len(), text.len());
    let plain = sidecar.metrics();
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("Accept, Accept-Encoding"));
}

#[test]
fn families_are_selected_by_name() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    let path = "/metrics?name[]=spark_info&name%5B%5D=emberscope_source_up";
    let answer = request(sidecar.port, "GET", path, "").unwrap();
    let families: Vec<&str> =
        answer.text().lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert_eq!(families, ["spark_info gauge", "emberscope_source_up gauge"]);
}

#[test]
fn labels_of_the_pod_are_on_all_figures_but_the_sidecars_own() {
    let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    let sidecar = Sidecar::start(&[
        "--role=driver",
        "--spark-ui-port",
        &port,
        "--proc-root",
        &root,
        "--metric-label=team=say \"hi\"",
        // A name that the sidecar's samples have already: left out, with a word in the log.
        "--metric-label=pool=x",
    ]);
    let page = sidecar.scrape();
    page.check();
    assert!(page.up("driver_page") && page.up("executors_page") && page.up("cgroup"));
    for line in page.text().lines().filter(|line| !line.starts_with('#')) {
        let own = line.starts_with("emberscope_");
        assert_eq!(line.contains(r#"team="say \"hi\"""#), !own, "{line}");
        assert!(!line.contains("pool=\"x\""), "{line}");
    }
    assert!(sidecar.log().contains("pool=x"), "{}", sidecar.log());
}
