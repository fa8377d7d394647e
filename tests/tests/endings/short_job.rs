//! A job that begins and ends between two scrapes: each Prometheus has its true totals.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use emberscope_tests::enclosure::Limits;
use emberscope_tests::spark::TWO_EXECUTORS;
use serde_json::Value;

use emberscope_tests::http;
use emberscope_tests::trial::{Setup, Submission, Trial, total};

/// What a cluster's Prometheus is often set to, and longer than the job.
#[tokio::test(flavor = "multi_thread")]
async fn its_totals_are_those_of_its_event_log() -> Result<()> {
    assert_totals_with_replicas_that_scrape_every("15s").await
}

/// Replicas that come several times, each in moments of its own.
#[tokio::test(flavor = "multi_thread")]
async fn its_totals_are_true_for_replicas_that_came_regularly() -> Result<()> {
    assert_totals_with_replicas_that_scrape_every("1s").await?;
    assert_totals_with_replicas_that_scrape_every("5s").await
}

async fn assert_totals_with_replicas_that_scrape_every(interval: &str) -> Result<()> {
    let setup = Setup { sidecar: "{scrapers: 2}", ..Setup::default() };
    let mut trial = Trial::start_with(setup).await?;
    // Replicas, behind one address and with one `User-Agent`.
    let replicas = [trial.scrape(interval).await?, trial.scrape_twice(interval).await?];
    let events = trial.folder().join("events");
    fs::create_dir(&events)?;
    let settings = [
        "spark.eventLog.enabled=true".to_owned(),
        format!("spark.eventLog.dir=file:{}", events.display()),
    ];
    let settings: Vec<String> =
        settings.into_iter().flat_map(|setting| ["--conf".to_owned(), setting]).collect();
    let submission = Submission {
        master: TWO_EXECUTORS,
        settings: &settings,
        program: "short.py",
        arguments: &[trial.folder().join("rows").display().to_string()],
        limits: Limits::of_cores(2),
    };
    trial.submit(&submission, "emberscope-short")?;
    let log = trial.spark_ends(Duration::from_mins(3)).await?;
    let truth = Truth::read(&events).with_context(|| log)?;
    // Somebody looks in between, which takes the last values from nobody.
    for pod in trial.pods() {
        http::get(pod.sidecar_port("port")?, "/metrics").await?.ok()?;
    }
    trial.sidecars_end(Duration::from_mins(1)).await?;

    let mut wrong = Vec::new();
    for (replica, port) in replicas.into_iter().enumerate() {
        for (selector, true_total) in truth.by_series() {
            let served = total(port, selector).await?;
            // Every figure is a whole number, and so is its sum.
            if (served - true_total).abs() > 0.5 || true_total == 0.0 {
                wrong.push(format!("{selector} of {replica} is {served} and not {true_total}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), trial.log_of_driver_sidecar());
    Ok(())
}

/// What became of the job, as Spark's event log has it.
#[derive(Debug, Default)]
struct Truth {
    jobs: f64,
    stages: f64,
    tasks: f64,
    bytes_read: f64,
    records_read: f64,
    bytes_written: f64,
    records_written: f64,
    shuffle_bytes_written: f64,
    shuffle_records_written: f64,
    shuffle_records_read: f64,
}

impl Truth {
    fn by_series(&self) -> [(&'static str, f64); 14] {
        [
            ("spark_driver_dag_scheduler_jobs_total", self.jobs),
            ("spark_driver_app_status_succeeded_jobs_total", self.jobs),
            ("spark_driver_app_status_completed_stages_total", self.stages),
            ("spark_driver_app_status_completed_tasks_total", self.tasks),
            ("spark_executor_succeeded_tasks_total", self.tasks),
            ("spark_executor_threadpool_completed_tasks_total", self.tasks),
            ("spark_executor_input_bytes_total", self.bytes_read),
            ("spark_executor_input_records_total", self.records_read),
            ("spark_executor_output_bytes_total", self.bytes_written),
            ("spark_executor_output_records_total", self.records_written),
            ("spark_executor_shuffle_write_bytes_total", self.shuffle_bytes_written),
            ("spark_executor_shuffle_write_records_total", self.shuffle_records_written),
            ("spark_executor_shuffle_read_records_total", self.shuffle_records_read),
            // Over all stages, those too that nobody saw.
            ("spark_stage_tasks_total{state=\"completed\"}", self.tasks),
        ]
    }

    /// Reads the one event log in the folder (`org.apache.spark.util.JsonProtocol`).
    fn read(folder: &Path) -> Result<Self> {
        let entry = fs::read_dir(folder)?.next().context("there is no event log")??;
        let mut truth = Self::default();
        for line in fs::read_to_string(entry.path())?.lines() {
            truth.add(&serde_json::from_str(line)?);
        }
        Ok(truth)
    }

    fn add(&mut self, event: &Value) {
        match event["Event"].as_str() {
            Some("SparkListenerJobEnd") => {
                self.jobs += f64::from(event["Job Result"]["Result"] == "JobSucceeded");
            }
            Some("SparkListenerStageCompleted") => {
                self.stages += f64::from(event["Stage Info"]["Failure Reason"].is_null());
            }
            Some("SparkListenerTaskEnd") if event["Task End Reason"]["Reason"] == "Success" => {
                let metrics = &event["Task Metrics"];
                let figure = |path: [&str; 2]| metrics[path[0]][path[1]].as_f64().unwrap_or(0.0);
                self.tasks += 1.0;
                self.bytes_read += figure(["Input Metrics", "Bytes Read"]);
                self.records_read += figure(["Input Metrics", "Records Read"]);
                self.bytes_written += figure(["Output Metrics", "Bytes Written"]);
                self.records_written += figure(["Output Metrics", "Records Written"]);
                self.shuffle_bytes_written +=
                    figure(["Shuffle Write Metrics", "Shuffle Bytes Written"]);
                self.shuffle_records_written +=
                    figure(["Shuffle Write Metrics", "Shuffle Records Written"]);
                self.shuffle_records_read += figure(["Shuffle Read Metrics", "Total Records Read"]);
            }
            _ => {}
        }
    }
}
