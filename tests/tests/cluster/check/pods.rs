//! Spark's pods, with and without the sidecar.

use std::time::Duration;

use emberscope_tests::ports;
use serde_json::json;

use super::chain::{Chain, ENABLED, eventually, label};
use crate::pods::{assert_injected, driver, sidecars};

#[test]
fn a_pod_that_the_webhook_missed_fails_and_is_named() {
    let chain = Chain::whole();
    let (kubectl, fixture) = (chain.kubectl(), &chain.fixture);
    fixture.installation.point_at(&fixture.cluster, ports::any().unwrap()).unwrap();
    let (mut attempt, mut missed) = (0, String::new());
    eventually("the API server calls nobody", || {
        attempt += 1;
        missed = format!("driver-{attempt}");
        let pod = kubectl.create(&driver(&missed, &chain.namespace)).unwrap();
        sidecars(&pod).is_empty()
    });
    let port = fixture.installation.service.port();
    fixture.installation.point_at(&fixture.cluster, port).unwrap();
    let sentence = chain.assert_only_fails("injected", "kubectl logs -n emberscope");
    assert!(sentence.contains(&format!("{}/{missed}", chain.namespace)), "{sentence}");
}

#[test]
fn a_sidecar_whose_image_cannot_be_pulled_fails_until_it_can() {
    let chain = Chain::whole();
    let kubectl = chain.kubectl();
    assert_injected(&kubectl.create(&driver("waits", &chain.namespace)).unwrap());
    // What a kubelet writes.
    let says = |state: &serde_json::Value| {
        let sidecar = json!({
            "name": "emberscope-sidecar", "image": "x", "imageID": "", "ready": false,
            "restartCount": 0, "state": state,
        });
        let status = json!({"status": {"phase": "Pending", "initContainerStatuses": [sidecar]}});
        let object = ["patch", "pod", "waits", "-n", &chain.namespace, "--subresource=status"];
        let patch = ["--type=merge", "-p", &status.to_string()];
        kubectl.run(object.iter().chain(&patch)).unwrap();
    };
    let message = "Back-off pulling image \"registry.example.com/emberscope/sidecar:0.1.0\"";
    says(&json!({"waiting": {"reason": "ImagePullBackOff", "message": message}}));
    let remedy = format!("kubectl label namespace {} emberscope.dev/inject-", chain.namespace);
    let sentence = chain.assert_only_fails("started", &remedy);
    assert!(sentence.contains(message) && sentence.contains("Spark waits"), "{sentence}");
    says(&json!({"running": {}}));
    chain.assert_well("once the image is there");
}

#[test]
fn pods_that_are_older_or_opted_out_or_stale_are_told_apart_and_do_not_fail() {
    let chain = Chain::whole();
    let kubectl = chain.kubectl();
    label(&kubectl, &chain.namespace, "emberscope.dev/inject-");
    kubectl.create(&driver("older", &chain.namespace)).unwrap();
    // The API server's times have no fractions of seconds.
    std::thread::sleep(Duration::from_millis(1100));
    label(&kubectl, &chain.namespace, ENABLED);
    chain.assert_well("an older pod is no failure");

    let mut opted_out = driver("opted-out", &chain.namespace);
    opted_out["metadata"]["annotations"]["emberscope.dev/inject"] = json!("false");
    kubectl.create(&opted_out).unwrap();
    let mut host = driver("host", &chain.namespace);
    host["spec"]["hostNetwork"] = json!(true);
    kubectl.create(&host).unwrap();
    for name in ["fresh", "stale"] {
        assert_injected(&kubectl.create(&driver(name, &chain.namespace)).unwrap());
    }
    let mark = "emberscope.dev/injected=0.0.1-00000000";
    kubectl.run(["annotate", "pod", "stale", "-n", &chain.namespace, mark, "--overwrite"]).unwrap();

    let checked = chain.check(&["-o", "json"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    let named = |name: &str| format!("{}/{name}", chain.namespace);
    let sentence = checked.sentence("pass", "injected");
    assert!(sentence.starts_with("2 of 5 Spark pods"), "{sentence}");
    let sentences = |outcome: &str| {
        let found = checked.of(outcome).into_iter();
        let found = found.map(|finding| finding["sentence"].as_str().unwrap().to_owned());
        found.collect::<Vec<_>>().join("\n")
    };
    let (passed, warned) = (sentences("pass"), sentences("warn"));
    assert!(passed.contains(&format!("opted out by annotation: {}", named("opted-out"))));
    assert!(
        warned.contains(&format!("older than the label or the installation: {}", named("older")))
    );
    assert!(warned.contains("host_network"), "{warned}");
    assert!(warned.contains("(0.0.1-00000000; now it would be "), "{warned}");
    assert!(warned.contains(&named("stale")) && !warned.contains(&named("fresh")), "{warned}");
}
