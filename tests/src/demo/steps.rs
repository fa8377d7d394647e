//! The steps, in their order.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::clock::{Clock, more};
use super::ending::interruption;
use super::figures::rounds;
use super::{Args, Outcome, SIDECARS, SPARK, WEBHOOK};
use crate::admission::{self, Admitted};
use crate::enclosure::Enclosure;
use crate::places::{Places, Tools};
use crate::programs::Programs;
use crate::spark::{Job, TWO_EXECUTORS};
use crate::{http, ports};

/// How long a server may take to start.
pub(super) const START: Duration = Duration::from_mins(1);

/// How long Spark may take for its first round.
const FIRST_ROUND: Duration = Duration::from_mins(3);

/// Executors run on this machine too, so their sidecar needs another port than the driver's.
const EXECUTOR_PORT: &str = "9816";

/// For the same reason the driver has to push to another port than its executors do.
const CONFIGURATION: &str =
    "sparkConfs: {spark.metrics.conf.driver.sink.emberscope.port: \"9817\"}\n";

/// What each step needs.
pub(super) struct Steps<'a> {
    pub(super) args: &'a Args,
    pub(super) places: &'a Places,
    pub(super) tools: &'a Tools,
    pub(super) enclosure: &'a Enclosure,
    pub(super) clock: Clock,
}

/// The webhook, once it serves.
pub(super) struct Webhook {
    port: u16,
    pub(super) ops_port: u16,
    authority: PathBuf,
}

impl Steps<'_> {
    /// Takes them all.
    pub(super) async fn take(&self, programs: &mut Programs) -> Result<Outcome> {
        let webhook = self.serve(programs).await?;
        let driver = self.admit(&webhook, "driver", &[]).await?;
        let port = [("emberscope.dev/port", EXECUTOR_PORT)];
        let executor = self.admit(&webhook, "executor", &port).await?;
        describe(&driver)?;
        require_ports(&driver, &executor)?;
        let servers = self.collect(programs, &webhook, [&driver.pod, &executor.pod]).await?;
        self.start_sidecars(programs, [&driver, &executor]).await?;
        let start = self.submit(programs, &driver).await?;
        let found = self.wait_for_series(programs, servers.receiving, start).await?;
        self.show(&found, &servers, &driver)?;
        if self.args.keep {
            self.clock.say("all of it goes on until Ctrl-C");
            tokio::select! {
                ended = go_on(programs) => ended?,
                interrupted = interruption() => interrupted?,
            }
        }
        Ok(Outcome::Complete)
    }

    /// Starts `emberscope serve` with a certificate that it makes itself.
    async fn serve(&self, programs: &mut Programs) -> Result<Webhook> {
        let webhook = Webhook {
            port: ports::any()?,
            ops_port: ports::any()?,
            authority: self.places.run.join("ca.pem"),
        };
        let configuration = self.places.run.join("emberscope.yaml");
        fs::write(&configuration, CONFIGURATION)?;
        let mut command = Command::new(&self.tools.webhook);
        command.arg("serve").arg("--config").arg(configuration);
        command.arg("--ca-out").arg(&webhook.authority);
        command.args(["--listen", &format!("127.0.0.1:{}", webhook.port)]);
        command.args(["--ops-listen", &format!("127.0.0.1:{}", webhook.ops_port)]);
        self.clock.say(&format!("emberscope serve on https://localhost:{}/mutate", webhook.port));
        programs.start(WEBHOOK, command)?;
        let ready = async || http::get(webhook.ops_port, "/readyz").await?.ok().map(drop);
        programs.until(WEBHOOK, START, ready).await?;
        Ok(webhook)
    }

    /// Has a captured pod admitted.
    async fn admit(
        &self,
        webhook: &Webhook,
        role: &str,
        annotations: &[(&str, &str)],
    ) -> Result<Admitted> {
        let name = format!("tests/golden/admission/spark-3.5.6-{role}/review.json");
        let review = admission::review(&self.places.root.join(&name), annotations)?;
        let start = Instant::now();
        let admitted = admission::admit(webhook.port, &webhook.authority, &review)
            .await
            .with_context(|| format!("the webhook did not patch {name}"))?;
        let file = self.places.run.join(format!("{role}-pod.json"));
        fs::write(&file, serde_json::to_vec_pretty(&admitted.pod)?)?;
        self.clock.say(&format!(
            "{role} review sent, patch of {} operations applied ({} ms): {}",
            admitted.operations,
            start.elapsed().as_millis(),
            self.short(&file)
        ));
        Ok(admitted)
    }

    /// Starts the sidecars with the arguments that the webhook wrote into the pods.
    async fn start_sidecars(&self, programs: &mut Programs, pods: [&Admitted; 2]) -> Result<()> {
        for (name, pod) in SIDECARS.into_iter().zip(pods) {
            let mut command = Command::new(&self.tools.sidecar);
            command.args(pod.sidecar_arguments()?);
            programs.start(name, command)?;
            let port = pod.sidecar_port("port")?;
            let healthy = async || http::get(port, "/healthz").await?.ok().map(drop);
            programs.until(name, START, healthy).await?;
            self.clock.say(&format!("{name} on http://127.0.0.1:{port}/metrics"));
        }
        Ok(())
    }

    /// Submits the job and waits for its first round; returns when it was submitted.
    async fn submit(&self, programs: &mut Programs, driver: &Admitted) -> Result<Instant> {
        let folder = self.places.run.join("spark");
        fs::create_dir_all(&folder)?;
        let job = Job {
            home: &self.tools.spark,
            java: &self.tools.java,
            master: TWO_EXECUTORS,
            settings: &[],
            sources: &self.places.root.join("tests/jobs"),
            program: "trips.py",
            // Until it is stopped.
            arguments: &[u32::MAX.to_string()],
            folder: &folder,
            options: driver.spark_submit_opts()?,
        };
        programs.start(SPARK, job.command(self.enclosure)?)?;
        let start = Instant::now();
        self.clock.say("spark-submit: two executors, Python functions, shuffles, a cached table");
        match self.enclosure.missing() {
            None => more("in a cgroup of its own, with a CPU quota and a memory limit"),
            Some(why) => more(&format!(
                "with no cgroup of its own, so the container's figures are others' too, or missing: {why}"
            )),
        }
        let log = programs.log(SPARK);
        let started = async || match rounds(&log) {
            0 => bail!("the job has not finished its first round"),
            _ => Ok(()),
        };
        programs.until(SPARK, FIRST_ROUND, started).await?;
        self.clock.say("the job has finished its first round");
        Ok(start)
    }

    fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.places.root).unwrap_or(path).display().to_string()
    }
}

/// What was injected, in two lines.
fn describe(driver: &Admitted) -> Result<()> {
    let settings = driver.spark_submit_opts()?.matches("-D").count();
    more(&format!("SPARK_SUBMIT_OPTS with {settings} settings"));
    let arguments = driver.sidecar_arguments()?.join(" ");
    more(&format!("sidecar: emberscope-sidecar {arguments}"));
    Ok(())
}

/// Returns only if something ends by itself.
async fn go_on(programs: &mut Programs) -> Result<()> {
    loop {
        programs.check_all()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The ports that the patched pods name have to be free: nothing else may tell the sidecars.
fn require_ports(driver: &Admitted, executor: &Admitted) -> Result<()> {
    ports::require(
        driver.sidecar_port("port")?,
        "the patch has the driver's sidecar listen there",
    )?;
    ports::require(
        executor.sidecar_port("port")?,
        "the patch has the executor's sidecar listen there",
    )?;
    ports::require(executor.sidecar_port("push-port")?, "executors push their figures there")?;
    ports::require(driver.sidecar_port("push-port")?, "the driver pushes its figures there")?;
    ports::require(
        driver.sidecar_port("spark-ui-port")?,
        "another Spark's figures would be shown for the demonstration's",
    )
}
