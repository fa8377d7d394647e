//! What is done to a job, and to Emberscope, while the job runs.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, ContainerStatus, Pod};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::sight::{self, Sight};

/// How long the webhook's replicas may take to be started anew.
const ROLLOUT: Duration = Duration::from_mins(3);

/// Something that happens to a job once the driver has printed a line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provocation {
    /// A part of the line.
    when: String,
    /// What then.
    what: Act,
}

/// What is done.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Act {
    /// The JVM of a running executor gets SIGKILL.
    KillExecutorJvm,
    /// The driver's pod is deleted, as `kubectl delete pod` does.
    DeleteDriver,
    /// The sidecar in the driver's pod gets SIGKILL.
    KillSidecar,
    /// The kubelet gets SIGKILL; the node starts it again after a second.
    KillKubelet,
}

impl Provocation {
    /// Does it if it is time; whether it was done.
    pub(super) async fn try_now(&self, pods: &Api<Pod>, sight: &Sight) -> Result<bool> {
        let Some(driver) = sight.driver() else {
            return Ok(false);
        };
        if !sight.driver_log(pods).await.contains(&self.when) {
            return Ok(false);
        }
        match self.what {
            Act::DeleteDriver => {
                let name = driver.metadata.name.as_deref().unwrap_or_default();
                pods.delete(name, &DeleteParams::default()).await?;
                Ok(true)
            }
            Act::KillExecutorJvm => {
                let id = sight.running_executor().and_then(sight::spark_status);
                kill_in(id, "java")
            }
            Act::KillSidecar => {
                let statuses = driver.status.iter().flat_map(|status| {
                    status
                        .init_container_statuses
                        .iter()
                        .chain(&status.container_statuses)
                        .flatten()
                });
                let sidecar = statuses.into_iter().find(|status| status.name == sight::SIDECAR);
                kill_in(sidecar, "")
            }
            Act::KillKubelet => kill("", "kubelet"),
        }
    }
}

/// Sends SIGKILL to the first process of a container that has this name; whether there was one.
fn kill_in(container: Option<&ContainerStatus>, name: &str) -> Result<bool> {
    let id = container.and_then(|status| status.container_id.as_deref());
    match id.and_then(|id| id.strip_prefix("containerd://")) {
        Some(id) => kill(id, name),
        None => Ok(false),
    }
}

/// The same, by a part of the name of its cgroup.
fn kill(cgroup: &str, name: &str) -> Result<bool> {
    for entry in fs::read_dir("/proc")? {
        let folder = entry?.path();
        let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
        let pid = folder.file_name().and_then(|pid| pid.to_str()?.parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw)
            && read("cgroup").contains(cgroup)
            && read("comm").contains(name)
        {
            kill_process(pid, Signal::KILL)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is wrong with Emberscope's sidecar image.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// It is nowhere.
    ImageMissing,
    /// Its programs are for another kind of processor.
    ImageOfAnotherArchitecture,
    /// Its programs end with 1 at once.
    ImageThatCrashes,
}

/// What was there before.
#[derive(Debug)]
pub(super) struct Broken {
    config: String,
}

impl Harm {
    fn image(self) -> &'static str {
        match self {
            Self::ImageMissing => "localhost/nowhere:node",
            Self::ImageOfAnotherArchitecture => "localhost/foreign:node",
            Self::ImageThatCrashes => "localhost/crashing:node",
        }
    }

    /// Names that image in the webhook's configuration, which the replicas then read anew.
    pub(super) async fn begin(self, client: &Client) -> Result<Broken> {
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "emberscope");
        let map = maps.get("emberscope").await.context("Emberscope is not installed")?;
        let config = map.data.and_then(|mut data| data.remove("config.yaml"));
        let config = config.context("the ConfigMap has no config.yaml")?;
        // Without `image`, which is a comment as installed, the webhook's own image is injected.
        let mut changed: Vec<String> = config
            .lines()
            .filter(|line| !line.starts_with("  image: "))
            .map(str::to_owned)
            .collect();
        let sidecar = changed.iter().position(|line| line.trim_end() == "sidecar:");
        let sidecar = sidecar.context("the configuration has no sidecar")?;
        changed.insert(sidecar + 1, format!("  image: {}", self.image()));
        configure(client, &changed.join("\n")).await?;
        Ok(Broken { config })
    }
}

impl Broken {
    /// Puts the configuration back.
    pub(super) async fn mend(self, client: &Client) -> Result<()> {
        configure(client, &self.config).await
    }
}

/// Gives the webhook this configuration, and waits until all replicas have it.
async fn configure(client: &Client, config: &str) -> Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "emberscope");
    let patch = Patch::Merge(json!({"data": {"config.yaml": config}}));
    maps.patch("emberscope", &PatchParams::default(), &patch).await?;
    restart_webhook(client).await
}

/// Starts every replica anew, one after the other, and waits until the old ones are gone.
async fn restart_webhook(client: &Client) -> Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "emberscope");
    deployments.restart("emberscope").await?;
    let start = Instant::now();
    loop {
        let deployment = deployments.get("emberscope").await?;
        let wanted = deployment.spec.replicas;
        let seen = deployment.status.as_ref().and_then(|status| status.observed_generation);
        let current = seen == deployment.metadata.generation;
        if let Some(status) = deployment.status.filter(|_| current)
            && [status.replicas, status.updated_replicas, status.available_replicas] == [wanted; 3]
            && status.terminating_replicas.unwrap_or_default() == 0
        {
            return Ok(());
        }
        ensure!(start.elapsed() < ROLLOUT, "the webhook's replicas were not ready in time");
        sleep(Duration::from_millis(500)).await;
    }
}
