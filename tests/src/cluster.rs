//! A real control plane on this machine: etcd, kube-apiserver, and the webhook as it is installed.
//!
//! ```text
//!  kube, kubectl, spark-submit
//!        |
//!        v
//!  kube-apiserver --AdmissionReview--> Service --> emberscope serve (replicas)
//!        |     <------patch------------ (stand-in)        |
//!        v                                                |
//!      etcd         <---- Secret, caBundle ---------------+
//! ```
//!
//! The API server, etcd and kubectl are the real ones ([`control_plane`]). There is no node and no
//! controller: pods are admitted and stored, and wait. What controllers and kube-proxy would do
//! for these tests is done by hand, and says so: a default service account ([`Cluster::namespace`]),
//! the Service ([`service`]).
//!
//! | module | what it is |
//! |---|---|
//! | [`control_plane`] | where etcd, kube-apiserver and kubectl come from |
//! | [`credentials`] | who may do what: certificates, tokens, kubeconfigs |
//! | [`guarded`] | programs that cannot outlive the test |
//! | [`kubectl`] | kubectl, as a user has it |
//! | [`helm`] | Helm, likewise |
//! | [`installation`] | `manifests/base` as shipped, and replicas of the webhook |
//! | [`service`] | the stand-in for the Service |
//! | [`fake_webhook`] | another webhook, or one that misbehaves |
//! | [`metrics`] | what the API server counts |

pub mod control_plane;
pub mod credentials;
pub mod fake_webhook;
pub mod guarded;
pub mod helm;
pub mod installation;
pub mod kubectl;
pub mod metrics;
pub mod service;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::ports;
use control_plane::ControlPlane;
use credentials::Credentials;
use guarded::Guarded;
use helm::Helm;
use kubectl::Kubectl;

/// How long the API server may take to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running API server with its etcd.
#[derive(Debug)]
pub struct Cluster {
    programs: ControlPlane,
    credentials: Credentials,
    port: u16,
    namespaces: AtomicU32,
    folder: PathBuf,
    // Dropped in this order: the API server before its store.
    api_server: Guarded,
    _etcd: Guarded,
}

impl Cluster {
    /// Starts etcd and kube-apiserver on free loopback ports, with their data in a folder that goes
    /// away with the cluster.
    pub fn start() -> Result<Self> {
        let programs = ControlPlane::find()?;
        // A test's statics are never dropped, so the folder goes with the program that ends last.
        let folder = tempfile::tempdir().context("there is no room for a temporary folder")?.keep();
        let (port, etcd_port) = (ports::any()?, ports::any()?);
        let credentials = Credentials::make(&folder, port)?;

        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let mut etcd = Command::new(&programs.etcd);
        etcd.arg("--data-dir").arg(folder.join("etcd"));
        etcd.args(["--listen-client-urls", &etcd_url, "--advertise-client-urls", &etcd_url]);
        // Nobody needs these data after a crash.
        etcd.args(["--listen-peer-urls", "http://127.0.0.1:0", "--unsafe-no-fsync"]);
        let etcd = Guarded::start_and_remove("etcd", &etcd, &folder, &folder)?;

        let mut api_server = Command::new(&programs.kube_apiserver);
        api_server.args(["--bind-address=127.0.0.1", "--service-cluster-ip-range=10.0.0.0/24"]);
        api_server.arg(format!("--secure-port={port}"));
        api_server.arg(format!("--etcd-servers={etcd_url}"));
        // All admission plug-ins that are on by default stay on.
        api_server.args(["--authorization-mode=RBAC", "--profiling=false"]);
        api_server.args(credentials.api_server_flags());
        let policy = folder.join("audit-policy.json");
        let everything_about_pods = json!({
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [
                {"level": "Metadata", "resources": [{"group": "", "resources": ["pods"]}], "verbs": ["create"]},
                {"level": "None"},
            ],
        });
        fs::write(&policy, everything_about_pods.to_string())?;
        api_server.arg("--audit-policy-file").arg(&policy);
        api_server.arg("--audit-log-path").arg(audit_log(&folder));
        let api_server = Guarded::start("kube-apiserver", &api_server, &folder)?;

        let mut cluster = Self {
            programs,
            credentials,
            port,
            namespaces: AtomicU32::new(0),
            folder,
            api_server,
            _etcd: etcd,
        };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            let Err(error) = self.kubectl().run(["get", "--raw", "/readyz"]) else {
                return Ok(());
            };
            self.api_server.check()?;
            if start.elapsed() > PATIENCE {
                bail!("kube-apiserver was not ready within {} s: {error:#}", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// `kubectl` as the cluster's administrator.
    #[must_use]
    pub fn kubectl(&self) -> Kubectl {
        Kubectl::new(&self.programs.kubectl, &self.credentials.admin_kubeconfig)
    }

    /// `helm` as the cluster's administrator.
    pub fn helm(&self) -> Result<Helm> {
        let kubeconfig = self.credentials.admin_kubeconfig.clone();
        Ok(Helm { program: control_plane::helm()?, kubeconfig })
    }

    /// A client as the cluster's administrator, for the runtime that calls this.
    pub async fn client(&self) -> Result<kube::Client> {
        self.credentials.client().await
    }

    /// The API server's address, as Spark and kubeconfigs take it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// What clients have to know and trust.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A folder for files that live as long as the cluster.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} could not be made", folder.display()))?;
        Ok(folder)
    }

    /// Lines of the audit log so far: the creations of pods.
    pub fn audit_log(&self) -> Result<String> {
        let file = audit_log(&self.folder);
        fs::read_to_string(&file).with_context(|| format!("{} could not be read", file.display()))
    }

    /// Makes a namespace with a name of its own and these labels (`key=value`).
    ///
    /// Its default service account is made by hand: the controller that would is not there.
    pub fn namespace(&self, labels: &[&str]) -> Result<String> {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let name = format!("emr-data-team-{number}");
        let kubectl = self.kubectl();
        kubectl.run(["create", "namespace", &name])?;
        for label in labels {
            kubectl.run(["label", "namespace", &name, label])?;
        }
        kubectl.run(["create", "serviceaccount", "default", "-n", &name])?;
        Ok(name)
    }
}

fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}
