//! The rules on pages that were captured from real sidecars of one job: what is recorded finds its metrics and
//! labels there, and no alert takes such a job for a bad one.

use std::fmt::Write as _;
use std::fs;

use emberscope_tests::rules::{FILES, FOLDER};
use serde_json::{Value, json};

use super::{alert_names, all, promtool, read, root};

/// What has nothing to find on these pages, and why.
const NOT_THERE: [(&str, &str); 16] = [
    ("pod:spark_container_oom:info", "the container has not ended"),
    ("pod:spark_container_oom:max10m", "the container has not ended"),
    ("pod:spark_process_oom_kills:increase10m", "nothing was killed"),
    ("pod:spark_python_memory_growth_bytes:deriv30m", "nothing grows"),
    ("pod:spark_driver_failed_job_last:info", "no job failed"),
    ("application:spark_streaming_batch_rows:max", "no streaming query"),
    ("pod:kube_spark_application:info", "of kube-state-metrics"),
    ("pod:kube_spark_driver_end:info", "of kube-state-metrics"),
    ("pod:emberscope_sidecar:info", "of kube-state-metrics"),
    ("application:spark_driver_failed:info", "of kube-state-metrics"),
    ("application:emr_submitter_failed:info", "of kube-state-metrics"),
    ("application:spark_requested_cores:sum", "of kube-state-metrics"),
    ("application:spark_requested_memory_bytes:sum", "of kube-state-metrics"),
    ("application:spark_requested_cores_by_use:sum", "of kube-state-metrics"),
    ("application:spark_requested_memory_bytes_by_use:sum", "of kube-state-metrics"),
    ("namespace:emberscope_admission_duration_seconds:p99_rate10m", "of the webhook"),
];

/// Counters that stand still in a job that is well.
const STILL: [&str; 6] = ["fail", "dropped", "kill", "exits", "throttled", "repairs"];

/// What the scrape configuration adds.
fn target(role: &str) -> String {
    let of_pod = format!(r#"namespace="emr-a",pod="etl-{role}",team="data-a",spark_role="{role}""#);
    format!(r#"instance="{role}:9814",node="n",{of_pod}"#)
}

/// By how much a counter grows in a minute: seconds of CPU or garbage collection by few.
fn growth(name: &str) -> u8 {
    if name.ends_with("_seconds_total") { 1 } else { 100 }
}

/// The page's series for an hour, in promtool's notation: gauges stay, counters grow minute by minute.
fn series(role: &str) -> Vec<Value> {
    let page = read(&format!("tests/golden/pages/spark-3.5.6-{role}.prom"));
    let lines = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let one = |line: &str| {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').unwrap();
        let mut all = target(role);
        if !labels.is_empty() {
            write!(all, ",{labels}").unwrap();
        }
        let still = !name.ends_with("_total") || STILL.iter().any(|word| name.contains(word));
        let growth = if still { 0 } else { growth(name) };
        json!({"series": format!("{name}{{{all}}}"), "values": format!("{value}+{growth}x60")})
    };
    lines.map(one).collect()
}

#[test]
fn what_is_recorded_finds_its_figures_on_real_pages_and_no_alert_fires() {
    let recorded: Vec<_> =
        all().into_iter().filter(|rule| !rule.is_alert()).map(|rule| rule.name).collect();
    let not_there = |name: &str| NOT_THERE.iter().any(|(one, _)| *one == name);
    assert!(NOT_THERE.iter().all(|(name, _)| recorded.iter().any(|one| one == name)));
    let found: Vec<_> = recorded
        .iter()
        .map(|name| {
            let one = json!([{"labels": "{}", "value": 1}]);
            let samples = if not_there(name) { json!([]) } else { one };
            let expr = format!("count({name}) > bool 0");
            json!({"expr": expr, "eval_time": "1h", "exp_samples": samples})
        })
        .collect();
    let silent: Vec<_> = alert_names()
        .into_iter()
        .filter(|name| name != "EmberscopeWatchdog")
        .map(|name| json!({"eval_time": "1h", "alertname": name}))
        .collect();
    let top = root().canonicalize().unwrap();
    let files = FILES.map(|file| top.join(FOLDER).join(file));
    let series = [series("driver"), series("executor")].concat();
    let document = json!({
        "rule_files": files,
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": series,
            "promql_expr_test": found,
            "alert_rule_test": silent,
        }],
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pages.yaml");
    fs::write(&path, document.to_string()).unwrap();
    promtool(&["test", "rules", path.to_str().unwrap()]);
}
