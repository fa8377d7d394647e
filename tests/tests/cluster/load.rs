//! A constant load of new pods, while a test does something to the webhook.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::fixture::Fixture;
use crate::pods::{driver, sidecars};

/// Pods per second: what one cluster of EMR on EKS creates at full speed, by AWS's own guide.
const RATE: u32 = 30;

/// Pods that are being created in one namespace.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    /// How many were created, and what went wrong.
    thread: JoinHandle<(u32, Vec<String>)>,
}

impl Load {
    /// Creates pods from now on.
    pub(crate) fn start(fixture: &Fixture, namespace: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (of_thread, namespace) = (Arc::clone(&stop), namespace.to_owned());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(fixture.cluster.client()).unwrap();
        let thread =
            thread::spawn(move || runtime.block_on(create_pods(client, &namespace, &of_thread)));
        Self { stop, thread }
    }

    /// Creates no more; fails if one of them has no sidecar. Returns how many there were.
    pub(crate) fn end_without_a_miss(self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        let (created, missed) = self.thread.join().unwrap();
        assert_eq!(missed, Vec::<String>::new(), "of {created} pods");
        created
    }
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
