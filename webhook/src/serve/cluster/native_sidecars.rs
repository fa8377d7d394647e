//! Whether every kubelet of the cluster knows native sidecars.
//!
//! Nothing is injected on a guess: where kubelets do not know them, a native sidecar would be an init
//! container that never ends. Until all are known to know, pods are left alone.

use std::time::Duration;

use anyhow::{Result, anyhow};
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, Client};
use tracing::{info, warn};

use super::super::Shared;
use super::{REFRESH, RETRY, ROUND};
use crate::settings::{AllSettings, NativeSidecars};

/// Asks, and injects or leaves alone accordingly. Once known, an unanswered question changes
/// nothing. A refusal counts as an answer: the next question would be refused too.
pub(super) async fn refresh(client: &Client, shared: &Shared) -> Result<()> {
    let before = shared.settings.load().native_sidecars;
    match ask(client).await {
        Ok(native_sidecars) if native_sidecars == before => Ok(()),
        Ok(native_sidecars) => {
            shared.decide_by(|now| AllSettings::new(now.config.clone(), native_sidecars));
            info!(?native_sidecars, "asked what kubelets know");
            Ok(())
        }
        Err(error) if before != NativeSidecars::Unknown || is_refusal(&error) => {
            let still = format!("{before:?}");
            warn!(error = format!("{error:#}"), still, "cannot ask what kubelets know");
            Ok(())
        }
        Err(error) => Err(error.context("cannot find out whether kubelets know native sidecars")),
    }
}

/// Whether the API server says that this program may not ask.
pub(crate) fn is_refusal(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(kube::Error::Api(status)) if status.code == 403)
}

/// A client with the pod's own service account, or outside a cluster with the kubeconfig. With
/// neither there is nobody to ask, and pods are left alone.
pub(in super::super) async fn client() -> Option<Client> {
    let client = Client::try_default().await;
    client
        .inspect_err(
            |error| warn!(%error, "no cluster to ask what kubelets know: pods are left alone"),
        )
        .ok()
}

/// Asks once; returns how long to wait before the next time.
pub(in super::super) async fn round(client: &Client, shared: &Shared) -> Duration {
    let asked = tokio::time::timeout(ROUND, refresh(client, shared)).await;
    match asked.unwrap_or_else(|_| Err(anyhow!("the API server does not answer"))) {
        Ok(()) => REFRESH,
        Err(error) => {
            warn!(why = format!("{error:#}"), "pods are left alone; asking again");
            RETRY
        }
    }
}

/// Native sidecars came with 1.29, and kubelets may be three minor versions behind the API
/// server (<https://kubernetes.io/releases/version-skew-policy/>): from 1.32 on none can be
/// without; before, the nodes tell.
pub(crate) async fn ask(client: &Client) -> Result<NativeSidecars> {
    let version = client.apiserver_version().await?;
    let server = (number(&version.major), number(&version.minor));
    if server >= (1, 32) {
        return Ok(NativeSidecars::Everywhere);
    }
    if server < (1, 29) {
        return Ok(NativeSidecars::NotEverywhere);
    }
    let nodes = Api::<Node>::all(client.clone());
    let mut page = ListParams::default().limit(100);
    let mut seen = false;
    loop {
        let list = nodes.list(&page).await?;
        seen |= !list.items.is_empty();
        if !list.iter().all(|node| kubelet_minor(node).is_some_and(|minor| minor >= 29)) {
            return Ok(NativeSidecars::NotEverywhere);
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None if seen => return Ok(NativeSidecars::Everywhere),
            None => return Err(anyhow!("there are no nodes yet")),
        }
    }
}

/// The minor version of a node's kubelet.
fn kubelet_minor(node: &Node) -> Option<u32> {
    minor_of(&node.status.as_ref()?.node_info.as_ref()?.kubelet_version)
}

/// The number at the front: EKS says `29+`.
pub(crate) fn number(text: &str) -> u32 {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().unwrap_or(0)
}

/// The minor version of `v1.29.3-eks-adc7111`.
fn minor_of(version: &str) -> Option<u32> {
    let minor = version.strip_prefix("v1.")?.split('.').next()?;
    minor.parse().ok()
}

#[cfg(test)]
mod tests;
