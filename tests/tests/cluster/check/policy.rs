//! Where `emberscope policy` is all that is installed.

use std::process::{Command, Output};

use emberscope_tests::cluster::Cluster;
use emberscope_tests::programs;
use serde_json::json;

use super::chain::Checked;
use crate::fixture::OPT_IN;
use crate::pods::{assert_injected, driver};

fn run(cluster: &Cluster, arguments: &[&str]) -> Output {
    let mut command = Command::new(programs::build().unwrap().join("emberscope"));
    command.args(arguments);
    command.env("KUBECONFIG", &cluster.credentials().admin_kubeconfig);
    command.output().unwrap()
}

fn check(cluster: &Cluster, more: &[&str]) -> Checked {
    Checked::of_output(run(cluster, &[&["check", "-o", "json"], more].concat()))
}

/// The checks that fail.
fn failed(checked: &Checked) -> Vec<String> {
    let failed = checked.of("fail").into_iter();
    failed.map(|one| one["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_policy_that_does_the_work_needs_no_server_and_is_missed_when_it_breaks() {
    let cluster = Cluster::start().unwrap();
    let namespace = cluster.namespace(&[OPT_IN]).unwrap();
    let kubectl = cluster.kubectl();
    let nothing = check(&cluster, &[]);
    assert_eq!(failed(&nothing), ["namespace", "webhook"], "{}", nothing.stdout);

    let printed = String::from_utf8(run(&cluster, &["policy"]).stdout).unwrap();
    kubectl.run_with(["apply", "-f", "-"], &printed).unwrap();
    let well = check(&cluster, &["--wait", "180"]);
    assert_eq!(well.code, Some(0), "{}", well.stdout);
    assert!(well.of("warn").is_empty(), "{}", well.stdout);
    assert!(well.sentence("pass", "dry_run").contains(&namespace), "{}", well.stdout);
    for check in ["namespace", "webhook"] {
        assert!(well.sentence("skip", check).ends_with("do the work"), "{}", well.stdout);
    }
    assert_injected(&kubectl.create(&driver("injected", &namespace)).unwrap());
    let checked = check(&cluster, &[]);
    assert!(checked.sentence("pass", "injected").starts_with("1 of 1"), "{}", checked.stdout);

    let of = "mutatingadmissionpolicy";
    let selects = |operations: &[&str]| {
        let field = "/spec/matchConstraints/resourceRules/0/operations";
        let patch = json!([{"op": "replace", "path": field, "value": operations}]).to_string();
        kubectl.run(["patch", of, "emberscope", "--type=json", "-p", &patch]).unwrap();
    };
    selects(&["UPDATE"]);
    assert_eq!(failed(&check(&cluster, &[])), ["selectors"]);
    selects(&["CREATE"]);
    kubectl.run(["delete", "mutatingadmissionpolicybinding", "emberscope"]).unwrap();
    let unbound = check(&cluster, &[]);
    assert_eq!(failed(&unbound), ["policy_binding"], "{}", unbound.stdout);
    kubectl.run_with(["apply", "-f", "-"], &printed).unwrap();
    let well = check(&cluster, &["--wait", "180"]);
    assert_eq!(well.code, Some(0), "{}", well.stdout);
}
