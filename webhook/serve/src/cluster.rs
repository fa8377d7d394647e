//! What the webhook keeps in the cluster, and what it asks of it.
//!
//! | module | what |
//! |---|---|
//! | `secret` | one Secret with the authority and the certificate, which replicas agree on |
//! | `ca_bundle` | whom the API server trusts: one field of one webhook configuration |
//! | `own_image` | the image that this program runs from, and the sidecar is injected with |
//! | `kubelets` | whether every kubelet knows native sidecars |

mod ca_bundle;
mod kubelets;
mod own_image;
mod secret;

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use emberscope_certs::{Material, trust};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use tracing::{info, warn};

use crate::{Shared, certificate};
pub(crate) use kubelets::Kubelets;
pub(crate) use own_image::OwnPod;

/// How soon a failed round is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// How often the cluster is asked anew: someone may have replaced the `caBundle`.
const REFRESH: Duration = Duration::from_secs(30);

/// How long one round may take.
const ROUND: Duration = Duration::from_secs(30);

/// How long API servers are given to notice a new `caBundle` before a certificate is served that only
/// it vouches for. Each watches the configuration by itself.
const SETTLE: Duration = Duration::from_secs(5);

/// A pause between losing a race and looking at who won.
const RACE: Duration = Duration::from_millis(200);

/// How often a lost race is run again before the round counts as failed.
const RACES: usize = 10;

/// Keeps the Secret and the webhook configuration right, and asks what kubelets know.
pub(crate) struct Keeper {
    kubelets: Kubelets,
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
    /// The `caBundle`s that the webhook configuration had when it was last seen.
    live: Vec<String>,
}

impl State {
    /// Whether API servers accept what is served now, by all that is known of them.
    fn served_is_trusted(&self, names: &[String]) -> bool {
        let Some(Material { leaf, .. }) = &self.served else {
            return false;
        };
        let trusts = |bundle: &String| {
            trust::verify(bundle, &leaf.certificate, &names[0], SystemTime::now()).is_ok()
        };
        !self.live.is_empty() && self.live.iter().all(trusts)
    }
}

impl Keeper {
    /// A keeper with the pod's own service account, or outside a cluster with the kubeconfig.
    pub(crate) async fn new(namespace: &str, secret: &str, configuration: &str) -> Result<Self> {
        let client = Client::try_default()
            .await
            .context("--tls-secret needs a cluster: no service account here, and no kubeconfig")?;
        Ok(Self {
            secrets: Api::namespaced(client.clone(), namespace),
            configurations: Api::all(client.clone()),
            kubelets: Kubelets::of(client),
            namespace: namespace.to_owned(),
            secret: secret.to_owned(),
            configuration: configuration.to_owned(),
        })
    }

    /// Keeps everything right for ever; what fails is logged, shown by `/readyz` and tried again.
    pub(crate) async fn run(&self, names: &[String], shared: &Shared) {
        let mut state = State::default();
        loop {
            // A connection that was lost without a word would be waited on for ever.
            let round = tokio::time::timeout(ROUND, self.round(names, &mut state, shared)).await;
            let pause =
                match round.unwrap_or_else(|_| Err(anyhow!("the API server does not answer"))) {
                    Ok(()) => {
                        shared.metrics.round(true);
                        shared.readiness.ready();
                        REFRESH
                    }
                    Err(error) => {
                        shared.metrics.round(false);
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

    /// One round: what kubelets know, the Secret, the `caBundle`, what is served.
    async fn round(&self, names: &[String], state: &mut State, shared: &Shared) -> Result<()> {
        self.kubelets.refresh(shared).await?;
        let now = SystemTime::now();
        let material = self.material(names, state.served.as_ref(), now).await?;
        let (bundle, is_new) = self.publish(&material, &mut state.live).await?;
        // The leaf is served only once the cluster trusts it; until then the old one is.
        trust::verify(&bundle, &material.leaf.certificate, &names[0], now)?;
        if state.served.as_ref() != Some(&material) {
            if is_new && state.served_is_trusted(names) {
                tokio::time::sleep(SETTLE).await;
            }
            certificate::serve(&material.leaf, shared)?;
            info!(secret = self.secret, "serving the certificate of the Secret");
            state.served = Some(material);
        }
        Ok(())
    }
}
