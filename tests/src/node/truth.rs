//! Whether Prometheus has what Spark's event log has: a real Prometheus on the node, with the scrape
//! configuration that is shipped. Debian's is built without discovery by Kubernetes, so that it is told
//! of pods by a file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use tokio::time::sleep;

use crate::discovery::{self, Whereabouts};
use crate::places::{Places, on_path};
use crate::ports;
use crate::programs::Programs;
use crate::prometheus::{self, Scraping};

const PROMETHEUS: &str = "Prometheus";

/// What Prometheus may take to store what it has read last.
const STORED: Duration = Duration::from_secs(2);

/// A Prometheus that runs until it is dropped.
#[derive(Debug)]
pub struct Monitoring {
    _programs: Programs,
    port: u16,
    /// The file that tells it of pods.
    targets: PathBuf,
}

impl Monitoring {
    /// Starts it inside the node, with discovery by the node's API server.
    pub async fn start(places: &Places) -> Result<Self> {
        let folder = places.root.join(".cache/node-test");
        let data = folder.join("prometheus");
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(&data)?;
        fs::create_dir_all(folder.join("logs"))?;
        let shipped = places.root.join("manifests/monitoring/prometheus/scrape-config.yaml");
        let targets = data.join("targets.json");
        fs::write(&targets, "[]")?;
        // As often as it is shipped.
        let how = Scraping { interval: "15s", remote: None };
        let config = prometheus::scraping(&fs::read_to_string(shipped)?, &targets, how)?;
        fs::write(data.join("prometheus.yml"), config)?;
        let port = ports::any()?;
        let mut programs = Programs::new(&folder);
        programs.start(PROMETHEUS, prometheus::command(&on_path("prometheus")?, &data, port))?;
        programs
            .until(PROMETHEUS, Duration::from_mins(1), async || prometheus::ready(port).await)
            .await?;
        Ok(Self { _programs: programs, port, targets })
    }

    /// Tells it of the pods as they are now.
    pub fn discover(&self, pods: &[Pod]) -> Result<()> {
        let mut found = Vec::new();
        for pod in pods {
            let status = pod.status.as_ref();
            let over = status.and_then(|status| status.phase.as_deref());
            let address = status.and_then(|status| status.pod_ip.as_deref());
            if let Some(address) = address.filter(|_| !matches!(over, Some("Succeeded" | "Failed")))
            {
                let at = Whereabouts { address, node: "node" };
                found.extend(discovery::targets(&serde_json::to_value(pod)?, at));
            }
        }
        let text = serde_json::to_string(&found)?;
        if fs::read_to_string(&self.targets)? != text {
            // It reads the file when it changes, and never a half of it.
            let new = self.targets.with_extension("new");
            fs::write(&new, text)?;
            fs::rename(new, &self.targets)?;
        }
        Ok(())
    }

    /// What it has of these pods that is not so: totals of the event log, and how containers ended
    /// (`spark-role`, and the evidence that is expected of one of that role).
    pub async fn complaints(
        &self,
        pods: &[&str],
        events: &EventLog,
        evidence: &BTreeMap<String, String>,
    ) -> Result<Vec<String>> {
        sleep(STORED).await;
        let pods = pods.join("|");
        let mut found = Vec::new();
        for (name, truth) in events.totals()? {
            let query = format!("sum(last_over_time({name}{{pod=~\"{pods}\"}}[15m]))");
            let served =
                prometheus::query(self.port, &query).await?.first().map(|sample| sample.value);
            if served != Some(truth) {
                found.push(format!("{name} is {served:?}, and the event log has {truth}"));
            }
        }
        let query = format!("last_over_time(spark_container_last_state{{pod=~\"{pods}\"}}[15m])");
        let ended: Vec<(String, String)> = prometheus::query(self.port, &query)
            .await?
            .into_iter()
            .filter_map(|mut sample| {
                Some((sample.labels.remove("spark_role")?, sample.labels.remove("evidence")?))
            })
            .collect();
        for (role, evidence) in evidence {
            if !ended.iter().any(|(of, known)| of == role && known == evidence) {
                found.push(format!("no {role} ended with {evidence}, but {ended:?}"));
            }
        }
        Ok(found)
    }
}

/// The event log of one job: a folder that its driver writes to.
#[derive(Debug)]
pub struct EventLog {
    folder: PathBuf,
}

impl EventLog {
    /// An empty folder that every user may write to.
    pub fn begin(folder: PathBuf) -> Result<Self> {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
        Ok(Self { folder })
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names of metrics and their true totals (`org.apache.spark.util.JsonProtocol`); none if the job
    /// never came so far.
    fn totals(&self) -> Result<Vec<(&'static str, f64)>> {
        let (mut jobs, mut stages, mut tasks) = (0.0, 0.0, 0.0);
        let Some(file) = fs::read_dir(&self.folder)?.next() else {
            return Ok(Vec::new());
        };
        for line in fs::read_to_string(file?.path())?.lines() {
            // The last line of a driver that was killed may be half a line.
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            match event["Event"].as_str() {
                Some("SparkListenerJobEnd") => {
                    jobs += f64::from(event["Job Result"]["Result"] == "JobSucceeded");
                }
                Some("SparkListenerStageCompleted") => {
                    stages += f64::from(event["Stage Info"]["Failure Reason"].is_null());
                }
                Some("SparkListenerTaskEnd") => {
                    tasks += f64::from(event["Task End Reason"]["Reason"] == "Success");
                }
                _ => {}
            }
        }
        Ok(vec![
            ("spark_driver_app_status_succeeded_jobs_total", jobs),
            ("spark_driver_app_status_completed_stages_total", stages),
            ("spark_driver_app_status_completed_tasks_total", tasks),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_not_counted_and_half_a_line_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::begin(folder.path().join("events")).unwrap();
        assert!(log.totals().unwrap().is_empty());
        let lines = [
            r#"{"Event":"SparkListenerTaskEnd","Task End Reason":{"Reason":"Success"}}"#,
            r#"{"Event":"SparkListenerTaskEnd","Task End Reason":{"Reason":"ExceptionFailure"}}"#,
            r#"{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":0}}"#,
            r#"{"Event":"SparkListenerJobEnd","Job Result":{"Result":"JobFailed"}}"#,
            r#"{"Event":"SparkListenerTask"#,
        ];
        fs::write(log.folder().join("app"), lines.join("\n")).unwrap();
        let totals: Vec<f64> = log.totals().unwrap().into_iter().map(|(_, total)| total).collect();
        assert_eq!(totals, [0.0, 1.0, 1.0]);
    }
}
