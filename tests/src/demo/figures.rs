//! The figures' way: Prometheus servers that collect them, the wait for them, the table.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::clock::more;
use super::steps::{START, Steps, Webhook};
use super::{RECEIVING, SCRAPING, SPARK};
use crate::admission::Admitted;
use crate::discovery::{self, Whereabouts};
use crate::programs::Programs;
use crate::prometheus::Scraping;
use crate::series::{self, Found};
use crate::{ports, prometheus};

/// How much longer than asked to wait for a series, on a slow machine.
const GRACE: Duration = Duration::from_secs(45);

/// The two Prometheus servers, once they serve.
pub(super) struct Servers {
    pub(super) scraping: u16,
    pub(super) receiving: u16,
}

impl Steps<'_> {
    /// Starts both Prometheus servers; the pods and the webhook are their targets.
    pub(super) async fn collect(
        &self,
        programs: &mut Programs,
        webhook: &Webhook,
        pods: [&Value; 2],
    ) -> Result<Servers> {
        let receiving = ports::near(9091)?;
        let scraping = ports::near(9090)?;
        let folder = self.places.run.join("prometheus");
        let targets = folder.join("scraping/targets.json");
        let shipped = self.places.root.join("manifests/monitoring/prometheus/scrape-config.yaml");
        let shipped = fs::read_to_string(&shipped)
            .with_context(|| format!("{} could not be read", shipped.display()))?;
        let how = Scraping { interval: "5s", remote: Some(receiving) };
        for (name, config) in [
            ("receiving", prometheus::RECEIVING.to_owned()),
            ("scraping", prometheus::scraping(&shipped, &targets, how)?),
        ] {
            fs::create_dir_all(folder.join(name))?;
            fs::write(folder.join(name).join("prometheus.yml"), config)?;
        }
        fs::write(&targets, serde_json::to_vec_pretty(&self.targets(webhook, pods)?)?)?;
        for (program_name, name, port) in
            [(RECEIVING, "receiving", receiving), (SCRAPING, "scraping", scraping)]
        {
            let command = prometheus::command(&self.tools.prometheus, &folder.join(name), port);
            programs.start(program_name, command)?;
            programs.until(program_name, START, async || prometheus::ready(port).await).await?;
        }
        self.clock.say(&format!(
            "Prometheus on {scraping} scrapes as manifests/monitoring says, and remote-writes to {receiving}"
        ));
        Ok(Servers { scraping, receiving })
    }

    /// What a cluster's discovery would find: the two pods, and the webhook's.
    fn targets(&self, webhook: &Webhook, pods: [&Value; 2]) -> Result<Vec<Value>> {
        let here = Whereabouts { address: "127.0.0.1", node: "this-machine" };
        let mut found: Vec<Value> =
            pods.iter().flat_map(|pod| discovery::targets(pod, here)).collect();
        let deployment =
            fs::read_to_string(self.places.root.join("manifests/base/deployment.yaml"))
                .context("manifests/base/deployment.yaml could not be read")?;
        let pod = discovery::webhook(&deployment, webhook.ops_port)?;
        found.extend(discovery::targets(&pod, here));
        Ok(found)
    }

    /// Lets the job run for as long as asked, and a little longer if something is missing.
    pub(super) async fn wait_for_series(
        &self,
        programs: &mut Programs,
        port: u16,
        start: Instant,
    ) -> Result<Vec<Found>> {
        let asked = start + Duration::from_secs(self.args.seconds);
        let latest = asked.max(Instant::now()) + GRACE;
        let mut told = Instant::now();
        loop {
            programs.check_all()?;
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                let rounds = rounds(&programs.log(SPARK));
                more(&format!("{rounds} rounds of the job are done"));
            }
            if Instant::now() >= asked {
                let found = series::look_up(port).await?;
                if self.complaints(&found).is_empty() || Instant::now() >= latest {
                    return Ok(found);
                }
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Prints the table and the URLs; fails with a sentence for each series that is missing.
    pub(super) fn show(&self, found: &[Found], servers: &Servers, driver: &Admitted) -> Result<()> {
        let Servers { scraping, receiving } = servers;
        let metrics = driver.sidecar_port("port")?;
        let ui = driver.sidecar_port("spark-ui-port")?;
        let there = found.iter().filter(|one| !one.samples.is_empty()).count();
        println!("\n{there} series, read from the Prometheus that was remote-written to:\n");
        println!("{}", series::table(found));
        println!("  remote-written Prometheus  http://127.0.0.1:{receiving}/graph");
        println!("  scraping Prometheus        http://127.0.0.1:{scraping}/targets");
        println!("  the driver's sidecar       http://127.0.0.1:{metrics}/metrics");
        println!("  Spark's own page           http://127.0.0.1:{ui}/\n");
        let complaints = self.complaints(found);
        if !complaints.is_empty() {
            bail!(
                "{}; look at http://127.0.0.1:{scraping}/targets with KEEP=1, and at the logs in {}",
                complaints.join("; "),
                self.places.logs.display()
            );
        }
        Ok(())
    }

    fn complaints(&self, found: &[Found]) -> Vec<String> {
        let in_cgroup = self.enclosure.missing().is_none();
        found.iter().filter_map(|one| one.complaint(in_cgroup)).collect()
    }
}

/// How many rounds the job's log tells of.
pub(super) fn rounds(log: &Path) -> usize {
    let text = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter(|line| line.starts_with("round ")).count()
}
