//! `manifests/base` as shipped, and replicas of the webhook as its Deployment would run them.
//!
//! There is no node to run a pod on, so a replica is a process on this machine. It gets what the
//! Deployment says: its arguments, the ConfigMap's file, the namespace, and the token of the shipped
//! service account, which is all that it may do. Different are the ports, one more name in the
//! certificate (the API server reaches it as `localhost`), and that what it waits for takes a tenth.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emberscope_certs::Identity;
use serde_json::{Value, json};

use super::Cluster;
use super::guarded::Guarded;
use super::service::Service;
use crate::{http, ports};

/// How long a replica may take to be ready: it races others for the Secret.
const PATIENCE: Duration = Duration::from_mins(1);

/// The objects of `manifests/base`, applied; and the webhook's replicas.
#[derive(Debug)]
pub struct Installation {
    /// What the API server calls.
    pub service: Service,
    program: PathBuf,
    kubeconfig: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    started: usize,
}

/// One replica of the webhook; killed when dropped.
#[derive(Debug)]
pub struct Replica {
    /// The port of `/mutate`.
    pub port: u16,
    /// The port of `/readyz` and `/metrics`.
    pub ops_port: u16,
    process: Guarded,
}

impl Installation {
    /// Applies the manifests, with the Service's address swapped for its stand-in's and nothing
    /// else. `program` is `emberscope`. No replica runs yet.
    pub fn install(cluster: &Cluster, manifests: &Path, program: &Path) -> Result<Self> {
        let kubectl = cluster.kubectl();
        let service = Service::start()?;
        let rendered = kubectl.run(["kustomize".as_ref(), manifests.as_os_str()])?.stdout;
        let mut objects: Vec<Value> = rendered
            .split("\n---\n")
            .map(serde_saphyr::from_str)
            .collect::<Result<_, _>>()
            .context("kubectl kustomize printed no YAML")?;
        let configuration = objects
            .iter_mut()
            .find(|object| object["kind"] == "MutatingWebhookConfiguration")
            .context("the manifests have no MutatingWebhookConfiguration")?;
        let client = &mut configuration["webhooks"][0]["clientConfig"];
        let path = client["service"]["path"].as_str().unwrap_or_default();
        *client = json!({"url": format!("https://localhost:{}{path}", service.port())});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        kubectl.run_on(["apply", "-f", "-"], &list)?;

        let folder = cluster.folder("emberscope")?;
        let config = folder.join("config.yaml");
        let text = find(&objects, "ConfigMap")?["data"]["config.yaml"].as_str();
        fs::write(&config, text.context("the ConfigMap has no config.yaml")?)?;
        let deployment = find(&objects, "Deployment")?;
        let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
        let arguments = arguments.as_array().context("the Deployment's container has no args")?;
        let arguments = arguments.iter().filter_map(Value::as_str).map(|argument| {
            match argument.strip_prefix("--config=") {
                Some(_) => format!("--config={}", config.display()),
                None => argument.to_owned(),
            }
        });
        let token = kubectl.run(["create", "token", "emberscope", "-n", "emberscope"])?.stdout;
        let kubeconfig = cluster.credentials().kubeconfig("emberscope", token.trim())?;
        Ok(Self {
            service,
            program: program.to_path_buf(),
            kubeconfig,
            arguments: arguments.collect(),
            folder,
            started: 0,
        })
    }

    /// Starts a replica; the Service does not know it yet, and it may not be ready.
    pub fn start_replica(&mut self) -> Result<Replica> {
        self.start_replica_in(None)
    }

    /// Starts a replica that takes a pod of its namespace for its own.
    pub fn start_replica_in(&mut self, pod: Option<&str>) -> Result<Replica> {
        let (port, ops_port) = (ports::any()?, ports::any()?);
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--dns-name=localhost");
        command.arg("--haste=10");
        command.arg(format!("--listen=127.0.0.1:{port}"));
        command.arg(format!("--ops-listen=127.0.0.1:{ops_port}"));
        command.env("KUBECONFIG", &self.kubeconfig).env("POD_NAMESPACE", "emberscope");
        command.envs(pod.map(|pod| ("POD_NAME", pod)));
        self.started += 1;
        let name = format!("emberscope-{}", self.started);
        let process = Guarded::start(&name, &command, &self.folder)?;
        Ok(Replica { port, ops_port, process })
    }

    /// Starts replicas, waits until all are ready, and sends the Service's connections to them.
    pub fn run(&mut self, replicas: usize) -> Result<Vec<Replica>> {
        let mut started =
            (0..replicas).map(|_| self.start_replica()).collect::<Result<Vec<_>>>()?;
        for replica in &mut started {
            replica.wait_until_ready()?;
        }
        let ports: Vec<u16> = started.iter().map(|replica| replica.port).collect();
        self.service.set_endpoints(&ports);
        Ok(started)
    }

    /// Applies operations of a JSON Patch to the webhook configuration.
    pub fn patch_configuration(&self, cluster: &Cluster, operations: &Value) -> Result<()> {
        let patch = operations.to_string();
        let object = ["patch", "mutatingwebhookconfiguration", "emberscope", "--type=json", "-p"];
        cluster.kubectl().run(object.into_iter().chain([&*patch])).map(drop)
    }

    /// Has the API server call this port in place of the Service's.
    pub fn point_at(&self, cluster: &Cluster, port: u16) -> Result<()> {
        let url = format!("https://localhost:{port}/mutate");
        let operation =
            json!({"op": "replace", "path": "/webhooks/0/clientConfig/url", "value": url});
        self.patch_configuration(cluster, &json!([operation]))
    }

    /// The program `emberscope`.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The file that stands for the mounted ConfigMap.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("config.yaml")
    }

    /// The webhook's authority, from its Secret: with it a fake is trusted like the real one.
    pub fn authority(&self, cluster: &Cluster) -> Result<Identity> {
        let arguments = ["get", "secret", "emberscope-tls", "-n", "emberscope", "-o", "json"];
        let secret = cluster.kubectl().run(arguments)?.json()?;
        let part = |key: &str| {
            let text = secret["data"][key].as_str().with_context(|| format!("no {key}"))?;
            anyhow::Ok(String::from_utf8(STANDARD.decode(text)?)?)
        };
        Ok(Identity { certificate: part("ca.crt")?, key: part("ca.key")? })
    }
}

impl Replica {
    /// Waits until `/readyz` answers 200.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            self.process.check()?;
            let answer = self.get("/readyz");
            if answer.as_ref().is_ok_and(|answer| answer.status == hyper::StatusCode::OK) {
                return Ok(());
            }
            ensure!(
                start.elapsed() < PATIENCE,
                "a replica was not ready within {} s: {answer:?}\n{}",
                PATIENCE.as_secs(),
                self.process.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `GET` on its plain port.
    pub fn get(&self, path: &str) -> Result<http::Answer> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(http::get(self.ops_port, path))
    }

    /// How many reviews it has answered so far.
    pub fn answered(&self) -> Result<u64> {
        let page = String::from_utf8_lossy(&self.get("/metrics")?.ok()?).into_owned();
        let name = "emberscope_admission_requests_total{code=\"200\"} ";
        let count = page.lines().find_map(|line| line.strip_prefix(name));
        count.map_or(Ok(0), |count| Ok(count.parse()?))
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Sends SIGTERM, as the kubelet does; returns at once.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.terminate()
    }

    /// Waits for the end of a replica that was asked to.
    pub fn wait(self) -> Result<()> {
        self.process.wait()
    }
}

fn find<'o>(objects: &'o [Value], kind: &str) -> Result<&'o Value> {
    let found = objects.iter().find(|object| object["kind"] == kind);
    found.with_context(|| format!("the manifests have no {kind}"))
}
