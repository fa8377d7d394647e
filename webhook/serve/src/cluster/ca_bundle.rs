//! Whom the API server trusts: the field `caBundle` of one webhook configuration.

use anyhow::{Context as _, Result, anyhow};
use emberscope_certs::Material;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhook;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tracing::info;

use super::{Keeper, RACE, RACES};

impl Keeper {
    /// Puts the authorities into the webhook configuration, where they are not; returns the
    /// bundle that is live then, and whether it was changed for that. `live` gets what was there, and
    /// then what is.
    ///
    /// By a patch of that one field: all others stay, known to this program or not.
    pub(super) async fn publish(
        &self,
        material: &Material,
        live: &mut Vec<String>,
    ) -> Result<(String, bool)> {
        let name = &self.configuration;
        let bundle = material.bundle();
        let mut written = false;
        let ours = ByteString(bundle.clone().into_bytes());
        for _ in 0..RACES {
            let found =
                self.configurations.get(name).await.with_context(|| {
                    format!("cannot read the MutatingWebhookConfiguration {name}")
                })?;
            let webhooks = found.webhooks.as_deref().unwrap_or_default();
            if webhooks.is_empty() {
                return Err(anyhow!("the MutatingWebhookConfiguration {name} has no webhooks"));
            }
            let found_bundle = |webhook: &MutatingWebhook| {
                let bundle = webhook.client_config.ca_bundle.as_ref();
                let bundle = bundle.map(|bundle| String::from_utf8_lossy(&bundle.0).into_owned());
                bundle.unwrap_or_default()
            };
            *live = webhooks.iter().map(found_bundle).collect();
            let trusting =
                |webhook: &MutatingWebhook| webhook.client_config.ca_bundle.as_ref() == Some(&ours);
            if webhooks.iter().all(trusting) {
                return Ok((bundle, written));
            }
            // With the version that was read: refused if someone was faster. Webhooks are merged
            // by their names.
            let patch = json!({
                "metadata": {"resourceVersion": found.metadata.resource_version},
                "webhooks": webhooks.iter().map(|webhook| json!({
                    "name": webhook.name,
                    "clientConfig": {"caBundle": ours},
                })).collect::<Vec<_>>(),
            });
            match self
                .configurations
                .patch(name, &PatchParams::default(), &Patch::Strategic(patch))
                .await
            {
                Ok(_) => {
                    info!(configuration = name, "wrote the caBundle");
                    *live = vec![bundle.clone()];
                    written = true;
                }
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    tokio::time::sleep(RACE).await;
                }
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!("cannot write the MutatingWebhookConfiguration {name}")
                    });
                }
            }
        }
        Err(anyhow!("the MutatingWebhookConfiguration {name} changes all the time"))
    }
}
