//! The jobs that provoke alerts, as `docs/alerts.md` lists them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use emberscope_tests::rules::{Rule, all};

use crate::generated::{root, table};

fn folder() -> PathBuf {
    root().join("manifests/samples/drill")
}

/// The jobs by name: what each says under a key of its head, and its first line.
fn jobs() -> BTreeMap<String, String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let jobs = files.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    jobs.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    })
    .collect()
}

fn said<'j>(job: &'j str, key: &str) -> Vec<&'j str> {
    let key = format!("{key}: ");
    job.lines().filter_map(|line| line.strip_prefix(&key)).collect()
}

fn minutes(job: &str) -> u64 {
    said(job, "minutes")[0].parse().unwrap()
}

/// The table of the page about alerts.
pub(crate) fn listed() -> String {
    let rows = jobs().into_iter().map(|(name, job)| {
        let what = job.lines().next().unwrap().trim_start_matches('"').to_owned();
        [name, what, minutes(&job).to_string()]
    });
    table(["alert", "what provokes it", "minutes"], rows)
}

#[test]
fn each_drill_has_the_name_of_an_alert_and_lasts_until_that_may_fire() {
    let rules = all(&root()).unwrap();
    let alerts: BTreeMap<&str, &Rule> =
        rules.iter().filter(|rule| rule.is_alert()).map(|rule| (&*rule.name, rule)).collect();
    for (name, job) in jobs() {
        let hold = alerts[&*name].hold();
        let seconds = match hold.split_at(hold.len() - 1) {
            (number, "s") => number.parse::<u64>().unwrap(),
            (number, "m") => 60 * number.parse::<u64>().unwrap(),
            _ => panic!("{name}: {hold}"),
        };
        assert!(60 * minutes(&job) > seconds, "{name}");
        // Other alerts that a head promises are there as well.
        let words = job.split(|letter: char| !letter.is_alphanumeric());
        let called = ["Spark", "SparkSession", "SparkContext"];
        for word in words.filter(|word| word.starts_with("Spark") && !called.contains(word)) {
            assert!(alerts.contains_key(word), "{name}: {word}");
        }
    }
}

#[test]
fn the_jobs_are_python_and_the_script_lists_them() {
    for (name, job) in jobs() {
        let compile = format!("compile({job:?}, {name:?}, 'exec')");
        let python = Command::new("python3").args(["-c", &compile]).output().unwrap();
        assert!(python.status.success(), "{name}: {}", String::from_utf8_lossy(&python.stderr));
    }
    let script = folder().join("drill.sh");
    let output = Command::new(&script).arg("--list").output().unwrap();
    let list = String::from_utf8(output.stdout).unwrap();
    let listed: Vec<_> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(listed, jobs().keys().collect::<Vec<_>>());
}

#[test]
fn the_script_says_what_is_missing_before_it_does_anything() {
    let tools = tempfile::tempdir().unwrap();
    let calls = tools.path().join("calls");
    let kubectl = tools.path().join("kubectl");
    fs::write(&kubectl, format!("#!/bin/sh\necho \"$@\" >>{}\n", calls.display())).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&kubectl, mode).unwrap();
    let path = format!("{}:{}", tools.path().display(), env::var("PATH").unwrap());
    for (arguments, message) in [
        (&["--image", "spark"][..], "name an alert"),
        (&["SparkJobFailed"], "--image names"),
        (&["--image"], "--image needs a value"),
        (&["--image", "spark", "SparkJobFaild"], "no drill for 'SparkJobFaild'"),
        (&["--wait"], "'--wait' is no option"),
        (&["--image", "spark", "SparkJobFailed"], "set SPARK_HOME"),
    ] {
        let mut command = Command::new(folder().join("drill.sh"));
        command.args(arguments).env("PATH", &path).env_remove("SPARK_HOME");
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(message), "{arguments:?}: {said}");
    }
    assert!(!calls.exists());
}
