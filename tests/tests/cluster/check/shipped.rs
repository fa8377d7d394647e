//! The Prometheus of the manifests, which is found without being named.

use emberscope_tests::prometheus;
use serde_json::{Value, json};

use super::chain::{Chain, eventually_checked};
use super::metrics::{address, codes, port_of, prometheus_at};
use crate::fixture::repository;

const NAMESPACE: &str = "emberscope-monitoring";

/// The pod of its `StatefulSet`.
const POD: &str = "emberscope-prometheus-0";

/// What the controller of Endpoints, by which the API server's proxy goes, would write of a pod that
/// listens there.
fn endpoints(address: &str, port: u16, ready: bool) -> Value {
    let key = if ready { "addresses" } else { "notReadyAddresses" };
    json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "emberscope-prometheus", "namespace": NAMESPACE},
        "subsets": [{
            key: [{
                "ip": address,
                "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": POD},
            }],
            "ports": [{"name": "web", "port": port, "protocol": "TCP"}],
        }],
    })
}

#[test]
fn the_prometheus_of_the_manifests_is_found_and_asked_through_the_api_server() {
    let chain = Chain::whole();
    let kubectl = chain.kubectl();
    let asked = ["-o", "json"];
    let none = chain.check(&asked);
    assert_eq!(none.sentence("skip", "prometheus"), "not asked: --prometheus URL names one");

    kubectl.run(["create", "namespace", NAMESPACE]).unwrap();
    let service = repository().join("manifests/monitoring/prometheus/service.yaml");
    kubectl.run(["apply", "-f", service.to_str().unwrap()]).unwrap();
    let account = ["create", "serviceaccount", "default", "-n", NAMESPACE];
    kubectl.run(account).unwrap();
    let container = json!({"name": "prometheus", "image": "prometheus"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD, "namespace": NAMESPACE},
        "spec": {"containers": [container]},
    });
    kubectl.create(&pod).unwrap();
    // The API server passes requests on to addresses of pods only.
    let status = json!({"status": {"podIP": address(), "podIPs": [{"ip": address()}]}});
    let patch = ["--subresource=status", "--type=merge", "-p", &status.to_string()];
    kubectl.run(["patch", "pod", POD, "-n", NAMESPACE].iter().chain(&patch)).unwrap();
    let pending = endpoints(&address(), 9090, false);
    kubectl.run_on(["create", "-f", "-"], &pending).unwrap();
    eventually_checked(&chain, &asked, |checked| codes(checked, "fail") == ["prometheus"]);
    let sentence = chain.assert_only_fails("prometheus", "persistentvolumeclaims");
    assert_eq!(sentence, "Service emberscope-monitoring/emberscope-prometheus has no ready pod");

    let folder = tempfile::tempdir().unwrap();
    let (address, config) = (address(), prometheus::RECEIVING);
    let (running, url) = prometheus_at(&address, "shipped", config, folder.path());
    let there = endpoints(&address, port_of(&url), true);
    kubectl.run_on(["replace", "-f", "-"], &there).unwrap();
    let checked = eventually_checked(&chain, &asked, |checked| {
        codes(checked, "pass").contains(&"prometheus".to_owned())
    });
    let sentence = checked.sentence("pass", "prometheus");
    assert_eq!(sentence, "Service emberscope-monitoring/emberscope-prometheus answers queries");

    // Out of the API server's reach, which by itself is no fault.
    drop(running);
    let checked = eventually_checked(&chain, &asked, |checked| {
        codes(checked, "warn").contains(&"prometheus".to_owned())
    });
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    kubectl.run(["delete", "namespace", NAMESPACE, "--wait=false"]).unwrap();
    kubectl.run(["delete", "service", "emberscope-prometheus", "-n", NAMESPACE]).unwrap();
}
