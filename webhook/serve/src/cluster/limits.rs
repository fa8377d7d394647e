//! Watches the LimitRanges and ResourceQuotas of all namespaces, so that no pod is refused because of
//! its sidecar. Of each object only what counts is kept; namespaces that have neither take no room.
//!
//! What was seen last counts for as long as nothing newer is: how old that is, is a metric. Without the
//! right to read them nothing is known of any namespace, and pods are injected all the same.

use std::collections::HashMap;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, anyhow};
use emberscope_core::Namespaces;
use emberscope_core::namespace_state::{LimitRange, NamespaceState, Quota};
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::{LimitRange as LimitRangeObject, ResourceQuota};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::AT_START;
use crate::Shared;
use crate::metrics::Watched;

/// How long an API server keeps a watch open, in seconds.
const OPEN: u32 = 60;

/// A connection on which nothing came for so long is dead: what is open ends before.
const SILENCE: Duration = Duration::from_secs(70);

/// The longest pause after a failure; the first is `Intervals::retry`.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Watches both kinds from now on, in the background; returns once they were listed, or when that takes
/// too long or is refused.
pub(crate) async fn watch(shared: &Arc<Shared>) {
    let client = match client().await {
        Ok(client) => client,
        Err(error) => {
            let why = format!("{error:#}");
            return warn!(why, "no cluster to ask for LimitRanges and ResourceQuotas");
        }
    };
    let (ranges, ranges_listed) = oneshot::channel();
    let (quotas, quotas_listed) = oneshot::channel();
    tokio::spawn(keep::<LimitRangeObject>(client.clone(), Arc::clone(shared), ranges));
    tokio::spawn(keep::<ResourceQuota>(client, Arc::clone(shared), quotas));
    let _ = timeout(AT_START, async { (ranges_listed.await, quotas_listed.await) }).await;
}

/// A client that notices when nothing comes any more.
async fn client() -> Result<Client> {
    let mut config =
        kube::Config::infer().await.context("no service account, and no kubeconfig")?;
    config.read_timeout = Some(SILENCE);
    Ok(Client::try_from(config)?)
}

/// Objects of which something is kept.
trait Kept:
    Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
    + Clone
    + DeserializeOwned
    + Debug
    + Send
    + 'static
{
    /// What is kept of one.
    type Of: Clone + PartialEq + Send;
    const WATCHED: Watched;
    fn of(&self) -> Self::Of;
    fn name(of: &Self::Of) -> &str;
    fn all(state: &mut NamespaceState) -> &mut Vec<Self::Of>;
}

impl Kept for LimitRangeObject {
    type Of = LimitRange;
    const WATCHED: Watched = Watched::LimitRanges;

    fn of(&self) -> LimitRange {
        LimitRange::of(self)
    }

    fn name(of: &LimitRange) -> &str {
        &of.name
    }

    fn all(state: &mut NamespaceState) -> &mut Vec<LimitRange> {
        &mut state.limit_ranges
    }
}

impl Kept for ResourceQuota {
    type Of = Quota;
    const WATCHED: Watched = Watched::ResourceQuotas;

    fn of(&self) -> Quota {
        Quota::of(self)
    }

    fn name(of: &Quota) -> &str {
        &of.name
    }

    fn all(state: &mut NamespaceState) -> &mut Vec<Quota> {
        &mut state.quotas
    }
}

/// Lists and watches for ever. After each failure it is listed again: then it is certain that what is
/// known is what there is.
async fn keep<K: Kept>(client: Client, shared: Arc<Shared>, listed: oneshot::Sender<()>) {
    let (api, kind) = (Api::<K>::all(client), K::WATCHED.as_str());
    let (mut listed, mut pause) = (Some(listed), shared.intervals.retry);
    let mut told = false;
    loop {
        let mut was_listed = false;
        let error = until_it_fails(api.clone(), &shared, || {
            was_listed = true;
            shared.metrics.watching(K::WATCHED, true);
            listed.take();
        })
        .await;
        shared.metrics.watching(K::WATCHED, false);
        listed.take();
        if was_listed {
            (told, pause) = (false, shared.intervals.retry);
        }
        if !std::mem::replace(&mut told, true) {
            let why = format!("{error:#}");
            warn!(why, kind, "cannot watch them: what was seen last counts; trying again");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Lists and watches, and takes up what comes, until something fails.
async fn until_it_fails<K: Kept>(
    api: Api<K>,
    shared: &Shared,
    mut on_listed: impl FnMut(),
) -> Error {
    let config = watcher::Config::default().timeout(OPEN).page_size(100);
    let mut events = pin!(watcher(api, config));
    let mut all: HashMap<String, Vec<K::Of>> = HashMap::new();
    loop {
        let namespace = |object: &K| object.namespace().unwrap_or_default();
        match events.next().await {
            Some(Ok(Event::Init)) => all.clear(),
            Some(Ok(Event::InitApply(object))) => {
                all.entry(namespace(&object)).or_default().push(object.of());
            }
            Some(Ok(Event::InitDone)) => {
                info!(kind = K::WATCHED.as_str(), namespaces = all.len(), "listed and watching");
                shared.namespaces.rcu(|now| replaced::<K>(now, &all));
                all = HashMap::new();
                on_listed();
            }
            Some(Ok(Event::Apply(object))) => {
                let of = object.of();
                change::<K>(shared, &namespace(&object), |known| {
                    match known.iter_mut().find(|one| K::name(one) == K::name(&of)) {
                        Some(one) => one.clone_from(&of),
                        None => known.push(of.clone()),
                    }
                });
            }
            Some(Ok(Event::Delete(object))) => {
                let name = object.name_any();
                change::<K>(shared, &namespace(&object), |known| {
                    known.retain(|one| K::name(one) != name);
                });
            }
            Some(Err(error)) => return error.into(),
            None => return anyhow!("the watch ended"),
        }
    }
}

/// What is known once all of a kind was listed.
fn replaced<K: Kept>(now: &Namespaces, all: &HashMap<String, Vec<K::Of>>) -> Namespaces {
    let mut next = now.clone();
    for namespace in now.names().chain(all.keys().map(String::as_str)) {
        let known = all.get(namespace);
        next.learn(namespace, |state| *K::all(state) = known.cloned().unwrap_or_default());
    }
    next
}

/// Changes what is known of a namespace. Most changes of a quota's status are none to what is kept.
fn change<K: Kept>(shared: &Shared, namespace: &str, what: impl Fn(&mut Vec<K::Of>)) {
    let mut state = shared.namespaces.load().of(namespace).clone();
    let before = K::all(&mut state).clone();
    what(K::all(&mut state));
    if *K::all(&mut state) != before {
        shared.namespaces.rcu(|now| {
            let mut next = Namespaces::clone(now);
            next.learn(namespace, |state| what(K::all(state)));
            next
        });
    }
}

#[cfg(test)]
mod tests;
