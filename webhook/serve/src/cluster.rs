//! What the webhook keeps in the cluster, and what it asks of it.
//!
//! | module | what |
//! |---|---|
//! | `secret` | one Secret with the authority and the certificate, which replicas agree on |
//! | `ca_bundle` | whom the API server trusts: one field of one webhook configuration |
//! | `watch` | tells when somebody changed either |
//! | `restraint` | how often this replica writes, whoever undoes it |
//! | `events` | what was mended, for those who look at the Secret |
//! | `own_image` | the image that this program runs from, and the sidecar is injected with |
//! | `limits` | what would refuse pods: LimitRanges and ResourceQuotas |
//! | `kubelets` | whether every kubelet knows native sidecars |
//! | `spark_pods` | Spark's pods that have not ended, for those whose sidecar does not start |
//! | `fuse_events` | that pods are left alone, for those who look at one |
//!
//! What is done next is decided by [`emberscope_certs::reconcile`]; here it is carried out.

mod ca_bundle;
mod events;
mod fuse_events;
mod kubelets;
pub(crate) mod limits;
mod own_image;
mod restraint;
mod secret;
mod spark_pods;
mod watch;

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use emberscope_certs::reconcile::{Replica, Seen, Step};
use emberscope_certs::renewal::{Change, Wanted};
use emberscope_certs::stored::Fault;
use emberscope_core::NativeSidecars;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use crate::metrics::Mended;
use crate::{Shared, certificate};
use ca_bundle::CaBundle;
use events::Events;
pub(crate) use kubelets::Kubelets;
pub(crate) use own_image::OwnPod;
use restraint::Restraint;
use secret::CertificateSecret;
pub(crate) use spark_pods::watch_pods;

/// How long the start waits for each thing that decisions are better with: a replica that was started
/// because of a sidecar that does not start is to know of it before it answers, and one that is not ready
/// keeps nobody from creating pods.
const AT_START: Duration = Duration::from_secs(5);

/// How many steps one round may need, those that were lost to a faster replica included.
const STEPS: usize = 20;

/// Keeps the Secret and the webhook configuration right, and asks what kubelets know.
pub(crate) struct Keeper {
    kubelets: Kubelets,
    secret: CertificateSecret,
    ca_bundle: CaBundle,
    events: Events,
    restraint: Restraint,
    /// Somebody changed something.
    changed: Notify,
}

/// What is known from earlier rounds.
#[derive(Default)]
struct State {
    replica: Replica,
    /// The `caBundle`s that the webhook configuration had when it was last seen.
    live: Vec<String>,
    /// The bundle that API servers are given the time to notice, and until when.
    settling: Option<(String, Instant)>,
}

impl Keeper {
    /// A keeper with the pod's own service account, or outside a cluster with the kubeconfig.
    pub(crate) async fn new(namespace: &str, secret: &str, configuration: &str) -> Result<Self> {
        let client = Client::try_default()
            .await
            .context("--tls-secret needs a cluster: no service account here, and no kubeconfig")?;
        Ok(Self {
            secret: CertificateSecret::new(client.clone(), namespace, secret),
            ca_bundle: CaBundle::new(client.clone(), configuration),
            events: Events::new(client.clone()),
            kubelets: Kubelets::of(client),
            restraint: Restraint::default(),
            changed: Notify::new(),
        })
    }

    /// Keeps everything right for ever; what fails is logged, shown by `/readyz` and tried again.
    pub(crate) async fn run(&self, names: &[String], shared: &Shared) {
        let watches = async {
            tokio::join!(self.secret.watch(&self.changed), self.ca_bundle.watch(&self.changed))
        };
        tokio::select! {
            () = self.rounds(names, shared) => {}
            _ = watches => {}
            () = self.kubelets.go_on_asking(shared.intervals.look, shared) => {}
        }
    }

    async fn rounds(&self, names: &[String], shared: &Shared) {
        let mut state = State::default();
        loop {
            // A connection that was lost without a word would be waited on for ever.
            let round =
                timeout(shared.intervals.round, self.round(names, &mut state, shared)).await;
            match round.unwrap_or_else(|_| Err(anyhow!("the API server does not answer"))) {
                Ok(()) => {
                    shared.metrics.round(true);
                    shared.readiness.ready();
                    let _ = timeout(shared.intervals.look, self.changed.notified()).await;
                }
                Err(error) => {
                    shared.metrics.round(false);
                    let why = format!("{error:#}");
                    // What is served stays good until it expires, whatever could not be done.
                    let good = state.replica.is_trusted(&state.live, SystemTime::now());
                    warn!(why, still_ready = good, "not in order; trying again");
                    if !good {
                        shared.readiness.not_ready(why);
                    }
                    sleep(shared.intervals.retry).await;
                }
            }
        }
    }

    /// One round: what kubelets know, if nobody does yet, and then step by step the Secret, the
    /// `caBundle` and what is served.
    async fn round(&self, names: &[String], state: &mut State, shared: &Shared) -> Result<()> {
        if shared.settings.load().cluster.native_sidecars == NativeSidecars::Unknown {
            self.kubelets.refresh(shared).await?;
        }
        let wanted = Wanted { names, rotation_overlap: shared.intervals.rotation_overlap };
        for _ in 0..STEPS {
            if self.step(wanted, state, shared).await? {
                return Ok(());
            }
        }
        Err(anyhow!("somebody changes the Secret or the caBundle all the time"))
    }

    /// One step; whether there was nothing to do.
    async fn step(&self, wanted: Wanted<'_>, state: &mut State, shared: &Shared) -> Result<bool> {
        let found = self.secret.get().await?;
        let configuration = self.ca_bundle.get().await?;
        state.live.clone_from(&configuration.live);
        let data = found.as_ref().map(secret::data);
        let rotate = found.as_ref().is_some_and(secret::asks_for_rotation);
        let seen = Seen { secret: data.as_ref(), rotate, live: &state.live };
        match state.replica.next(seen, wanted, SystemTime::now())? {
            Step::Store { material, change, faults } => {
                self.restraint.wait().await;
                match self.secret.put(found.clone(), &material, change).await? {
                    Some(now) => self.stored(found.as_ref(), &now, change, &faults, shared).await,
                    None => restraint::after_a_lost_race().await,
                }
            }
            Step::Publish(bundle) => {
                self.restraint.wait().await;
                let overwritten = state.replica.served().is_some()
                    && !state.replica.is_trusted(&state.live, SystemTime::now());
                if self.ca_bundle.put(&configuration, &bundle).await? {
                    info!(configuration = self.ca_bundle.name(), "wrote the caBundle");
                    state.live = vec![bundle];
                    if let (true, Some(secret)) = (overwritten, &found) {
                        shared.metrics.mended(Mended::CaBundle);
                        self.events.ca_bundle_restored(secret).await;
                    }
                } else {
                    restraint::after_a_lost_race().await;
                }
            }
            Step::Settle(bundle) => self.settle(bundle, state, shared).await,
            Step::Serve(material) => {
                certificate::serve(&material.leaf, shared)?;
                info!(secret = self.secret.name(), "serving the certificate of the Secret");
                state.replica.serves(*material);
            }
            Step::Nothing => return Ok(true),
        }
        Ok(false)
    }

    /// Tells of what was stored.
    async fn stored(
        &self,
        before: Option<&Secret>,
        now: &Secret,
        change: Change,
        faults: &[Fault],
        shared: &Shared,
    ) {
        let broken: Vec<String> = faults.iter().map(ToString::to_string).collect();
        info!(?change, ?broken, secret = self.secret.name(), "wrote the Secret");
        if before.is_none() && change == Change::Restored {
            shared.metrics.mended(Mended::Secret);
            self.events.secret_restored(now).await;
        }
        for fault in faults {
            shared.metrics.mended(Mended::Part(fault.part));
        }
        if !broken.is_empty() {
            self.events.secret_repaired(now, change, &broken.join("; ")).await;
        }
        if matches!(change, Change::RotationBegun | Change::RotationEnded) {
            self.events.rotation(now, change).await;
        }
    }

    /// Gives API servers the time to notice a bundle; ends early when something was changed.
    async fn settle(&self, bundle: String, state: &mut State, shared: &Shared) {
        let until = match &state.settling {
            Some((settling, until)) if *settling == bundle => *until,
            _ => Instant::now() + shared.intervals.settle,
        };
        state.settling = Some((bundle.clone(), until));
        if timeout_at(until, self.changed.notified()).await.is_err() {
            state.settling = None;
            state.replica.settled(bundle);
        }
    }
}
