//! Two replicas of a Prometheus that write to one place, each series with a label of its replica: where
//! nobody takes the doubles out, every alert still fires as it does with one.

use std::fs;

use emberscope_tests::rules::FOLDER;
use serde_json::{Value, json};

use super::{alert_names, promtool, root};

/// The series twice, by replica.
fn doubled(series: &Value) -> [Value; 2] {
    ["a", "b"].map(|replica| {
        let text = series["series"].as_str().unwrap();
        let (name, labels) = text.split_once('{').unwrap_or((text, "}"));
        let labels = labels.strip_suffix('}').unwrap();
        let labels = if labels.is_empty() { String::new() } else { format!("{labels},") };
        let text = format!("{name}{{{labels}prometheus_replica=\"{replica}\"}}");
        json!({"series": text, "values": series["values"]})
    })
}

/// An alert's unit tests with every series twice, and nothing else changed.
fn with_two_replicas(alert: &str) -> Value {
    let path = root().join("tests/golden/rules").join(format!("{alert}.yaml"));
    let mut document: Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let top = root().canonicalize().unwrap();
    for file in document["rule_files"].as_array_mut().unwrap() {
        let name = file.as_str().unwrap().rsplit('/').next().unwrap();
        *file = json!(top.join(FOLDER).join(name));
    }
    for test in document["tests"].as_array_mut().unwrap() {
        let series = test["input_series"].as_array().unwrap();
        test["input_series"] = series.iter().flat_map(doubled).collect();
        // What is asked for by hand there is of the input, which is there twice.
        test.as_object_mut().unwrap().remove("promql_expr_test");
    }
    document
}

#[test]
fn alerts_are_the_same_where_two_replicas_write_and_nobody_takes_the_doubles_out() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = alert_names()
        .iter()
        .map(|alert| {
            let path = folder.path().join(format!("{alert}.yaml"));
            fs::write(&path, with_two_replicas(alert).to_string()).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let mut arguments = vec!["test", "rules"];
    arguments.extend(paths.iter().map(String::as_str));
    promtool(&arguments);
}
