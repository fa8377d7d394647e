//! What the operators of the cluster say is in effect without a restart.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{Fixture, alone};
use crate::pods::{assert_injected, assert_left_alone, driver, sidecars};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn a_changed_configuration_is_in_effect_in_every_replica_and_so_is_the_old_one_again() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    let shipped_pod = fixture.cluster.kubectl().create(&driver("shipped", &namespace)).unwrap();
    assert_injected(&shipped_pod);
    let image = sidecars(&shipped_pod)[0]["image"].clone();

    let file = fixture.installation.config_file();
    let shipped = fs::read_to_string(&file).unwrap();
    fs::write(&file, "sidecar: {image: 'changed:1'}\n").unwrap();
    eventually(&fixture, &namespace, "changed", &json!("changed:1"));
    fs::write(&file, shipped).unwrap();
    eventually(&fixture, &namespace, "shipped-again", &image);
}

/// The webhook runs outside of the cluster here, so a pod stands in for its own.
#[test]
fn what_the_webhooks_own_pod_runs_is_injected_and_where_it_cannot_be_read_nothing_is() {
    let mut fixture = alone();
    let namespace = fixture.opted_in();
    let kubectl = fixture.cluster.kubectl();
    let image = format!("mirror.example.com:5000/emberscope@sha256:{}", "0".repeat(64));
    // The namespace enforces restricted Pod Security.
    let confined = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "own", "namespace": "emberscope"},
        "spec": {
            "serviceAccountName": "emberscope",
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {"name": "proxy", "image": "proxy", "securityContext": confined},
                {
                    "name": "webhook", "image": image, "imagePullPolicy": "Always",
                    "securityContext": confined,
                },
            ],
        },
    });
    kubectl.create(&pod).unwrap();

    let mut replica = fixture.installation.start_replica_in(Some("own")).unwrap();
    replica.wait_until_ready().unwrap();
    fixture.installation.point_at(&fixture.cluster, replica.port).unwrap();
    let created = kubectl.create(&driver("by-its-own-image", &namespace)).unwrap();
    let sidecar = &sidecars(&created)[0];
    assert_eq!(sidecar["image"], image, "{}", replica.log());
    assert_eq!(sidecar["imagePullPolicy"], "Always");
    assert_eq!(sidecar["command"], json!(["/emberscope-sidecar"]));

    let mut replica = fixture.installation.start_replica_in(Some("gone")).unwrap();
    replica.wait_until_ready().unwrap();
    fixture.installation.point_at(&fixture.cluster, replica.port).unwrap();
    let created = kubectl.create(&driver("by-no-image", &namespace)).unwrap();
    assert_left_alone(&created);
    let page = replica.get("/metrics").unwrap().body;
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains("decision=\"no_image\",role=\"driver\"} 1"), "{page}");
}

/// Creates pods until one replica after the other has read the file, and the sidecar has this image.
fn eventually(fixture: &Fixture, namespace: &str, name: &str, image: &Value) {
    let start = Instant::now();
    for replica in &fixture.replicas {
        fixture.installation.point_at(&fixture.cluster, replica.port).unwrap();
        for attempt in 0.. {
            let name = format!("{name}-{}-{attempt}", replica.port);
            let before = replica.answered().unwrap();
            let created = fixture.cluster.kubectl().create(&driver(&name, namespace)).unwrap();
            let is_asked = replica.answered().unwrap() > before;
            if is_asked && &sidecars(&created)[0]["image"] == image {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{}", replica.log());
            sleep(Duration::from_millis(200));
        }
    }
}
