//! A rolling update of the webhook under a constant load of new pods.

use std::thread;
use std::time::Duration;

use emberscope_tests::cluster::metrics::{calls, fail_opens};

use crate::fixture::alone;
use crate::load::Load;

#[test]
fn while_both_replicas_are_replaced_no_pod_misses_its_sidecar() {
    let mut fixture = alone();
    let namespace = fixture.opted_in();
    let (before, asked) = (fail_opens(&fixture.cluster).unwrap(), calls(&fixture.cluster).unwrap());
    let load = Load::start(&fixture, &namespace);

    // As the Deployment says: first one more, then one less, and so on until all are new.
    let old = std::mem::take(&mut fixture.replicas);
    for mut leaving in old {
        let mut successor = fixture.installation.start_replica().unwrap();
        successor.wait_until_ready().unwrap();
        fixture.installation.service.add(successor.port);
        fixture.replicas.push(successor);
        // The kubelet's SIGTERM and the news that the replica is no longer an endpoint travel
        // apart: for a while new connections still come to it.
        leaving.terminate().unwrap();
        thread::sleep(Duration::from_secs(2));
        fixture.installation.service.remove(leaving.port);
        leaving.wait().unwrap();
    }
    let created = load.end_without_a_miss();

    assert!(created > 200, "only {created} pods were created meanwhile");
    assert_eq!(fail_opens(&fixture.cluster).unwrap(), before);
    assert!(calls(&fixture.cluster).unwrap() >= asked + u64::from(created));
}
