//! What panels tell of what the shared run has not: an application that began before the time shown, one
//! that never got an executor, a webhook that was replaced. A real `promtool` evaluates their queries.

use std::fs;
use std::process::Command;

use emberscope_tests::dashboards::Dashboard;
use serde_json::{Value, json};

use crate::made;

/// What the dashboards show by default, in Prometheus' words, and how far a subquery steps in it.
const RANGE: &str = "3h";
const INTERVAL_SECONDS: u32 = 60;

/// Two days of an executor that has one core and uses half of it, in tasks too; and a driver alone.
fn applications() -> Value {
    let executor = r#"namespace="n",team="t",pod="e",spark_role="executor""#;
    let application = r#"namespace="n",team="t",application_id="a",application_name="long""#;
    let alone = r#"namespace="n",team="t",application_id="b",application_name="alone",executor_id="driver",pod="b""#;
    json!([
        {"series": format!("spark_container_cpu_usage_seconds_total{{{executor}}}"), "values": "0+30x2880"},
        {"series": format!("spark_executor_run_time_seconds_total{{{application},pod=\"e\",executor_id=\"1\"}}"), "values": "0+30x2880"},
        {"series": format!("metrics_executor_totalCores{{{application},pod=\"d\",executor_id=\"1\"}}"), "values": "1x2880"},
        {"series": format!("metrics_executor_maxTasks{{{application},pod=\"d\",executor_id=\"1\"}}"), "values": "1x2880"},
        {"series": format!("metrics_executor_maxTasks{{{application},pod=\"d\",executor_id=\"driver\"}}"), "values": "0x2880"},
        {"series": format!("metrics_executor_maxTasks{{{alone}}}"), "values": "0x2880"},
    ])
}

/// The query of a panel, or of a table's column, with all that there is chosen.
fn query(dashboards: &[Dashboard], name: &str, title: &str, column: Option<&str>) -> String {
    let dashboard = dashboards.iter().find(|one| one.name == name).unwrap();
    let panel = dashboard.source.panels().find(|panel| panel.title == title).unwrap();
    let query = panel.queries.iter().find(|query| query.column.as_deref() == column).unwrap();
    let milliseconds = (INTERVAL_SECONDS * 1000).to_string();
    ["$cluster", "$namespace", "$team"]
        .iter()
        .fold(query.expr.clone(), |text, variable| text.replace(variable, ".*"))
        .replace("$__range", RANGE)
        .replace("$__interval_ms", &milliseconds)
        .replace("$__interval", &format!("{INTERVAL_SECONDS}s"))
}

/// Has `promtool` evaluate expressions two days after the series' start.
fn evaluates(series: &Value, expressions: &[(String, Value)]) {
    let tests: Vec<Value> = expressions
        .iter()
        .map(|(expression, samples)| {
            json!({"expr": expression, "eval_time": "48h", "exp_samples": samples})
        })
        .collect();
    let file = json!({
        "rule_files": [],
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}],
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tests.yaml");
    fs::write(&path, file.to_string()).unwrap();
    let output = Command::new("promtool").args(["test", "rules"]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn what_was_used_before_the_time_shown_is_not_held_against_what_was_asked_for_in_it() {
    let dashboards = made();
    // A subquery counts both ends of the time shown, hence not to the last digit.
    let about = |panel, column, value: f64| {
        let query = query(&dashboards, "right-sizing", panel, column);
        (format!("abs(sum({query}) - {value}) < bool 0.02"), json!([{"labels": "{}", "value": 1}]))
    };
    evaluates(
        &applications(),
        &[
            about("Executor cores asked for", None, 3.0),
            about("Executor cores used", None, 1.5),
            about("Executor cores of teams", Some("Asked for"), 3.0),
            about("Executor cores of teams", Some("Used"), 1.5),
            about("Executor cores of teams", Some("Share"), 0.5),
            about("Cores of executors", Some("Asked for"), 3.0),
            about("Cores of executors", Some("Occupied"), 1.5),
            about("Cores of executors", Some("Share"), 0.5),
        ],
    );
}

#[test]
fn an_application_that_never_got_an_executor_has_a_line_with_its_name() {
    let executors = query(&made(), "overview", "Applications of the time shown", Some("Executors"));
    let line = |id, name, executors| {
        let labels = format!(
            r#"{{namespace="n",team="t",application_id="{id}",application_name="{name}"}}"#
        );
        json!({"labels": labels, "value": executors})
    };
    evaluates(
        &applications(),
        &[(executors, json!([line("a", "long", 1), line("b", "alone", 0)]))],
    );
}

/// Two days: the replica `old` was there until an hour ago, with a certificate that is over by now.
fn webhook() -> Value {
    let of = |metric: &str, pod, values| json!({"series": format!("{metric}{{pod=\"{pod}\"}}"), "values": values});
    let bucket = |le| json!({"series": format!("emberscope_admission_duration_seconds_bucket{{pod=\"new\",le=\"{le}\"}}"), "values": "7x2880"});
    json!([
        of("emberscope_certificate_expiry_timestamp_seconds", "old", "172000x2820 stale"),
        of("emberscope_certificate_expiry_timestamp_seconds", "new", "_x2800 1000000x80"),
        of("emberscope_sidecar_native", "old", "0x2820 stale"),
        of("emberscope_sidecar_native", "new", "_x2800 1x80"),
        bucket("0.001"),
        bucket("+Inf"),
        of("emberscope_admission_duration_seconds_count", "new", "7x2880"),
    ])
}

#[test]
fn a_replica_that_is_gone_and_reviews_that_never_came_are_not_told_of() {
    let dashboards = made();
    let told = |panel, samples| (query(&dashboards, "webhook", panel, None), samples);
    let only = |value: u32| json!([{"labels": "{}", "value": value}]);
    evaluates(
        &webhook(),
        &[
            told("Certificate valid for", only(1_000_000 - 48 * 3600)),
            told("Native sidecars", only(1)),
            told("Slowest answers", json!([])),
        ],
    );
}
