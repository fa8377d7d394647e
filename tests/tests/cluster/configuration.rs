//! What the operators of the cluster say is in effect without a restart.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{Fixture, alone};
use crate::pods::{assert_injected, driver, sidecars};

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
