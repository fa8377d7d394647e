//! What the webhook keeps in the cluster: one Secret and one `caBundle`; and what it asks of it:
//! whether every kubelet knows native sidecars.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use emberscope_certs::renewal::{self, Renewal};
use emberscope_certs::{Material, trust};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhook, MutatingWebhookConfiguration};
use k8s_openapi::api::core::v1::{Node, Secret};
use kube::api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tracing::{info, warn};

use super::{Shared, certificate};
use crate::config::Mode;
use crate::settings::AllSettings;

/// How soon a failed round is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// How often the cluster is asked anew: someone may have replaced the `caBundle`.
const REFRESH: Duration = Duration::from_secs(30);

/// How long one round may take.
const ROUND: Duration = Duration::from_secs(30);

/// A pause between losing a race and looking at who won.
const RACE: Duration = Duration::from_millis(200);

/// How often a lost race is run again before the round counts as failed.
const RACES: usize = 10;

/// Keeps the Secret and the webhook configuration right.
pub struct Keeper {
    client: Client,
    secrets: Api<Secret>,
    configurations: Api<MutatingWebhookConfiguration>,
    namespace: String,
    secret: String,
    configuration: String,
}

/// What is known from earlier rounds.
#[derive(Default)]
struct State {
    /// What is served; the cluster trusted it when it was first.
    served: Option<Material>,
    /// Whether all kubelets know native sidecars, once that was answered.
    native: Option<bool>,
}

impl State {
    /// Whether API servers that know the authorities of `served` accept its leaf now.
    fn served_is_trusted(&self, names: &[String]) -> bool {
        self.served.as_ref().is_some_and(|material| {
            let (bundle, leaf) = (material.bundle(), &material.leaf.certificate);
            trust::verify(&bundle, leaf, &names[0], SystemTime::now()).is_ok()
        })
    }
}

impl Keeper {
    /// A keeper with the pod's own service account, or outside a cluster with the kubeconfig.
    pub async fn new(namespace: &str, secret: &str, configuration: &str) -> Result<Self> {
        let client = Client::try_default()
            .await
            .context("--tls-secret needs a cluster: no service account here, and no kubeconfig")?;
        Ok(Self {
            secrets: Api::namespaced(client.clone(), namespace),
            configurations: Api::all(client.clone()),
            client,
            namespace: namespace.to_owned(),
            secret: secret.to_owned(),
            configuration: configuration.to_owned(),
        })
    }

    /// Keeps everything right for ever; what fails is logged, shown by `/readyz` and tried again.
    pub async fn run(&self, names: &[String], shared: &Shared) {
        let mut state = State::default();
        loop {
            // A connection that was lost without a word would be waited on for ever.
            let round = tokio::time::timeout(ROUND, self.round(names, &mut state, shared)).await;
            let pause =
                match round.unwrap_or_else(|_| Err(anyhow!("the API server does not answer"))) {
                    Ok(()) => {
                        shared.readiness.ready();
                        REFRESH
                    }
                    Err(error) => {
                        let why = format!("{error:#}");
                        // What is served stays good until it expires, whatever could not be done.
                        let good = state.served_is_trusted(names);
                        warn!(why, still_ready = good, "not in order; trying again");
                        if !good {
                            shared.readiness.not_ready(why);
                        }
                        RETRY
                    }
                };
            tokio::time::sleep(pause).await;
        }
    }

    /// One round: how sidecars are placed, the Secret, the `caBundle`, what is served.
    async fn round(&self, names: &[String], state: &mut State, shared: &Shared) -> Result<()> {
        let auto = shared.settings.load().config.sidecar.mode == Mode::Auto;
        match self.place(&mut state.native, shared).await {
            Err(error) if auto => return Err(error),
            _ => {}
        }
        let now = SystemTime::now();
        let material = self.material(names, state.served.as_ref(), now).await?;
        let bundle = self.trust(&material).await?;
        // The leaf is served only once the cluster trusts it; until then the old one is.
        trust::verify(&bundle, &material.leaf.certificate, &names[0], now)?;
        if state.served.as_ref() != Some(&material) {
            certificate::serve(&material.leaf, shared)?;
            info!(secret = self.secret, "serving the certificate of the Secret");
            state.served = Some(material);
        }
        Ok(())
    }

    /// What the Secret holds, renewed if due; of replicas that race, one wins and all agree.
    ///
    /// A Secret that was deleted or spoilt gets back what is served: the cluster trusts it.
    async fn material(
        &self,
        names: &[String],
        served: Option<&Material>,
        now: SystemTime,
    ) -> Result<Material> {
        for _ in 0..RACES {
            let found = self.secrets.get_opt(&self.secret).await.with_context(|| {
                format!("cannot read the Secret {}/{}", self.namespace, self.secret)
            })?;
            let stored = found.as_ref().and_then(|secret| self.read(secret));
            let lost = stored.is_none();
            let (material, change) = match renewal::renew(stored.or(served.cloned()), names, now)? {
                Renewal::Current(material) if !lost => return Ok(material),
                Renewal::Current(material) => (material, None),
                Renewal::Changed { material, change } => (material, Some(change)),
            };
            let written = match found {
                // With its resourceVersion: refused if someone was faster.
                Some(secret) => {
                    let secret = Secret { data: Some(data(&material)), ..secret };
                    self.secrets.replace(&self.secret, &PostParams::default(), &secret).await
                }
                None => {
                    self.secrets.create(&PostParams::default(), &self.new_secret(&material)).await
                }
            };
            match written {
                Ok(_) => {
                    info!(?change, lost, secret = self.secret, "wrote the Secret");
                    return Ok(material);
                }
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    tokio::time::sleep(RACE).await;
                }
                Err(error) => {
                    return Err(error).with_context(|| {
                        format!("cannot write the Secret {}/{}", self.namespace, self.secret)
                    });
                }
            }
        }
        Err(anyhow!("the Secret {}/{} changes all the time", self.namespace, self.secret))
    }

    /// The material in a Secret; one that was emptied or spoilt is as good as none.
    fn read(&self, secret: &Secret) -> Option<Material> {
        let data = secret.data.iter().flatten();
        let data = data.map(|(key, value)| (key.clone(), value.0.clone())).collect();
        Material::from_data(&data)
            .inspect_err(|error| warn!(%error, secret = self.secret, "the Secret is made anew"))
            .ok()
    }

    fn new_secret(&self, material: &Material) -> Secret {
        let labels = [
            ("app.kubernetes.io/name", "emberscope"),
            ("app.kubernetes.io/managed-by", "emberscope"),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(self.secret.clone()),
                namespace: Some(self.namespace.clone()),
                labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            data: Some(data(material)),
            ..Secret::default()
        }
    }

    /// Puts the authorities into the webhook configuration, where they are not; returns the
    /// bundle that is live.
    ///
    /// By a patch of that one field: all others stay, known to this program or not.
    async fn trust(&self, material: &Material) -> Result<String> {
        let name = &self.configuration;
        let bundle = material.bundle();
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
            let trusting =
                |webhook: &MutatingWebhook| webhook.client_config.ca_bundle.as_ref() == Some(&ours);
            if webhooks.iter().all(trusting) {
                return Ok(bundle);
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
                Ok(_) => info!(configuration = name, "wrote the caBundle"),
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

    /// Asks whether every kubelet knows native sidecars, and places sidecars accordingly.
    ///
    /// Nothing is placed on a guess: where kubelets do not know them, a native sidecar would be an
    /// init container that never ends. Once known, an unanswered question changes nothing.
    async fn place(&self, known: &mut Option<bool>, shared: &Shared) -> Result<()> {
        match self.native_everywhere().await {
            Ok(native) if *known == Some(native) => Ok(()),
            Ok(native) => {
                shared.settings.rcu(|current| AllSettings::new(current.config.clone(), native));
                info!(placement = ?shared.settings.load().default().placement, "sidecars are placed");
                *known = Some(native);
                Ok(())
            }
            Err(error) if known.is_some() => {
                warn!(error = format!("{error:#}"), "cannot ask what kubelets know");
                Ok(())
            }
            Err(error) => {
                Err(error.context("cannot find out whether kubelets know native sidecars"))
            }
        }
    }

    /// Native sidecars came with 1.29, and kubelets may be three minor versions behind the API
    /// server (<https://kubernetes.io/releases/version-skew-policy/>): from 1.32 on none can be
    /// without; before, the nodes tell.
    async fn native_everywhere(&self) -> Result<bool> {
        let version = self.client.apiserver_version().await?;
        let server = (number(&version.major), number(&version.minor));
        if server >= (1, 32) {
            return Ok(true);
        }
        if server < (1, 29) {
            return Ok(false);
        }
        let nodes = Api::<Node>::all(self.client.clone());
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
}

/// The minor version of a node's kubelet.
fn kubelet_minor(node: &Node) -> Option<u32> {
    minor_of(&node.status.as_ref()?.node_info.as_ref()?.kubelet_version)
}

fn data(material: &Material) -> BTreeMap<String, ByteString> {
    material.to_data().into_iter().map(|(key, value)| (key, ByteString(value))).collect()
}

/// The number at the front: EKS says `29+`.
fn number(text: &str) -> u32 {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().unwrap_or(0)
}

/// The minor version of `v1.29.3-eks-adc7111`.
fn minor_of(version: &str) -> Option<u32> {
    let minor = version.strip_prefix("v1.")?.split('.').next()?;
    minor.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_clouds_write_them() {
        assert_eq!([number("29+"), number("1"), number("")], [29, 1, 0]);
        assert_eq!(minor_of("v1.29.3-eks-adc7111"), Some(29));
        assert_eq!(minor_of("unknown"), None);
    }
}
