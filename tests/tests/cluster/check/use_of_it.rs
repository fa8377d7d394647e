//! Rights, exit codes, waiting.

use std::fs;
use std::io::{BufRead as _, BufReader};

use super::chain::Chain;
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
    assert!(line.starts_with("emberscope: 1 not in order; looking again for"), "{line}");
    chain.ready_endpoints(2);
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
