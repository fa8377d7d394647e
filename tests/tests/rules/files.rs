//! The rule files themselves.

use std::collections::BTreeSet;

use emberscope_tests::cluster::control_plane::ControlPlane;
use emberscope_tests::rules::{FILES, FOLDER};
use serde_json::{Map, Value, json};

use super::{alerts, all, output, promtool, read, root, stems};

#[test]
fn prometheus_takes_every_file_and_its_linter_has_nothing_to_say() {
    let paths = FILES.map(|file| format!("{FOLDER}/{file}"));
    let mut arguments = vec!["check", "rules", "--lint=all", "--lint-fatal"];
    arguments.extend(paths.iter().map(String::as_str));
    promtool(&arguments);
}

#[test]
fn every_alert_says_how_bad_it_is_whom_it_is_about_and_where_to_read_on() {
    for alert in alerts() {
        let name = &alert.name;
        let severities = ["critical", "warning", "info"];
        // The one that always fires is no message about anything.
        let silent_is_bad = name == "EmberscopeWatchdog" && alert.severity() == "none";
        assert!(severities.contains(&alert.severity()) || silent_is_bad, "{name}");
        assert!(!alert.annotation("summary").contains("{{"), "{name}: summaries are the same");
        let repository = env!("CARGO_PKG_REPOSITORY");
        let url = format!("{repository}/blob/main/docs/runbooks/{name}.md");
        assert_eq!(alert.annotation("runbook_url"), url, "{name}");
        let description = alert.annotation("description");
        let names = |label: &str| description.contains(&format!("$labels.{label} }}}}"));
        if alert.file == "job-alerts.yaml" {
            assert!(names("namespace"), "{name}");
            assert!(description.contains("$labels.spark_app_name"), "{name}");
            assert!(description.contains("$labels.application_id"), "{name}");
        } else {
            let about = ["namespace", "name", "decision", "instance", "job"];
            let cluster = description.contains("$labels.cluster }}");
            assert!(about.into_iter().any(names) || cluster, "{name}");
        }
    }
}

#[test]
fn names_are_unique_and_recorded_ones_are_level_metric_and_operation() {
    let rules = all();
    let names: BTreeSet<_> = rules.iter().map(|rule| &rule.name).collect();
    assert_eq!(names.len(), rules.len());
    for rule in rules.iter().filter(|rule| !rule.is_alert()) {
        let parts: Vec<_> = rule.name.split(':').collect();
        let [level, metric, operation] = parts[..] else { panic!("{}", rule.name) };
        assert!(["pod", "application", "namespace"].contains(&level), "{}", rule.name);
        assert!(!metric.ends_with("_total") && !operation.is_empty(), "{}", rule.name);
    }
}

/// A division or a join that loses the cluster would mix the clusters of one workspace.
#[test]
fn everything_that_is_grouped_or_matched_by_namespace_is_so_by_cluster_as_well() {
    for rule in all() {
        for (at, _) in rule.expr().match_indices("namespace,") {
            let before = &rule.expr()[..at];
            assert!(before.ends_with("(cluster, "), "{}: {before}", rule.name);
        }
    }
}

#[test]
fn the_config_map_holds_the_files_byte_for_byte() {
    let kubectl = ControlPlane::find().unwrap().kubectl;
    let yaml = output(&kubectl, &["kustomize", FOLDER]);
    let map: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(map["metadata"]["name"], "emberscope-rules");
    let data: Map<_, _> = FILES
        .iter()
        .map(|file| ((*file).to_owned(), json!(read(&format!("{FOLDER}/{file}")))))
        .collect();
    assert_eq!(map["data"], Value::Object(data));
}

#[test]
fn every_rule_file_of_the_folder_is_one_of_those() {
    let expected: BTreeSet<_> =
        FILES.iter().map(|file| file.trim_end_matches(".yaml").to_owned()).collect();
    let mut there: BTreeSet<_> = stems(FOLDER).into_iter().collect();
    there.retain(|stem| stem != "kustomization" && !root().join(FOLDER).join(stem).is_dir());
    assert_eq!(there, expected);
}
