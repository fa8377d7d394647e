//! What a cluster has beside Spark: the webhook, and programs that tell of nodes and pods.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use emberscope_tests::discovery::{self, Whereabouts};
use emberscope_tests::trial::{Others, Trial};
use emberscope_tests::{admission, http, ports};
use serde_json::{Value, json};
use tokio::process::Command;

const START: Duration = Duration::from_mins(1);
const NODE: &str = "this-machine";
const CLUSTER: &str = "this-cluster";

/// The server, with a page of its own figures.
pub(crate) struct Webhook {
    port: u16,
    metrics: u16,
}

impl Webhook {
    pub(crate) async fn start(trial: &mut Trial) -> Result<Self> {
        let webhook = Self { port: ports::any()?, metrics: ports::any()? };
        let mut command = Command::new(&trial.tools().webhook);
        command.arg("serve").arg("--ca-out").arg(trial.folder().join("ca.pem"));
        command.args(["--listen", &format!("127.0.0.1:{}", webhook.port)]);
        command.args(["--ops-listen", &format!("127.0.0.1:{}", webhook.metrics)]);
        trial.programs().start("webhook", command)?;
        let ready = async || http::get(webhook.metrics, "/readyz").await?.ok().map(drop);
        trial.programs().until("webhook", START, ready).await?;
        Ok(webhook)
    }

    /// Has it decide on a pod of each kind: one that gets all, one that gets a part, one that opted out.
    pub(crate) async fn ask(&self, trial: &Trial) -> Result<()> {
        let golden = trial.root().join("tests/golden/admission");
        let review = admission::review(&golden.join("spark-3.5.6-driver/review.json"), &[])?;
        let authority = trial.folder().join("ca.pem");
        for other in [None, Some("submit-opts-value-from"), Some("opted-out")] {
            let mut review = review.clone();
            if let Some(name) = other {
                let pod = fs::read_to_string(golden.join(name).join("pod.yaml"))?;
                review["request"]["object"] = serde_saphyr::from_str(&pod)?;
            }
            let body = serde_json::to_vec(&review)?.into();
            http::post_tls(self.port, "/mutate?timeout=2s", &authority, body).await?.ok()?;
        }
        Ok(())
    }
}

/// What else a cluster has: the webhook's pod, a real node exporter, and what kube-state-metrics would
/// say of the two pods.
pub(crate) async fn surroundings(trial: &mut Trial, webhook: &Webhook) -> Result<Others> {
    let deployment = fs::read_to_string(trial.root().join("manifests/base/deployment.yaml"))?;
    let pod = discovery::webhook(&deployment, webhook.metrics)?;
    let here = Whereabouts { address: "127.0.0.1", node: NODE };
    let targets = discovery::targets(&pod, here);

    let pages = trial.folder().join("pages");
    fs::create_dir(&pages)?;
    fs::write(pages.join("kube-state-metrics.prom"), kube_state_metrics(trial))?;
    let port = ports::any()?;
    let mut exporter = Command::new("prometheus-node-exporter");
    exporter.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    exporter.arg(format!("--collector.textfile.directory={}", pages.display()));
    trial.programs().start("node exporter", exporter)?;
    let ready = async || http::get(port, "/").await?.ok().map(drop);
    trial.programs().until("node exporter", START, ready).await?;
    let job = |name: &str, collectors: &[&str]| {
        json!({
            "job_name": name,
            "scrape_interval": "5s",
            "scrape_timeout": "5s",
            "honor_labels": true,
            "params": {"collect[]": collectors},
            "static_configs": [{"targets": [format!("127.0.0.1:{port}")], "labels": {"node": NODE, "cluster": CLUSTER}}],
        })
    };
    let jobs =
        vec![job("node", &["cpu", "meminfo", "filesystem"]), job("kube-state", &["textfile"])];
    Ok(Others { targets, jobs, cluster: Some(CLUSTER) })
}

/// A page written here, by the names and labels of kube-state-metrics' documentation, with what the two
/// pods really ask for: that program is in no package that these tests could install.
fn kube_state_metrics(trial: &Trial) -> String {
    let (mut phases, mut requests) = (String::new(), String::new());
    for pod in trial.pods() {
        let name = pod.pod["metadata"]["name"].as_str().unwrap_or_default();
        let namespace = pod.pod["metadata"]["namespace"].as_str().unwrap_or_default();
        let of_pod = format!("namespace=\"{namespace}\",pod=\"{name}\"");
        for phase in ["Pending", "Running", "Succeeded", "Failed", "Unknown"] {
            let is = u8::from(phase == "Running");
            phases += &line("kube_pod_status_phase", &format!("{of_pod},phase=\"{phase}\""), is);
        }
        let containers = pod.pod["spec"]["containers"].as_array();
        for container in containers.into_iter().flatten() {
            let named = container["name"].as_str().unwrap_or_default();
            let asked = &container["resources"]["requests"];
            for (resource, unit, amount) in [
                ("cpu", "core", cores(&asked["cpu"])),
                ("memory", "byte", mebibytes(&asked["memory"])),
            ] {
                let labels = format!(
                    "{of_pod},container=\"{named}\",resource=\"{resource}\",unit=\"{unit}\""
                );
                requests += &line("kube_pod_container_resource_requests", &labels, amount);
            }
        }
    }
    format!(
        "# TYPE kube_pod_status_phase gauge\n{phases}# TYPE kube_pod_container_resource_requests gauge\n{requests}"
    )
}

fn line(name: &str, labels: &str, value: impl std::fmt::Display) -> String {
    format!("{name}{{{labels}}} {value}\n")
}

/// `300m` or `1`.
fn cores(quantity: &Value) -> f64 {
    let text = quantity.as_str().unwrap();
    match text.strip_suffix('m') {
        Some(thousandths) => thousandths.parse::<f64>().unwrap() / 1000.0,
        None => text.parse().unwrap(),
    }
}

/// `896Mi`, in bytes.
fn mebibytes(quantity: &Value) -> f64 {
    quantity.as_str().unwrap().strip_suffix("Mi").unwrap().parse::<f64>().unwrap() * 1_048_576.0
}
