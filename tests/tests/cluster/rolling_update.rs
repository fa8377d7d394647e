//! A rolling update of the webhook under a constant load of new pods.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use emberscope_tests::cluster::metrics::{calls, fail_opens};
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::fixture::alone;
use crate::pods::{driver, sidecars};

/// Pods per second: what one cluster of EMR on EKS creates at full speed, by AWS's own guide.
const RATE: u32 = 30;

#[test]
fn while_both_replicas_are_replaced_no_pod_misses_its_sidecar() {
    let mut fixture = alone();
    let namespace = fixture.opted_in();
    let (before, asked) = (fail_opens(&fixture.cluster).unwrap(), calls(&fixture.cluster).unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (stop, namespace) = (Arc::clone(&stop), namespace.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(fixture.cluster.client()).unwrap();
        thread::spawn(move || runtime.block_on(create_pods(client, &namespace, &stop)))
    };

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
    stop.store(true, Ordering::Relaxed);
    let (created, missed) = load.join().unwrap();

    assert!(created > 200, "only {created} pods were created meanwhile");
    assert_eq!(missed, Vec::<String>::new(), "of {created} pods");
    assert_eq!(fail_opens(&fixture.cluster).unwrap(), before);
    assert!(calls(&fixture.cluster).unwrap() >= asked + u64::from(created));
}

/// Creates pods at a fixed rate until told to stop; returns how many, and what went wrong. A dry
/// run is admitted like any other creation, and leaves nothing to clean up.
async fn create_pods(client: Client, namespace: &str, stop: &AtomicBool) -> (u32, Vec<String>) {
    let pods: Api<Pod> = Api::namespaced(client, namespace);
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut answers = JoinSet::new();
    let mut created = 0;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        created += 1;
        let pod = serde_json::from_value(driver(&format!("load-{created}"), namespace)).unwrap();
        let pods = pods.clone();
        answers.spawn(async move {
            let parameters = PostParams { dry_run: true, ..PostParams::default() };
            match pods.create(&parameters, &pod).await {
                Ok(pod) if sidecars(&json!(pod)).len() == 1 => None,
                Ok(pod) => Some(format!("{:?} has no sidecar", pod.metadata.name)),
                Err(error) => Some(error.to_string()),
            }
        });
    }
    let answers = answers.join_all().await;
    (created, answers.into_iter().flatten().collect())
}
