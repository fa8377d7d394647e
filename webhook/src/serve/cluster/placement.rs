//! Whether every kubelet of the cluster knows native sidecars.
//!
//! Nothing is placed on a guess: where kubelets do not know them, a native sidecar would be an init
//! container that never ends.

use anyhow::{Context as _, Result, anyhow};
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, Client};
use tracing::{info, warn};

use super::super::Shared;
use super::{REFRESH, RETRY, ROUND};
use crate::settings::AllSettings;

/// What the cluster said.
#[derive(Debug, Default)]
pub(super) struct Placement {
    /// Whether all kubelets know native sidecars, once that was answered.
    native: Option<bool>,
}

impl Placement {
    /// Asks, and places sidecars accordingly. Once known, an unanswered question changes nothing.
    pub(super) async fn refresh(&mut self, client: &Client, shared: &Shared) -> Result<()> {
        match native_everywhere(client).await {
            Ok(native) if self.native == Some(native) => Ok(()),
            Ok(native) => {
                shared.decide_by(|now| AllSettings::new(now.config.clone(), native));
                info!(placement = ?shared.settings.load().default().placement, "sidecars are placed");
                self.native = Some(native);
                Ok(())
            }
            Err(error) if self.native.is_some() => {
                warn!(error = format!("{error:#}"), "cannot ask what kubelets know");
                Ok(())
            }
            Err(error) => {
                Err(error.context("cannot find out whether kubelets know native sidecars"))
            }
        }
    }
}

/// Keeps asking the cluster that this pod is in, for as long as the server lives; outside of a
/// cluster there is nobody to ask, and sidecars stay what they are.
pub(in super::super) async fn watch(shared: &Shared) -> Result<()> {
    let Ok(config) = kube::Config::incluster() else {
        info!("not in a cluster: with mode auto, sidecars stay classic");
        return Ok(());
    };
    let client = Client::try_from(config).context("cannot talk to the cluster")?;
    let mut placement = Placement::default();
    loop {
        let round = tokio::time::timeout(ROUND, placement.refresh(&client, shared)).await;
        let failed = match round {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(_) => Some("the API server does not answer".to_owned()),
        };
        let pause = if let Some(why) = failed {
            warn!(why, "sidecars are placed as before; asking again");
            RETRY
        } else {
            REFRESH
        };
        tokio::time::sleep(pause).await;
    }
}

/// Native sidecars came with 1.29, and kubelets may be three minor versions behind the API
/// server (<https://kubernetes.io/releases/version-skew-policy/>): from 1.32 on none can be
/// without; before, the nodes tell.
pub(crate) async fn native_everywhere(client: &Client) -> Result<bool> {
    let version = client.apiserver_version().await?;
    let server = (number(&version.major), number(&version.minor));
    if server >= (1, 32) {
        return Ok(true);
    }
    if server < (1, 29) {
        return Ok(false);
    }
    let nodes = Api::<Node>::all(client.clone());
    let mut page = ListParams::default().limit(100);
    let mut seen = false;
    loop {
        let list = nodes.list(&page).await?;
        seen |= !list.items.is_empty();
        if !list.iter().all(|node| kubelet_minor(node).is_some_and(|minor| minor >= 29)) {
            return Ok(false);
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None if seen => return Ok(true),
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
