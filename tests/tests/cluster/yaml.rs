//! A pod in a file is to `emberscope inject` what it is to kubectl, whose YAML is that of version 1.1.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use emberscope_tests::programs;
use serde_json::{Value, json};

use crate::fixture::shared;

/// Plain, quoted and tagged scalars that some readers of YAML take for something else.
const SCALARS: [&str; 96] = [
    "010",
    "08",
    "09",
    "0o17",
    "0O17",
    "0x1F",
    "0X1f",
    "0b11",
    "0B11",
    "-010",
    "-0x1f",
    "+0x1f",
    "-0b11",
    "1_000",
    "0_17",
    "1__0",
    "1_",
    "_1",
    "00",
    "000",
    "-0",
    "+0",
    "0",
    "+12",
    "-12",
    "0x",
    "0b",
    "0o",
    "0o8",
    "0b2",
    "0xg",
    "190:20:30",
    "1:30",
    "2001-01-01",
    "2001-12-14t21:59:43.10-05:00",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1.",
    ".5",
    "-.5",
    "+.5",
    "009.5",
    "1_0.5",
    "1.5e3",
    "1e400",
    "1e",
    "e3",
    "1.2.3",
    "1.5_0",
    "0.10",
    "0x1.8p1",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "no",
    "y",
    "Y",
    "n",
    "on",
    "Off",
    "OFF",
    "true",
    "True",
    "tRUE",
    "false",
    "~",
    "null",
    "Null",
    "nULL",
    "''",
    "'010'",
    "\"yes\"",
    "!!str 010",
    "!!str yes",
    "!!int \"010\"",
    "!!float 1",
    "!!bool \"yes\"",
    "!!null ''",
    "16Mi",
    "5m",
    "0.5",
    "12345678901234567890",
    "-9223372036854775808",
    "9223372036854775807",
    "0777_1",
    "a: b",
    "=",
    "+",
    "1,000",
    "0644",
    "0755",
    "00644",
    "0_0",
];

#[test]
fn numbers_and_words_mean_what_they_mean_to_kubectl() {
    let fixture = shared();
    let emberscope = programs::build().unwrap().join("emberscope");
    let kubectl = |yaml: &str| {
        let arguments = ["label", "--local", "-f", "-", "-o", "json", "x=y"];
        let printed = fixture.cluster.kubectl().run_with(arguments, yaml).ok()?;
        printed.json().ok().map(|pod| pod["spec"].clone())
    };
    let folder = tempfile::tempdir().unwrap();
    let inject = |yaml: &str| injected(&emberscope, folder.path(), yaml);
    let pod =
        |spec: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n{spec}\n");
    let both_read = |spec: &str| {
        let (theirs, ours) = (kubectl(&pod(spec)), inject(&pod(spec)));
        assert_eq!(
            ours.map(|spec| comparable(&spec)),
            theirs.map(|spec| comparable(&spec)),
            "{spec}"
        );
    };
    // All at once, so that kubectl is started once; those that it refuses one by one.
    let (mut good, mut bad) = (String::new(), Vec::new());
    for (index, scalar) in SCALARS.iter().enumerate() {
        match *scalar {
            "a: b" => bad.push(format!("  v: {scalar}")),
            _ => {
                let _ = writeln!(good, "  v{index}: {scalar}");
            }
        }
    }
    both_read(&good);
    bad.extend(["  v: .inf", "  ~: 1", "  v: !!int x", "  v: *a", "  v: ["].map(str::to_owned));
    for spec in bad {
        both_read(&spec);
    }
    both_read(
        "  yes: 1\n  010: 2\n  1.5: 3\n  a: 1\n  a: 2\n  b: &x {c: 1}\n  d: {<<: *x, e: 2}\n  f: *x",
    );
}

/// What `emberscope inject` prints of a pod that it leaves alone; none: it refuses it.
fn injected(program: &Path, folder: &Path, yaml: &str) -> Option<Value> {
    let file: PathBuf = folder.join("pod.yaml");
    std::fs::write(&file, yaml).unwrap();
    let output =
        Command::new(program).args(["inject", "-o", "json", "-f"]).arg(&file).output().unwrap();
    let pod: Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(pod["spec"].clone())
}

/// Numbers as kubectl keeps them: 1 and 1.0 are one, and more than 2^53 is rounded.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(all) => all.iter().map(comparable).collect(),
        Value::Object(all) => all
            .iter()
            .map(|(key, value)| (key.clone(), comparable(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}
