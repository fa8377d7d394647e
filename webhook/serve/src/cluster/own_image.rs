//! Reads the pod that this program runs in, for its image: whoever set that, in a manifest or on the
//! way through a mirror that rewrites names, has set the sidecar's too.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use emberscope_core::OwnImage;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use tracing::{info, warn};

use super::AT_START;
use crate::Shared;

/// The pod that this program runs in.
#[derive(Debug, Clone)]
pub(crate) struct OwnPod {
    pub(crate) namespace: String,
    pub(crate) pod: String,
}

impl OwnPod {
    /// Asks once, whatever comes of it; whether it is known now.
    pub(crate) async fn ask(&self, shared: &Shared) -> bool {
        self.asked(AT_START, shared).await
    }

    /// Asks until it is known. A container's image does not change while it runs.
    pub(crate) async fn go_on_asking(&self, shared: &Shared) {
        loop {
            tokio::time::sleep(shared.intervals.look).await;
            if self.asked(shared.intervals.round, shared).await {
                return;
            }
        }
    }

    async fn asked(&self, patience: Duration, shared: &Shared) -> bool {
        let asked = tokio::time::timeout(patience, self.read()).await;
        match asked.unwrap_or_else(|_| Err(anyhow!("the API server does not answer"))) {
            Ok(image) => {
                info!(?image, "injecting the image of this container");
                shared.learn(|cluster| cluster.own_image = image.clone());
                true
            }
            Err(error) => {
                let (why, pod) = (format!("{error:#}"), &self.pod);
                warn!(
                    why,
                    pod, "cannot read this pod, so without sidecar.image pods are left alone"
                );
                false
            }
        }
    }

    async fn read(&self) -> Result<OwnImage> {
        let client = Client::try_default().await.context("there is no cluster to ask")?;
        let pod = Api::<Pod>::namespaced(client, &self.namespace).get(&self.pod).await?;
        OwnImage::of(pod.spec.unwrap_or_default()).map_err(|problem| anyhow!(problem))
    }
}
