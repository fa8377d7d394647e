//! One authority in the cluster, whatever happens to what the webhook keeps there.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emberscope_certs::authority;
use emberscope_tests::cluster::Cluster;
use emberscope_tests::cluster::installation::Replica;
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::fixture::{Alone, alone};
use crate::pods::{assert_injected, driver};

/// Replicas look every 30 s.
const PATIENCE: Duration = Duration::from_secs(90);

const CONFIGURATION: [&str; 5] =
    ["get", "mutatingwebhookconfiguration", "emberscope", "-o", "json"];
const SECRET: [&str; 6] = ["get", "secret", "emberscope-tls", "-n", "emberscope", "-o"];

fn ca_bundle(cluster: &Cluster) -> String {
    let configuration = cluster.kubectl().run(CONFIGURATION).unwrap().json().unwrap();
    let bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"].as_str().unwrap();
    String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap()
}

fn secret(cluster: &Cluster) -> Option<Value> {
    let json = [&SECRET[..], &["json"]].concat();
    cluster.kubectl().run(json).ok()?.json().ok()
}

/// When the API server calls this replica, and it does, pods are injected: the replica's certificate
/// is trusted.
fn assert_answers(fixture: &Alone, replica: &Replica, namespace: &str, name: &str) {
    fixture.installation.point_at(&fixture.cluster, replica.port).unwrap();
    let before = replica.answered().unwrap();
    let start = Instant::now();
    for attempt in 0.. {
        let pod = driver(&format!("{name}-{attempt}"), namespace);
        let created = fixture.cluster.kubectl().create(&pod).unwrap();
        if replica.answered().unwrap() > before {
            assert_injected(&created);
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{name} is never asked: {}", replica.log());
    }
}

#[test]
fn replicas_that_start_together_agree_on_one_authority_and_are_trusted() {
    let mut fixture = alone();
    let namespace = fixture.opted_in();
    // As on the first day: no Secret, no caBundle. The two that run give back what they serve, so
    // they make way.
    fixture.installation.service.set_endpoints(&[]);
    for mut replica in std::mem::take(&mut fixture.replicas) {
        replica.terminate().unwrap();
        replica.wait().unwrap();
    }
    let kubectl = fixture.cluster.kubectl();
    kubectl.run(["delete", "secret", "emberscope-tls", "-n", "emberscope"]).unwrap();
    let remove = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]);
    fixture.installation.patch_configuration(&fixture.cluster, &remove).unwrap();

    let replicas = fixture.installation.run(3).unwrap();
    let stored = secret(&fixture.cluster).unwrap();
    assert_eq!(stored["type"], "kubernetes.io/tls");
    let stored = STANDARD.decode(stored["data"]["ca.crt"].as_str().unwrap()).unwrap();
    assert_eq!(ca_bundle(&fixture.cluster).trim(), String::from_utf8(stored).unwrap().trim());
    for (number, replica) in replicas.iter().enumerate() {
        assert_answers(&fixture, replica, &namespace, &format!("replica-{number}"));
    }
    fixture.replicas = replicas.into_iter().take(2).collect();
}

#[test]
fn a_deleted_secret_and_an_overwritten_bundle_come_back_as_they_were() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    let kubectl = fixture.cluster.kubectl();
    let before = ca_bundle(&fixture.cluster);
    kubectl.run(["delete", "secret", "emberscope-tls", "-n", "emberscope"]).unwrap();
    let foreign = authority::generate(std::time::SystemTime::now()).unwrap().certificate;
    let replace = json!([{
        "op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": STANDARD.encode(foreign),
    }]);
    fixture.installation.patch_configuration(&fixture.cluster, &replace).unwrap();

    let start = Instant::now();
    while secret(&fixture.cluster).is_none() || ca_bundle(&fixture.cluster) != before {
        assert!(start.elapsed() < PATIENCE, "{}", fixture.replicas[0].log());
        std::thread::sleep(Duration::from_millis(200));
    }
    for (number, replica) in fixture.replicas.iter().enumerate() {
        assert_eq!(replica.get("/readyz").unwrap().status, StatusCode::OK);
        assert_answers(&fixture, replica, &namespace, &format!("replica-{number}"));
    }
}
