//! What the operators of the cluster say is in effect without a restart.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{Fixture, alone};
use crate::pods::{assert_injected, driver, sidecars};

/// The file is read every 5 s.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn sidecars_are_native_in_this_cluster_and_classic_while_the_configuration_says_so() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    // `mode: auto`, and an API server that no kubelet older than native sidecars may talk to.
    let native = fixture.cluster.kubectl().create(&driver("native", &namespace)).unwrap();
    assert_injected(&native);

    let file = fixture.installation.config_file();
    let shipped = fs::read_to_string(&file).unwrap();
    fs::write(&file, "sidecar: {mode: classic}\n").unwrap();
    let classic = eventually(&fixture, &namespace, "classic", &Value::Null);
    let sidecar = sidecars(&classic)[0];
    // Never in front: tools take the first container for Spark's.
    assert_eq!(classic["spec"]["containers"][1]["name"], sidecar["name"]);
    let arguments = sidecar["args"].as_array().unwrap();
    assert!(arguments.iter().any(|argument| argument == "--life=classic"), "{sidecar:#}");

    fs::write(&file, shipped).unwrap();
    eventually(&fixture, &namespace, "native-again", &json!("Always"));
}

/// Creates pods until one replica after the other has read the file, and the sidecar has this
/// restart policy.
fn eventually(fixture: &Fixture, namespace: &str, name: &str, restart_policy: &Value) -> Value {
    let start = Instant::now();
    let mut last = Value::Null;
    for replica in &fixture.replicas {
        fixture.installation.point_at(&fixture.cluster, replica.port).unwrap();
        for attempt in 0.. {
            let name = format!("{name}-{}-{attempt}", replica.port);
            let before = replica.answered().unwrap();
            last = fixture.cluster.kubectl().create(&driver(&name, namespace)).unwrap();
            let is_asked = replica.answered().unwrap() > before;
            if is_asked && &sidecars(&last)[0]["restartPolicy"] == restart_policy {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{}", replica.log());
            sleep(Duration::from_millis(200));
        }
    }
    last
}
