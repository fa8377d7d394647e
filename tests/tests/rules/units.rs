//! `tests/golden/rules`: a file of promtool's unit tests for each alert.

use std::fs;

use emberscope_tests::rules::FOLDER;
use serde_json::Value;

use super::{alert_names, promtool, root, stems};

const TESTS: &str = "tests/golden/rules";

fn document(alert: &str) -> Value {
    let path = root().join(TESTS).join(format!("{alert}.yaml"));
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[test]
fn every_alert_fires_when_it_should_and_is_silent_when_not() {
    let paths: Vec<_> = alert_names().iter().map(|name| format!("{TESTS}/{name}.yaml")).collect();
    let mut arguments = vec!["test", "rules"];
    arguments.extend(paths.iter().map(String::as_str));
    let said = promtool(&arguments);
    // A file that promtool passes over would be no test.
    assert_eq!(said.matches("SUCCESS").count(), paths.len(), "{said}");
}

/// In a test of its own: silence at the start of a test that fires later shows little.
#[test]
fn every_alert_has_a_test_that_fires_and_one_in_which_it_never_does() {
    assert_eq!(stems(TESTS), alert_names());
    for name in alert_names() {
        let document = document(&name);
        let (mut firing, mut silent) = (0, 0);
        for test in list(&document["tests"]) {
            let asked: Vec<_> = list(&test["alert_rule_test"])
                .filter(|expected| expected["alertname"] == name.as_str())
                .collect();
            assert!(!asked.is_empty(), "{name}: a test of another alert");
            let fires = |expected: &&Value| list(&expected["exp_alerts"]).next().is_some();
            if asked.iter().any(fires) {
                firing += 1;
            } else {
                silent += 1;
            }
        }
        assert!(firing > 0 && silent > 0, "{name}: {firing} firing, {silent} silent");
    }
}

/// Every test file is about the files that are shipped.
#[test]
fn every_unit_test_reads_the_shipped_files() {
    for name in alert_names() {
        for file in list(&document(&name)["rule_files"]) {
            let file = file.as_str().unwrap();
            assert!(file.starts_with(&format!("../../../{FOLDER}/")), "{name}: {file}");
            assert!(root().join(TESTS).join(file).exists(), "{name}: {file}");
        }
    }
}
