//! One real Spark run with everything around it, and every query on what Prometheus has of it.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use emberscope_tests::admission;
use emberscope_tests::dashboards::Dashboard;
use emberscope_tests::discovery::{self, Whereabouts};
use emberscope_tests::enclosure::Limits;
use emberscope_tests::spark::TWO_EXECUTORS;
use emberscope_tests::trial::{Mode, Others, Setup, Submission, Trial};
use emberscope_tests::{http, ports, prometheus};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::grafana::Values;
use crate::without_data::{Entry, entries};
use crate::{made, stock};

/// How long the job may take until all that it has is in Prometheus.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long Prometheus may take to store what it has scraped.
const STORED: Duration = Duration::from_secs(20);
const START: Duration = Duration::from_mins(1);
const NODE: &str = "this-machine";
const CLUSTER: &str = "abc123vc";
const JOB: &str = "00000003abcdefg";

/// What EMR on EKS and a team would put on both pods.
const LABELS: [(&str, &str); 3] = [
    ("team", "data-a"),
    ("emr-containers.amazonaws.com/virtual-cluster-id", CLUSTER),
    ("emr-containers.amazonaws.com/job.id", JOB),
];

/// The sinks report more often than by default, so that the test takes less time.
const CONFS: [(&str, &str); 2] = [
    ("spark.metrics.conf.driver.sink.emberscope.period", "2"),
    ("spark.metrics.conf.executor.sink.emberscope.period", "2"),
];

/// The job's own settings. The quote in its name is for the sidecar to repair.
const SETTINGS: [&str; 12] = [
    "--name",
    "all \"kinds\" of things",
    "--conf",
    "spark.executor.heartbeatInterval=1s",
    "--conf",
    "spark.dynamicAllocation.enabled=true",
    "--conf",
    "spark.dynamicAllocation.shuffleTracking.enabled=true",
    "--conf",
    "spark.dynamicAllocation.minExecutors=2",
    "--conf",
    "spark.dynamicAllocation.maxExecutors=2",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_query_finds_data_after_a_real_run() {
    let setup = Setup {
        spark_confs: &CONFS,
        sidecar: "{compat: servlet, pssIntervalSeconds: 1}",
        labels: &LABELS,
    };
    let mut trial = Trial::start_with(Mode::Native, setup).await.unwrap();
    let webhook = Webhook::start(&mut trial).await.unwrap();
    let others = surroundings(&mut trial, &webhook).await.unwrap();
    let port = trial.scrape_with("5s", others).await.unwrap();
    let start = now() - 1.0;

    let folder = trial.folder().join("job");
    fs::create_dir(&folder).unwrap();
    let submission = Submission {
        master: TWO_EXECUTORS,
        settings: &SETTINGS.map(str::to_owned),
        program: "everything.py",
        arguments: &[folder.display().to_string()],
        limits: Limits::of_cores(2),
    };
    trial.submit(&submission, "emberscope-dashboards").unwrap();
    let dashboards = made();
    let begun = Instant::now();
    loop {
        webhook.ask(&trial).await.unwrap();
        trial.programs().check_all().unwrap();
        let missing = Missing::look(&dashboards, port, [start, now()]).await.unwrap();
        if missing.until_the_end().is_empty() || begun.elapsed() > PATIENCE {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    fs::write(folder.join("enough"), "").unwrap();
    let log = trial.spark_ends(Duration::from_mins(2)).await.unwrap();
    trial.sidecars_end(Duration::from_mins(1)).await.unwrap();

    // Prometheus may not have stored yet what the sidecars served last.
    let ended = Instant::now();
    loop {
        let missing = Missing::look(&dashboards, port, [start, now()]).await.unwrap();
        let wrong = missing.unexplained(&entries());
        if wrong.is_empty() {
            break;
        }
        assert!(ended.elapsed() < STORED, "{}\n{log}", wrong.join("\n"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let span = [start, now()];
    let unanswered = stock_queries_without_data(&trial, port, span).await.unwrap();
    assert!(unanswered.is_empty(), "the stock dashboard: {unanswered:#?}");
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The server, with a page of its own figures.
struct Webhook {
    port: u16,
    metrics: u16,
}

impl Webhook {
    async fn start(trial: &mut Trial) -> Result<Self> {
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
    async fn ask(&self, trial: &Trial) -> Result<()> {
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
async fn surroundings(trial: &mut Trial, webhook: &Webhook) -> Result<Others> {
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
            "static_configs": [{"targets": [format!("127.0.0.1:{port}")], "labels": {"node": NODE}}],
        })
    };
    let jobs =
        vec![job("node", &["cpu", "meminfo", "filesystem"]), job("kube-state", &["textfile"])];
    Ok(Others { targets, jobs })
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

/// Queries and variables that found nothing, by dashboard and panel.
#[derive(Debug, Default)]
struct Missing {
    queries: BTreeMap<(&'static str, String), Vec<String>>,
    /// Panels that found something, so that the list of those that need not stays short.
    found: Vec<(&'static str, String)>,
}

impl Missing {
    async fn look(dashboards: &[Dashboard], port: u16, span: [f64; 2]) -> Result<Self> {
        let mut missing = Self::default();
        for dashboard in dashboards {
            let (values, empty) = Values::ask(&dashboard.source, port, span).await?;
            if !empty.is_empty() {
                missing.queries.insert((dashboard.name, "variables".to_owned()), empty);
            }
            for panel in dashboard.source.panels() {
                let key = (dashboard.name, panel.title.clone());
                for query in &panel.queries {
                    let expression = values.put_into(&query.expr, span);
                    if has_data(port, &expression, panel.kind.is_instant(), span).await? {
                        missing.found.push(key.clone());
                    } else {
                        missing.queries.entry(key.clone()).or_default().push(query.expr.clone());
                    }
                }
            }
        }
        Ok(missing)
    }

    /// What is there only once Spark has ended does not count yet, nor what never need be there.
    fn until_the_end(&self) -> Vec<&str> {
        let may = entries();
        let awaited =
            self.queries.iter().filter(|((dashboard, panel), _)| !listed(&may, dashboard, panel));
        let late = ["spark_container_last_state", "emberscope_spark_ended"];
        awaited
            .flat_map(|(_, queries)| queries)
            .map(String::as_str)
            .filter(|query| !late.iter().any(|metric| query.contains(metric)))
            .collect()
    }

    /// A sentence for each query that found nothing without being listed, and for each entry of the
    /// list that is not needed.
    fn unexplained(&self, may: &[Entry]) -> Vec<String> {
        let mut wrong = Vec::new();
        for ((dashboard, panel), queries) in &self.queries {
            if !listed(may, dashboard, panel) {
                wrong.extend(
                    queries
                        .iter()
                        .map(|query| format!("{dashboard}, {panel}: nothing for {query}")),
                );
            }
        }
        for entry in may.iter().filter(|entry| entry.when.is_none()) {
            if self.found.iter().any(|(dashboard, panel)| entry.is(dashboard, panel)) {
                wrong.push(format!("{entry:?} is not needed, there is data"));
            }
        }
        wrong
    }
}

impl Entry {
    fn is(&self, dashboard: &str, panel: &str) -> bool {
        self.dashboard == dashboard && self.panel == panel
    }
}

fn listed(may: &[Entry], dashboard: &str, panel: &str) -> bool {
    may.iter().any(|entry| entry.is(dashboard, panel))
}

/// Whether a query gives at least one number. What a panel shows where there is nothing does not count:
/// such a one tells of now, and has to have had something at some time.
async fn has_data(port: u16, expression: &str, instant: bool, span: [f64; 2]) -> Result<bool> {
    let without = expression.strip_suffix(" or vector(0)");
    if instant && without.is_none() {
        let samples = prometheus::query(port, expression).await?;
        return Ok(samples.iter().any(|sample| sample.value.is_finite()));
    }
    let expression = without.unwrap_or(expression);
    // A little longer than the run: the newest sample may be younger than the last whole step.
    let span = [span[0], span[1] + 2.0];
    let series = prometheus::query_range(port, expression, span, "1s").await?;
    Ok(series.iter().flatten().any(|value| value.is_finite()))
}

/// What the walkthrough's dashboard asks of Spark and does not get.
async fn stock_queries_without_data(
    trial: &Trial,
    port: u16,
    span: [f64; 2],
) -> Result<Vec<String>> {
    let pod = trial.pods()[0].pod["metadata"]["name"].as_str().unwrap_or_default();
    let metric = "metrics_executor_maxTasks";
    let ids = prometheus::label_values(port, metric, "application_id", span).await?;
    ensure!(ids.len() == 1, "one application, not {ids:?}");
    let mut without = Vec::new();
    for query in stock::queries(JOB, CLUSTER, pod, &ids[0]) {
        if !has_data(port, &query, false, span).await? {
            without.push(query);
        }
    }
    Ok(without)
}
