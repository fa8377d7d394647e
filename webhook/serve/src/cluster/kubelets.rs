//! Asks a cluster whether all its kubelets know native sidecars; until they are known to, pods are
//! left alone.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use emberscope_core::NativeSidecars;
use emberscope_core::native_sidecars::server_version;
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, Client};
use tracing::{info, warn};

use crate::Shared;

/// Whom to ask; none where there is no cluster.
pub(crate) struct Kubelets(Option<Client>);

impl Kubelets {
    /// Asks with this client.
    pub(super) const fn of(client: Client) -> Self {
        Self(Some(client))
    }

    /// Asks as the pod's own service account, or outside a cluster with the kubeconfig. With neither
    /// there is nobody to ask, and pods are left alone.
    pub(crate) async fn connect() -> Self {
        let client = Client::try_default().await;
        let client = client.inspect_err(|error| {
            warn!(%error, "no cluster to ask what kubelets know: pods are left alone");
        });
        Self(client.ok())
    }

    /// Asks once, whatever comes of it; returns how long to wait before the next time.
    pub(crate) async fn ask(&self, shared: &Shared) -> Duration {
        let asked = tokio::time::timeout(shared.intervals.round, self.refresh(shared)).await;
        match asked.unwrap_or_else(|_| Err(anyhow!("the API server does not answer"))) {
            Ok(()) => shared.intervals.look,
            Err(error) => {
                warn!(why = format!("{error:#}"), "pods are left alone; asking again");
                shared.intervals.retry
            }
        }
    }

    /// Asks again and again, for the first time after a pause.
    pub(crate) async fn go_on_asking(&self, mut pause: Duration, shared: &Shared) {
        loop {
            tokio::time::sleep(pause).await;
            pause = self.ask(shared).await;
        }
    }

    /// Asks, and injects or leaves alone accordingly. Once known, an unanswered question changes
    /// nothing. A refusal counts as an answer: the next question would be refused too.
    pub(super) async fn refresh(&self, shared: &Shared) -> Result<()> {
        let Some(client) = &self.0 else {
            return Ok(());
        };
        let before = shared.settings.load().cluster.native_sidecars;
        match native_sidecars(client).await {
            Ok(known) if known == before => Ok(()),
            Ok(known) => {
                shared.learn(|cluster| cluster.native_sidecars = known);
                info!(native_sidecars = ?known, "asked what kubelets know");
                Ok(())
            }
            Err(error) if before != NativeSidecars::Unknown || is_refusal(&error) => {
                let still = format!("{before:?}");
                warn!(error = format!("{error:#}"), still, "cannot ask what kubelets know");
                Ok(())
            }
            Err(error) => {
                Err(error).context("cannot find out whether kubelets know native sidecars")
            }
        }
    }
}

/// Whether the API server says that this program may not ask.
fn is_refusal(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(kube::Error::Api(status)) if status.code == 403)
}

/// What the API server's version tells, or else all its nodes.
async fn native_sidecars(client: &Client) -> Result<NativeSidecars> {
    let version = client.apiserver_version().await?;
    let version = server_version(&version.major, &version.minor);
    if let Some(known) = NativeSidecars::by_server(version) {
        return Ok(known);
    }
    let nodes = Api::<Node>::all(client.clone());
    let mut page = ListParams::default().limit(100);
    let mut kubelets: Vec<String> = Vec::new();
    loop {
        let list = nodes.list(&page).await?;
        kubelets.extend(list.items.into_iter().map(|node| {
            let info = node.status.and_then(|status| status.node_info);
            info.map(|info| info.kubelet_version).unwrap_or_default()
        }));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => break,
        }
    }
    match NativeSidecars::by_kubelets(kubelets.iter().map(String::as_str)) {
        NativeSidecars::Unknown => Err(anyhow!("there are no nodes yet")),
        known => Ok(known),
    }
}

#[cfg(test)]
mod tests;
