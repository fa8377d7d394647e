//! Rights, exit codes, waiting.

use std::fs;
use std::io::{BufRead as _, BufReader};

use serde_json::Value;

use super::chain::{Chain, Checked, eventually_checked};
use crate::fixture::repository;

#[test]
fn what_may_not_be_looked_at_is_a_warning_that_names_the_right() {
    let chain = Chain::whole();
    let (kubectl, credentials) = (chain.kubectl(), chain.fixture.cluster.credentials());
    let whoever = ["checker", "-n", &chain.namespace];
    kubectl.run(["create", "serviceaccount"].iter().chain(&whoever)).unwrap();
    let token = kubectl.run(["create", "token"].iter().chain(&whoever)).unwrap().stdout;
    let kubeconfig = credentials.kubeconfig("checker", token.trim()).unwrap();
    let flags = ["-o", "json", "--kubeconfig", kubeconfig.to_str().unwrap()];

    let checked = chain.check(&flags);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    for (check, right) in [
        ("deployment", "get deployments.apps emberscope in namespace emberscope"),
        ("endpoints", "list endpointslices.discovery.k8s.io in namespace emberscope"),
        ("webhook", "get mutatingwebhookconfigurations.admissionregistration.k8s.io emberscope"),
        ("labelled", "list namespaces"),
    ] {
        let sentence = checked.sentence("warn", check);
        assert!(sentence.ends_with(&format!("this needs the right to {right}")), "{sentence}");
    }

    let role = repository().join("manifests/components/check/clusterrole.yaml");
    kubectl.run(["apply", "-f", role.to_str().unwrap()]).unwrap();
    let account = format!("--serviceaccount={}:checker", chain.namespace);
    let binding = ["clusterrolebinding", "emberscope-check"];
    kubectl
        .run(["create"].iter().chain(&binding).chain(&["--clusterrole=emberscope-check", &account]))
        .unwrap();
    // The authorizer notices a binding within a moment.
    let mut left = Vec::new();
    super::chain::eventually("the role gives all rights but two", || {
        let warnings = chain.check(&flags).of("warn").into_iter();
        left = warnings.map(|one| one["check"].as_str().unwrap().to_owned()).collect();
        left == ["stored_certificate", "dry_run"]
    });
    kubectl.run(["delete"].iter().chain(&binding)).unwrap();
    kubectl.run(["delete", "clusterrole", "emberscope-check"]).unwrap();
}

/// One rule of the role is gone, whichever.
#[test]
fn each_right_that_is_missing_is_a_warning_with_its_verb_and_resource_and_nothing_fails() {
    let chain = Chain::whole();
    let (kubectl, credentials) = (chain.kubectl(), chain.fixture.cluster.credentials());
    let whoever = ["limited", "-n", &chain.namespace];
    kubectl.run(["create", "serviceaccount"].iter().chain(&whoever)).unwrap();
    let token = kubectl.run(["create", "token"].iter().chain(&whoever)).unwrap().stdout;
    let kubeconfig = credentials.kubeconfig("limited", token.trim()).unwrap();
    let flags = ["-o", "json", "--kubeconfig", kubeconfig.to_str().unwrap()];
    let role = repository().join("manifests/components/check/clusterrole.yaml");
    let whole: Value = serde_saphyr::from_str(&fs::read_to_string(role).unwrap()).unwrap();
    let account = format!("--serviceaccount={}:limited", chain.namespace);
    let binding = ["clusterrolebinding", "limited", "--clusterrole=emberscope-check", &account];
    kubectl.run(["create"].iter().chain(&binding)).unwrap();
    let warnings = |checked: &Checked| {
        let found = checked.of("warn").into_iter();
        found.map(|one| one["sentence"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    let rules = whole["rules"].as_array().unwrap();
    for (index, rule) in rules.iter().enumerate() {
        let resources = rule["resources"].as_array().unwrap();
        // Asked for only on older servers, with running pods, without a webhook configuration.
        let not_asked = ["nodes", "pods/proxy", "mutatingadmissionpolicies"];
        if resources.iter().any(|one| not_asked.iter().any(|name| one == *name)) {
            continue;
        }
        let mut less = whole.clone();
        less["rules"].as_array_mut().unwrap().remove(index);
        kubectl.run_on(["apply", "-f", "-"], &less).unwrap();
        let verbs = rule["verbs"].as_array().unwrap();
        let rights: Vec<String> = resources
            .iter()
            .flat_map(|one| verbs.iter().map(move |verb| (one.as_str().unwrap(), verb)))
            .map(|(one, verb)| format!("this needs the right to {} {one}", verb.as_str().unwrap()))
            .collect();
        eventually_checked(&chain, &flags, |checked| {
            let found = warnings(checked);
            // Two rights are in no rule; nothing else is missing but this one.
            let known = |one: &String| {
                let left_out = ["get secrets", "create pods"];
                rights.iter().any(|right| one.contains(right))
                    || left_out.iter().any(|right| one.contains(right))
            };
            checked.code == Some(0)
                && rights.iter().all(|right| found.iter().any(|one| one.contains(right)))
                && found.iter().all(known)
        });
    }
    kubectl.run(["delete", "clusterrolebinding", "limited"]).unwrap();
    kubectl.run(["delete", "clusterrole", "emberscope-check"]).unwrap();
}

#[test]
fn the_exit_code_tells_a_command_line_from_a_cluster_that_is_not_there() {
    let chain = Chain::whole();
    for unusable in [
        &["--prometheus", "ftp://x"][..],
        &["--prometheus-token-file", "x"],
        &["--kubeconfig", "/nowhere/kubeconfig"],
        &["--context", "nowhere"],
    ] {
        let checked = chain.check(unusable);
        assert_eq!(checked.code, Some(2), "{unusable:?}: {}", checked.stderr);
        assert!(!checked.stderr.is_empty());
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let admin = &chain.fixture.cluster.credentials().admin_kubeconfig;
    let url = chain.fixture.cluster.url();
    let nobody = format!("https://127.0.0.1:{}", emberscope_tests::ports::any().unwrap());
    fs::write(&file, fs::read_to_string(admin).unwrap().replace(&url, &nobody)).unwrap();
    let checked = chain.check(&["-o", "json", "--kubeconfig", file.to_str().unwrap()]);
    assert_eq!(checked.code, Some(1), "{}", checked.stderr);
    let failed = checked.of("fail");
    assert_eq!((failed.len(), failed[0]["check"].as_str().unwrap()), (1, "api"), "{failed:#?}");
}

#[test]
fn waiting_ends_as_soon_as_all_is_mended() {
    let chain = Chain::whole();
    chain.ready_endpoints(0);
    let mut waiting = chain.start(&["--wait", "300"]);
    let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(line.starts_with("emberscope: not in order: endpoints; looking again for "), "{line}");
    chain.ready_endpoints(2);
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
