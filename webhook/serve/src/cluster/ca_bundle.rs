//! Whom the API server trusts: the field `caBundle` of one webhook configuration.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::api::{Patch, PatchParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::Notify;

use super::watch;

/// Where the webhook configuration is.
pub(super) struct CaBundle {
    api: Api<MutatingWebhookConfiguration>,
    metadata: Api<PartialObjectMeta<MutatingWebhookConfiguration>>,
    name: String,
}

/// What the webhook configuration says.
pub(super) struct Found {
    version: Option<String>,
    /// The names of its webhooks; at least one.
    webhooks: Vec<String>,
    /// Their bundles, in the same order.
    pub(super) live: Vec<String>,
}

impl CaBundle {
    pub(super) fn new(client: Client, configuration: &str) -> Self {
        Self {
            api: Api::all(client.clone()),
            metadata: Api::all(client),
            name: configuration.to_owned(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Tells of every change.
    pub(super) async fn watch(&self, changed: &Notify) {
        watch::object(self.metadata.clone(), &self.name, changed).await;
    }

    /// What is there.
    pub(super) async fn get(&self) -> Result<Found> {
        let name = &self.name;
        let found = self.api.get(name).await;
        let found = found
            .with_context(|| format!("cannot read the MutatingWebhookConfiguration {name}"))?;
        let webhooks = found.webhooks.unwrap_or_default();
        ensure!(!webhooks.is_empty(), "the MutatingWebhookConfiguration {name} has no webhooks");
        let bundle = |bundle: &Option<ByteString>| match bundle {
            Some(bundle) => String::from_utf8_lossy(&bundle.0).into_owned(),
            None => String::new(),
        };
        Ok(Found {
            version: found.metadata.resource_version,
            live: webhooks.iter().map(|one| bundle(&one.client_config.ca_bundle)).collect(),
            webhooks: webhooks.into_iter().map(|one| one.name).collect(),
        })
    }

    /// Puts a bundle into every webhook; not if somebody else was faster.
    ///
    /// By a patch of that one field: all others stay, known to this program or not.
    pub(super) async fn put(&self, found: &Found, bundle: &str) -> Result<bool> {
        let name = &self.name;
        let bundle = ByteString(bundle.as_bytes().to_vec());
        // With the version that was read: refused if someone was faster. Webhooks are merged by their
        // names.
        let patch = json!({
            "metadata": {"resourceVersion": found.version},
            "webhooks": found.webhooks.iter().map(|webhook| json!({
                "name": webhook,
                "clientConfig": {"caBundle": bundle},
            })).collect::<Vec<_>>(),
        });
        match self.api.patch(name, &PatchParams::default(), &Patch::Strategic(patch)).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error)
                .with_context(|| format!("cannot write the MutatingWebhookConfiguration {name}")),
        }
    }
}
