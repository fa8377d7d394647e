//! Every page that was captured from a real Spark, through the whole of it.

pub(super) mod checker;
mod fuzz;
pub(super) mod promtool;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::push::{Of, Store};
use super::{Reason, Repairs, Wanted, driver_page as driver, executors_page as executors};
use crate::exposition::{Kind, Page, encode};

/// Which page of Spark's a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Driver,
    Executors,
    Push,
}

/// A captured page and what became of it.
struct Captured {
    name: String,
    what: What,
    input: String,
    page: Page,
    repairs: Repairs,
    output: String,
}

fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn captured() -> Vec<Captured> {
    let dir = std::fs::read_dir(tests_dir().join("fixtures/servlet")).unwrap();
    let mut paths: Vec<PathBuf> = dir.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let pages: Vec<Captured> = paths
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let what = match &*name {
                name if name.ends_with("driver.prom") => What::Driver,
                name if name.ends_with("executors.prom") => What::Executors,
                name if name.ends_with(".graphite") => What::Push,
                _ => return None,
            };
            Some(through(name, what, std::fs::read_to_string(&path).unwrap()))
        })
        .collect();
    assert!(pages.len() >= 13, "captured pages are missing");
    pages
}

fn through(name: String, what: What, input: String) -> Captured {
    let mut page = Page::new();
    let body = input.as_bytes();
    let repairs = match what {
        What::Driver => driver::write(body, &Wanted::default(), &mut page),
        What::Executors => executors_page(body, &mut page),
        What::Push => {
            let store = Store::default();
            store.take(body.split(|byte| *byte == b'\n'), Instant::now());
            store.write(Of::All, &Wanted::default(), &mut page)
        }
    };
    let mut output = Vec::new();
    encode::text(&page, &mut output);
    let output = String::from_utf8(output).unwrap();
    Captured { name, what, input, page, repairs, output }
}

fn executors_page(body: &[u8], page: &mut Page) -> Repairs {
    let mut reader = executors::Reader::default();
    reader.feed(body, page);
    reader.finish(page)
}

fn one(name: &str) -> Captured {
    captured().into_iter().find(|page| page.name == name).unwrap()
}

/// A sample's value, by its line's beginning.
fn value(page: &Captured, series: &str) -> f64 {
    let line = page.output.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{} has no {series}", page.name)).parse().unwrap()
}

#[test]
fn every_captured_page_becomes_a_valid_page_of_known_families() {
    for mut page in captured() {
        checker::check(&page.output).unwrap_or_else(|error| panic!("{}: {error}", page.name));
        assert_eq!(page.page.drop_duplicates(), 0, "{}", page.name);
        for family in page.page.families() {
            assert!(!family.help.contains("does not know"), "{}: {}", page.name, family.help);
            let counts = family.kind == Kind::Counter;
            assert_eq!(family.name.ends_with("_total"), counts, "{}", family.name);
        }
    }
}

#[test]
fn every_line_of_every_captured_page_is_served_but_for_twins_and_what_is_derived() {
    for page in captured() {
        let wrong = page.repairs.iter().filter(|(_, count)| *count > 0).map(|(reason, _)| reason);
        assert!(wrong.into_iter().all(|it| it == Reason::UnescapedLabel), "{}", page.name);
        let names = page.input.lines().map(|line| line.split(['{', ' ']).next().unwrap());
        // Of what is pushed again and again the last value counts.
        let names: Vec<&str> = match page.what {
            What::Push => names.collect::<BTreeSet<_>>().into_iter().collect(),
            What::Driver | What::Executors => names.collect(),
        };
        let ends = |name: &&&str, endings: &[&str]| endings.iter().any(|end| name.ends_with(end));
        let twin = |name: &&&str| {
            ends(name, &["_Number", "_blackListedExecutors_Count", "_unblackListedExecutors_Count"])
        };
        let derived = |name: &&&str| {
            let words = ["_Max", "_Min", "_Mean", "_StdDev", "Rate", ".mean", ".stddev"];
            let histogram = name.contains(".CodeGenerator.") && ends(name, &[".max", ".min"]);
            histogram || ends(name, &words)
        };
        let served: usize = page.page.families().iter().map(|family| family.samples.len()).sum();
        let left_out = names.iter().filter(|name| twin(name) || derived(name)).count();
        assert_eq!(served + left_out, names.len(), "{}", page.name);
    }
}

#[test]
fn the_drivers_figures_come_out_in_base_units_under_stable_names() {
    let page = one("spark-3.5.6-localcluster-all-sources-driver.prom");
    let id = "application_id=\"app-20261123073954-0000\"";
    for (series, expected) in [
        (format!("spark_driver_dag_scheduler_jobs_total{{{id}}}"), 17.0),
        (format!("spark_driver_dag_scheduler_running_stages{{{id}}}"), 1.0),
        (format!("spark_driver_block_manager_max_memory_bytes{{{id}}}"), 1303.0 * 1_048_576.0),
        (format!("spark_driver_jvm_cpu_seconds_total{{{id}}}"), 16.31),
        (format!("spark_driver_executor_metrics_minor_gc_seconds_total{{{id}}}"), 0.272),
        (format!("spark_driver_app_status_job_duration_seconds{{{id}}}"), 0.756),
        (format!("spark_driver_live_listener_bus_queue_size{{{id},queue=\"appStatus\"}}"), 0.0),
        (
            format!(
                "spark_driver_jvm_gc_collections_total{{{id},collector=\"G1 Young Generation\"}}"
            ),
            28.0,
        ),
        (
            format!("spark_driver_jvm_pool_used_bytes{{{id},pool=\"CodeHeap 'non-nmethods'\"}}"),
            1_502_592.0,
        ),
        (
            format!("spark_driver_dag_scheduler_message_processing_time_seconds_count{{{id}}}"),
            285.0,
        ),
        (
            format!(
                "spark_driver_dag_scheduler_message_processing_time_seconds{{{id},quantile=\"0.999\"}}"
            ),
            0.727_254_082,
        ),
        (
            format!(
                "spark_driver_live_listener_bus_listener_processing_time_seconds_count{{{id},listener=\"org.apache.spark.HeartbeatReceiver\"}}"
            ),
            578.0,
        ),
    ] {
        assert_eq!(value(&page, &series).to_bits(), f64::to_bits(expected), "{series}");
    }
}

#[test]
fn streaming_queries_are_labels() {
    let page = one("spark-3.5.6-streaming-driver.prom");
    let id = "application_id=\"local-1795418699443\"";
    let name = "spark_driver_structured_streaming_latency_seconds";
    for (query, expected) in [("My_q_1", 1.104), ("a454b9ef-0d70-4a02-9d10-7c37b1cd498c", 1.093)] {
        let series = format!("{name}{{{id},query=\"{query}\"}}");
        assert_eq!(value(&page, &series).to_bits(), f64::to_bits(expected), "{series}");
    }
}

#[test]
fn names_are_the_same_in_all_versions() {
    let names = |name: &str| {
        let page = one(name);
        let names = page.page.families().iter().map(|family| family.name.to_string());
        names.collect::<BTreeSet<String>>()
    };
    let old = names("spark-3.5.6-localcluster-all-sources-driver.prom");
    let concurrent: Vec<_> = names("spark-4.3.0-driver.prom").difference(&old).cloned().collect();
    let expected = [
        "spark_driver_executor_metrics_concurrent_gc_collections_total",
        "spark_driver_executor_metrics_concurrent_gc_seconds_total",
    ];
    assert_eq!(concurrent, expected);
    assert!(old.is_subset(&names("spark-4.3.0-driver.prom")));
    assert!(old.is_subset(&names("spark-4.0.4-localcluster-all-sources-driver.prom")));
}

#[test]
fn the_executors_names_are_sparks() {
    for page in captured().iter().filter(|page| page.what == What::Executors) {
        let mut theirs: Vec<&str> =
            page.input.lines().filter_map(|l| l.split('{').next()).collect();
        theirs.sort_unstable();
        theirs.dedup();
        let mut ours: Vec<&str> = page.page.families().iter().map(|f| &*f.name).collect();
        ours.sort_unstable();
        assert_eq!(ours, theirs, "{}", page.name);
    }
    let page = one("spark-3.5.6-localcluster-executors.prom");
    let lines = page.input.lines().count() as u64;
    assert_eq!(page.repairs.count(Reason::UnescapedLabel), lines - 1);
    let labels = r#"application_id="app-20261123071901-0000",application_name="my \"quoted\" \\ job",executor_id="driver""#;
    let series = format!("metrics_executor_totalDuration_seconds_total{{{labels}}}");
    assert_eq!(value(&page, &series).to_bits(), 32.747_f64.to_bits());
}

/// `UPDATE_GOLDEN=1` writes the files anew; read the difference before keeping it.
#[test]
fn pages_come_out_as_they_did() {
    for name in [
        "spark-4.3.0-driver.prom",
        "spark-3.5.6-localcluster-executors.prom",
        "spark-3.5.6-executor.graphite",
    ] {
        let page = one(name);
        let path = tests_dir().join("golden/spark").join(name).with_extension("prom");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &page.output).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        for (line, (ours, golden)) in page.output.lines().zip(golden.lines()).enumerate() {
            assert_eq!(ours, golden, "{}:{}", path.display(), line + 1);
        }
        assert_eq!(page.output.lines().count(), golden.lines().count(), "{}", path.display());
    }
}

/// The names of the executors page are Spark's, in camel case, and stay: complaints about those
/// alone are in order.
#[test]
fn promtool_finds_nothing_to_complain_about() {
    for page in captured() {
        let mut opinion = promtool::check(&page.output);
        assert!(opinion.is_readable, "{}: {}", page.name, opinion.said);
        if page.what == What::Executors {
            opinion.dislikes.retain(|line| !line.starts_with("metrics_executor_"));
        }
        assert!(opinion.dislikes.is_empty(), "{}: {:#?}", page.name, opinion.dislikes);
    }
}
