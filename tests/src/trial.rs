//! One Spark job beside the sidecars that the webhook would inject, on ports of its own.

use std::fs;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::admission::{self, Admitted};
use crate::discovery::{self, Whereabouts};
use crate::enclosure::{Enclosure, Limits};
use crate::places::{Places, Tools};
use crate::programs::{self, Programs};
use crate::prometheus::{self, Sample, Scraping};
use crate::spark::Job;
use crate::{http, ports};

const START: Duration = Duration::from_mins(1);
const SPARK: &str = "Spark";
const PROMETHEUS: &str = "Prometheus";
const SIDECARS: [&str; 2] = ["driver sidecar", "executor sidecar"];

/// One trial at a time: in a pod a sidecar sees one Spark, and here it sees all of the machine's.
static ONE_AT_A_TIME: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

/// What a cluster's owner has set, beside the ports.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setup<'a> {
    /// More of `sparkConfs` in the webhook's configuration.
    pub spark_confs: &'a [(&'a str, &'a str)],
    /// `sidecar` in that configuration, as YAML in braces.
    pub sidecar: &'a str,
    /// Labels of both pods.
    pub labels: &'a [(&'a str, &'a str)],
}

/// What a Prometheus scrapes beside the sidecars.
#[derive(Debug, Default)]
pub struct Others {
    /// Targets for the shipped scrape jobs.
    pub targets: Vec<Value>,
    /// Whole scrape jobs.
    pub jobs: Vec<Value>,
    /// The label `cluster` of the sidecars and of `targets`, as remote write would add it.
    pub cluster: Option<&'static str>,
}

/// What is submitted.
#[derive(Debug)]
pub struct Submission<'a> {
    /// Where it runs.
    pub master: &'a str,
    /// The job's own settings, as its author gives them.
    pub settings: &'a [String],
    /// A file in `tests/jobs`.
    pub program: &'a str,
    /// The program's arguments.
    pub arguments: &'a [String],
    /// What its cgroup may use.
    pub limits: Limits,
}

/// Everything of one trial; what it started ends with it.
#[derive(Debug)]
pub struct Trial {
    places: Places,
    tools: Tools,
    /// The driver's pod and an executor's, patched.
    pods: [Admitted; 2],
    /// As the job's author would set it to have the UI there.
    ui_port: u16,
    programs: Programs,
    folder: TempDir,
    /// In a cgroup of its own; kept until the end.
    enclosure: Option<Enclosure>,
    /// Given back after all else has ended.
    _alone: OwnedMutexGuard<()>,
}

impl Trial {
    /// Sidecars beside a Spark that is still to come.
    pub async fn start() -> Result<Self> {
        Self::start_with(Setup::default()).await
    }

    /// The same, set up otherwise than by default.
    pub async fn start_with(setup: Setup<'_>) -> Result<Self> {
        let alone = Arc::clone(&ONE_AT_A_TIME).lock_owned().await;
        let mut places = Places { programs: programs::build()?, ..Places::find()? };
        let folder = tempfile::tempdir()?;
        places.run = folder.path().to_owned();
        places.logs = folder.path().join("logs");
        fs::create_dir_all(&places.logs)?;
        let tools = places.tools("3.5.6", None)?;
        let ports = Ports::any()?;
        let (pods, ui_port) = (ports.pods(&places, setup)?, ports.ui);
        let programs = Programs::new(&places.run);
        let mut trial =
            Self { places, tools, pods, ui_port, programs, folder, enclosure: None, _alone: alone };
        trial.start_sidecars().await?;
        Ok(trial)
    }

    async fn start_sidecars(&mut self) -> Result<()> {
        for (name, pod) in SIDECARS.into_iter().zip(&self.pods) {
            let mut command = tokio::process::Command::new(&self.tools.sidecar);
            command.args(pod.sidecar_arguments()?);
            self.programs.start(name, command)?;
            let port = pod.sidecar_port("port")?;
            let healthy = async || http::get(port, "/healthz").await?.ok().map(drop);
            self.programs.until(name, START, healthy).await?;
        }
        Ok(())
    }

    /// A Prometheus that scrapes both sidecars as it is shipped, at that interval; its port.
    pub async fn scrape(&mut self, interval: &str) -> Result<u16> {
        self.scrape_with(interval, Others::default()).await
    }

    /// The same, with other things to scrape at that interval.
    pub async fn scrape_with(&mut self, interval: &str, others: Others) -> Result<u16> {
        self.prometheus(PROMETHEUS, interval, others).await
    }

    /// A second Prometheus that scrapes the same; its port.
    pub async fn scrape_twice(&mut self, interval: &str) -> Result<u16> {
        self.prometheus("second Prometheus", interval, Others::default()).await
    }

    async fn prometheus(
        &mut self,
        name: &'static str,
        interval: &str,
        others: Others,
    ) -> Result<u16> {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder)?;
        let targets = folder.join("targets.json");
        let here = Whereabouts { address: "127.0.0.1", node: "this-machine" };
        let mut found: Vec<_> =
            self.pods.iter().flat_map(|pod| discovery::targets(&pod.pod, here)).collect();
        found.extend(others.targets);
        if let Some(cluster) = others.cluster {
            for target in &mut found {
                target["labels"]["cluster"] = cluster.into();
            }
        }
        fs::write(&targets, serde_json::to_vec(&found)?)?;
        let shipped = self.places.root.join("manifests/monitoring/prometheus/scrape-config.yaml");
        let how = Scraping { interval, remote: None };
        let config = prometheus::scraping(&fs::read_to_string(shipped)?, &targets, how)?;
        let config = prometheus::with_jobs(&config, &others.jobs)?;
        fs::write(folder.join("prometheus.yml"), config)?;
        let port = ports::any()?;
        let command = prometheus::command(&self.tools.prometheus, &folder, port);
        self.programs.start(name, command)?;
        self.programs.until(name, START, async || prometheus::ready(port).await).await?;
        Ok(port)
    }

    /// Submits the job, in a cgroup of its own where the machine allows one.
    pub fn submit(&mut self, what: &Submission<'_>, name: &str) -> Result<()> {
        let enclosure = Enclosure::here(name, what.limits);
        let folder = self.folder.path().join("spark");
        fs::create_dir_all(&folder)?;
        let mut settings = vec!["--conf".to_owned(), format!("spark.ui.port={}", self.ui_port)];
        settings.extend_from_slice(what.settings);
        let job = Job {
            home: &self.tools.spark,
            java: &self.tools.java,
            master: what.master,
            settings: &settings,
            sources: &self.places.root.join("tests/jobs"),
            program: what.program,
            arguments: what.arguments,
            folder: &folder,
            options: self.pods[0].spark_submit_opts()?,
        };
        let command = job.command(&enclosure)?;
        self.enclosure = Some(enclosure);
        self.programs.start(SPARK, command)
    }

    /// The driver's pod and an executor's, patched.
    #[must_use]
    pub fn pods(&self) -> &[Admitted; 2] {
        &self.pods
    }

    /// The programs of this trial, to start others beside them.
    pub fn programs(&mut self) -> &mut Programs {
        &mut self.programs
    }

    /// What was built and installed.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// The repository.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.places.root
    }

    /// Why the job has no cgroup of its own, if it has none.
    #[must_use]
    pub fn not_enclosed(&self) -> Option<&str> {
        self.enclosure.as_ref().and_then(Enclosure::missing)
    }

    /// A folder for what the job reads and writes.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until Spark has ended; what it printed.
    pub async fn spark_ends(&mut self, patience: Duration) -> Result<String> {
        Ok(self.spark_exits(patience).await?.1)
    }

    /// The same, and the exit status of its JVM.
    pub async fn spark_exits(&mut self, patience: Duration) -> Result<(ExitStatus, String)> {
        let status = self.programs.ends(SPARK, patience).await?;
        let log = fs::read(self.programs.log(SPARK)).unwrap_or_default();
        Ok((status, String::from_utf8_lossy(&log).into_owned()))
    }

    /// Tells the sidecars that Spark has ended, as the kubelet does, and waits until they have too.
    /// All of them have to end with 0.
    pub async fn sidecars_end(&mut self, patience: Duration) -> Result<()> {
        // What a kubelet takes to notice.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for end in self.programs.stop(&SIDECARS, patience).await {
            let code = end.status.and_then(|status| status.code());
            if code != Some(0) {
                bail!("the {} ended with {code:?}, not with 0", end.name);
            }
        }
        // Prometheus takes a moment to store what it has read last.
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(())
    }

    /// A log for the message of a test that failed.
    #[must_use]
    pub fn log_of_driver_sidecar(&self) -> String {
        fs::read_to_string(self.programs.log(SIDECARS[0])).unwrap_or_default()
    }
}

/// The newest value of each series of the last ten minutes, ended or not.
pub async fn last(port: u16, selector: &str) -> Result<Vec<Sample>> {
    prometheus::query(port, &format!("last_over_time({selector}[10m])")).await
}

/// The sum of those.
pub async fn total(port: u16, selector: &str) -> Result<f64> {
    Ok(last(port, selector).await?.iter().map(|sample| sample.value).sum())
}

/// Where one Spark and its sidecars listen: executors run on this machine too, so the driver and they
/// cannot have the same ports, as they have in pods.
#[derive(Debug)]
struct Ports {
    ui: u16,
    push: [u16; 2],
    serve: [u16; 2],
}

impl Ports {
    fn any() -> Result<Self> {
        let two = || -> Result<[u16; 2]> { Ok([ports::any()?, ports::any()?]) };
        Ok(Self { ui: ports::any()?, push: two()?, serve: two()? })
    }

    fn configuration(&self, setup: Setup<'_>) -> String {
        let sink =
            |role, port| format!("  spark.metrics.conf.{role}.sink.emberscope.port: \"{port}\"\n");
        let more = setup.spark_confs.iter().map(|(key, value)| format!("  {key}: \"{value}\"\n"));
        let text = [sink("driver", self.push[0]), sink("executor", self.push[1])];
        let confs: String = text.into_iter().chain(more).collect();
        let sidecar = if setup.sidecar.is_empty() { "{}" } else { setup.sidecar };
        format!("sparkConfs:\n{confs}sidecar: {sidecar}\n")
    }

    /// The driver's pod and an executor's as captured, with their sidecars.
    fn pods(&self, places: &Places, setup: Setup<'_>) -> Result<[Admitted; 2]> {
        let pod = |role: &str, port: u16| {
            let name = format!("tests/golden/admission/spark-3.5.6-{role}/review.json");
            let port = port.to_string();
            let annotations = [("emberscope.dev/port", port.as_str())];
            let mut review = admission::review(&places.root.join(&name), &annotations)?;
            for (key, value) in setup.labels {
                review["request"]["object"]["metadata"]["labels"][*key] = (*value).into();
            }
            let containers = &mut review["request"]["object"]["spec"]["containers"];
            for port in containers[0]["ports"].as_array_mut().into_iter().flatten() {
                if port["name"] == "spark-ui" {
                    port["containerPort"] = self.ui.into();
                }
            }
            admission::decide(&review, &self.configuration(setup))
                .with_context(|| format!("the webhook did not patch {name}"))
        };
        Ok([pod("driver", self.serve[0])?, pod("executor", self.serve[1])?])
    }
}
