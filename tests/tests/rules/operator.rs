//! The same rules for the Prometheus operator: written from the plain files, never by hand.

use std::{env, fs};

use emberscope_tests::cluster::control_plane::ControlPlane;
use emberscope_tests::rules::{FILES, FOLDER};
use serde_json::{Value, json};

use super::{output, read, root};

const HEAD: &str = "\
# Written from the rule files one folder up by `make golden`; do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: emberscope
  labels:
    app.kubernetes.io/name: emberscope
    app.kubernetes.io/component: rules
    app.kubernetes.io/part-of: emberscope
spec:
  groups:
";

/// The object: the groups of all files, two columns further in.
fn fresh() -> String {
    HEAD.to_owned() + &groups("  ")
}

/// The groups of all files, in their order, each line behind `indent`.
pub(crate) fn groups(indent: &str) -> String {
    let mut text = String::new();
    for file in FILES {
        let plain = read(&format!("{FOLDER}/{file}"));
        let (_, groups) = plain.split_once("\ngroups:\n").unwrap();
        for line in groups.trim_end().lines() {
            let indent = if line.is_empty() { "" } else { indent };
            text.extend([indent, line, "\n"]);
        }
    }
    text
}

#[test]
fn the_prometheus_rule_is_what_the_plain_files_say() {
    let path = format!("{FOLDER}/operator/prometheusrule.yaml");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join(&path), fresh()).unwrap();
    }
    assert!(read(&path) == fresh(), "{path} is not what the files say; `make golden` writes it");
}

/// Not by text but by meaning, through kustomize.
#[test]
fn the_rendered_prometheus_rule_has_the_groups_of_all_files() {
    let kubectl = ControlPlane::find().unwrap().kubectl;
    let rendered = output(&kubectl, &["kustomize", &format!("{FOLDER}/operator")]);
    let rendered: Value = serde_saphyr::from_str(&rendered).unwrap();
    let groups: Vec<Value> = FILES
        .iter()
        .flat_map(|file| {
            let plain = read(&format!("{FOLDER}/{file}"));
            let plain: Value = serde_saphyr::from_str(&plain).unwrap();
            plain["groups"].as_array().unwrap().clone()
        })
        .collect();
    assert_eq!(rendered["kind"], "PrometheusRule");
    assert_eq!(rendered["spec"], json!({ "groups": groups }));
}
