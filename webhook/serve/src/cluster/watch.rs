//! Tells when an object is changed, made or deleted, so that nobody has to look all the time.

use std::fmt::Debug;
use std::pin::pin;

use futures_util::StreamExt as _;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tracing::{info, warn};

/// Watches one object by its name, which is all that RBAC lets this program do. Only metadata come:
/// what is in the object is asked for by whoever is told.
///
/// Without a watch, what changes is noticed at the next look; that is said once.
pub(super) async fn object<K>(api: Api<PartialObjectMeta<K>>, name: &str, changed: &Notify)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let kind = K::kind(&()).into_owned();
    let config = Config::default().fields(&format!("metadata.name={name}"));
    let mut events = pin!(watcher(api, config).default_backoff());
    let mut blind = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init | Event::InitApply(_)) => {}
            Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => {
                changed.notify_one();
                if blind {
                    info!(kind, name, "watching again");
                    blind = false;
                }
            }
            Err(error) if blind => drop(error),
            Err(error) => {
                let why = format!("{:#}", anyhow::Error::from(error));
                warn!(why, kind, name, "cannot watch; changes are seen later, at the next look");
                blind = true;
            }
        }
    }
}
