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
use crate::load::Load;
use crate::pods::{assert_injected, driver};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long it may take until what somebody spoilt is mended: much less than the 30 s after which a
/// replica would look without being told.
const AT_ONCE: Duration = Duration::from_secs(5);

const CONFIGURATION: [&str; 5] =
    ["get", "mutatingwebhookconfiguration", "emberscope", "-o", "json"];
const SECRET: [&str; 6] = ["get", "secret", "emberscope-tls", "-n", "emberscope", "-o"];

fn ca_bundle(cluster: &Cluster) -> String {
    let configuration = cluster.kubectl().run(CONFIGURATION).unwrap().json().unwrap();
    let bundle = configuration["webhooks"][0]["clientConfig"]["caBundle"].as_str();
    let bundle = bundle.unwrap_or_default();
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
fn a_deleted_secret_and_an_overwritten_bundle_come_back_at_once_as_they_were() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    let kubectl = fixture.cluster.kubectl();
    let before = ca_bundle(&fixture.cluster);
    let foreign = authority::generate(std::time::SystemTime::now()).unwrap().certificate;
    for bundle in [STANDARD.encode(foreign), String::new()] {
        kubectl.run(["delete", "secret", "emberscope-tls", "-n", "emberscope"]).unwrap();
        let replace = json!([{
            "op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle,
        }]);
        fixture.installation.patch_configuration(&fixture.cluster, &replace).unwrap();
        mended_at_once(&fixture, || {
            secret(&fixture.cluster).is_some() && ca_bundle(&fixture.cluster) == before
        });
    }
    for (number, replica) in fixture.replicas.iter().enumerate() {
        assert_eq!(replica.get("/readyz").unwrap().status, StatusCode::OK);
        assert_answers(&fixture, replica, &namespace, &format!("replica-{number}"));
    }
    let events = events(&fixture.cluster);
    for reason in ["SecretRestored", "CaBundleRestored"] {
        assert!(events.contains(&reason.to_owned()), "{events:?}");
    }
}

#[test]
fn whatever_somebody_writes_into_the_secret_no_pod_misses_its_sidecar() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    let before = ca_bundle(&fixture.cluster);
    let now = std::time::SystemTime::now();
    let foreign = authority::generate(now).unwrap();
    let names = ["emberscope.emberscope.svc".to_owned(), "localhost".to_owned()];
    let leaf = authority::issue(&foreign, &names, now).unwrap();
    let bad = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    let load = Load::start(&fixture, &namespace);
    for data in [
        json!({"ca.crt": foreign.certificate, "ca.key": foreign.key}),
        json!({"tls.crt": leaf.certificate, "tls.key": leaf.key}),
        json!({"tls.crt": "garbage"}),
        json!({"ca-previous.crt": bad}),
        json!({"ca.crt": leaf.certificate, "ca.key": leaf.key, "tls.crt": "garbage"}),
    ] {
        let patch = json!({"stringData": data}).to_string();
        let spoil = ["patch", "secret", "emberscope-tls", "-n", "emberscope", "-p", &patch];
        fixture.cluster.kubectl().run(spoil).unwrap();
        mended_at_once(&fixture, || {
            let stored = secret(&fixture.cluster).unwrap();
            let has = |(entry, text): (&String, &Value)| {
                stored["data"][entry] == STANDARD.encode(text.as_str().unwrap())
            };
            !data.as_object().unwrap().iter().any(has)
        });
        assert_eq!(ca_bundle(&fixture.cluster), before, "{data}");
    }
    load.end_without_a_miss();
    assert!(events(&fixture.cluster).contains(&"SecretRepaired".to_owned()));
    let page = fixture.replicas.iter().map(|replica| replica.get("/metrics").unwrap().body);
    let pages: String = page.map(|page| String::from_utf8_lossy(&page).into_owned()).collect();
    let counted = |what: &str| {
        let name = format!("emberscope_certificate_mended_total{{what=\"{what}\"}} ");
        pages.lines().any(|line| line.strip_prefix(&name).is_some_and(|count| count != "0"))
    };
    assert!(counted("leaf") && counted("previous") && counted("authority"), "{pages}");
}

/// `kubectl annotate secret emberscope-tls emberscope.dev/rotate=now`, as SECURITY.md has it.
#[test]
fn a_leaked_authority_is_replaced_and_no_pod_misses_its_sidecar() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    let (leaked, stored) = (ca_bundle(&fixture.cluster), secret(&fixture.cluster).unwrap());
    let load = Load::start(&fixture, &namespace);
    let rotate = ["annotate", "secret", "emberscope-tls", "emberscope.dev/rotate=now"];
    fixture.cluster.kubectl().run(rotate.iter().chain(&["-n", "emberscope"])).unwrap();
    let mut bundles = Vec::new();
    let start = Instant::now();
    while !events(&fixture.cluster).contains(&"RotationEnded".to_owned()) {
        bundles.push(ca_bundle(&fixture.cluster));
        assert!(start.elapsed() < PATIENCE, "{}", fixture.replicas[0].log());
        std::thread::sleep(Duration::from_millis(200));
    }
    // The last step is stored before it is published.
    mended_at_once(&fixture, || !ca_bundle(&fixture.cluster).contains(leaked.trim()));
    load.end_without_a_miss();
    assert!(bundles.iter().any(|bundle| bundle.matches("BEGIN").count() == 2), "no overlap");
    let now = secret(&fixture.cluster).unwrap();
    assert_eq!(now["metadata"]["annotations"]["emberscope.dev/rotate"], Value::Null);
    for (entry, value) in stored["data"].as_object().unwrap() {
        assert_ne!(now["data"][entry], *value, "{entry}");
    }
    for (number, replica) in fixture.replicas.iter().enumerate() {
        assert_answers(&fixture, replica, &namespace, &format!("replica-{number}"));
    }
}

fn mended_at_once(fixture: &Alone, is_mended: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_mended() {
        let logs: Vec<String> = fixture.replicas.iter().map(Replica::log).collect();
        assert!(start.elapsed() < AT_ONCE, "{}", logs.concat());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The reasons of the Secret's Events.
fn events(cluster: &Cluster) -> Vec<String> {
    let of = "--field-selector=involvedObject.kind=Secret,involvedObject.name=emberscope-tls";
    let list = cluster.kubectl().run(["get", "events", "-n", "emberscope", of, "-o", "json"]);
    let list = list.unwrap().json().unwrap();
    let reason = |event: &Value| event["reason"].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(reason).collect()
}
