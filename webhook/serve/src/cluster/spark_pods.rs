//! Watches Spark's pods for sidecars that do not start.
//!
//! All that have not ended, in one watch: a sidecar that crashes lets its pod go on to `Running` (a
//! native sidecar counts as started once it was), unready, so `Pending` alone would not show it. Of each
//! event a handful of fields is read, and nothing is kept of a pod that is well.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use emberscope_core::contract::{INJECTED, SIDECAR, SPARK_ROLE};
use emberscope_core::fuse::{Change, FuseKey, Fuses, PodStatus, SidecarState};
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{ApiResource, Object};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Config, watcher};
use kube::{Api, Client};
use serde::Deserialize;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::AT_START;
use super::fuse_events::FuseEvents;
use super::own_image::OwnPod;
use crate::Shared;

/// Pods in one answer of a list: one page is in memory at a time.
const PAGE: u32 = 100;

/// How often time is looked at while something depends on it.
const TICK: Duration = Duration::from_secs(1);

/// The longest pause between attempts to watch (kube's default).
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The part of a pod that is read.
type WatchedPod = Object<Spec, PodStatus>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    init_containers: Vec<Container>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
}

/// Watches for as long as the server lives; returns when the first look is done, or took too long.
pub(crate) async fn watch_pods(own: Option<OwnPod>, shared: &Arc<Shared>) {
    let client = match Client::try_default().await {
        Ok(client) => client,
        Err(error) => {
            warn!(%error, "no cluster whose pods could be watched: a sidecar that does not start is not noticed");
            return;
        }
    };
    let (looked, first) = oneshot::channel();
    let events = FuseEvents::new(client.clone(), own);
    let watch = Watch { client, events, shared: Arc::clone(shared), looked: Some(looked) };
    tokio::spawn(watch.run());
    if tokio::time::timeout(AT_START, first).await.is_err() {
        warn!("Spark's pods could not be looked at in time; answering without");
    }
}

struct Watch {
    client: Client,
    events: FuseEvents,
    shared: Arc<Shared>,
    /// Told once, when the first look is done or refused.
    looked: Option<oneshot::Sender<()>>,
}

impl Watch {
    /// Goes on for ever; another set of roles is another watch.
    async fn run(mut self) {
        loop {
            let roles = self.roles();
            let selector = format!("{SPARK_ROLE} in ({})", roles.join(","));
            let config = Config::default()
                .labels(&selector)
                .fields("status.phase!=Succeeded,status.phase!=Failed")
                .page_size(PAGE);
            let pods = ApiResource::erase::<Pod>(&());
            let pods: Api<WatchedPod> = Api::all_with(self.client.clone(), &pods);
            let mut stream = pin!(watcher(pods, config).default_backoff());
            let mut clock = tokio::time::interval(TICK);
            clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut sight = Sight::default();
            loop {
                tokio::select! {
                    event = stream.next() => match event {
                        Some(Ok(event)) => {
                            self.take(event, &mut sight);
                            sight.error = None;
                        }
                        Some(Err(error)) => self.is_blind(error, &mut sight),
                        None => break,
                    },
                    _ = clock.tick() => {
                        self.tell_of_changes();
                        self.shared.metrics.fuse().watching(sight.is_clear());
                        if self.roles() != roles {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn roles(&self) -> Vec<String> {
        self.shared.settings.load().config.roles.all().map(str::to_owned).collect()
    }

    fn take(&mut self, event: watcher::Event<WatchedPod>, sight: &mut Sight) {
        match event {
            watcher::Event::Init => self.shared.with_fuses(Fuses::list_begins),
            watcher::Event::InitApply(pod) | watcher::Event::Apply(pod) => self.see(&pod),
            watcher::Event::Delete(pod) => {
                let uid = pod.metadata.uid.unwrap_or_default();
                self.shared.with_fuses(|fuses| fuses.is_gone(&uid));
            }
            watcher::Event::InitDone => {
                self.shared.with_fuses(Fuses::list_ends);
                self.tell_of_changes();
                sight.listed = true;
                info!("watching Spark's pods for sidecars that do not start");
                let _ = self.looked.take().map(|looked| looked.send(()));
            }
        }
    }

    fn see(&self, pod: &WatchedPod) {
        let metadata = &pod.metadata;
        let uid = metadata.uid.as_deref().unwrap_or_default();
        let Some((key, state)) = sidecar(pod) else {
            return;
        };
        if metadata.deletion_timestamp.is_some() {
            return self.shared.with_fuses(|fuses| fuses.is_gone(uid));
        }
        let after = self.shared.settings.load().config.fuse.after();
        let name = metadata.name.as_deref().unwrap_or_default();
        self.shared
            .with_fuses(|fuses| fuses.is_seen(key, (name, uid), state, after, Instant::now()));
    }

    /// What changed, for the client of the pod that waits.
    fn tell_of_changes(&self) {
        for change in self.shared.fuses_now() {
            if let Change::Blown { key, failure, pod } = change {
                let events = self.events.clone();
                tokio::spawn(async move { events.blown(&key, failure, pod).await });
            }
        }
    }

    fn is_blind(&mut self, error: watcher::Error, sight: &mut Sight) {
        let refused = is_refusal(&error);
        if sight.is_clear() || sight.error.is_none() {
            let why = format!("{:#}", anyhow::Error::from(error));
            warn!(why, "cannot watch Spark's pods: a sidecar that does not start is not noticed");
        }
        sight.error = Some(Instant::now());
        if refused {
            let _ = self.looked.take().map(|looked| looked.send(()));
        }
    }
}

/// Whether pods are seen.
#[derive(Debug, Default)]
struct Sight {
    /// A list came to its end.
    listed: bool,
    /// When the watch last failed, if nothing has come since.
    error: Option<Instant>,
}

impl Sight {
    /// A watch of pods to which nothing happens brings nothing; then it is one that has not failed
    /// for longer than is waited between attempts.
    fn is_clear(&self) -> bool {
        self.listed && self.error.is_none_or(|at| at.elapsed() > LONGEST_BACKOFF * 2)
    }
}

/// What fuse a pod is of, and what its sidecar does; none: it has no sidecar.
fn sidecar(pod: &WatchedPod) -> Option<(FuseKey, SidecarState)> {
    let image = &pod.spec.init_containers.iter().find(|one| one.name == SIDECAR)?.image;
    let injected = pod.metadata.annotations.as_ref()?.get(INJECTED)?;
    let key = FuseKey {
        namespace: pod.metadata.namespace.clone()?,
        image: image.clone(),
        injected: injected.clone(),
    };
    Some((key, pod.status.as_ref().map_or(SidecarState::NotItsTurn, SidecarState::of)))
}

fn is_refusal(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source)) =
        error
    else {
        return false;
    };
    matches!(source, kube::Error::Api(status) if status.code == 403)
}
