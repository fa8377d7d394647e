//! One real Spark run with everything around it, and every query on what Prometheus has of it.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use emberscope_tests::dashboards::Dashboard;
use emberscope_tests::enclosure::Limits;
use emberscope_tests::prometheus;
use emberscope_tests::spark::TWO_EXECUTORS;
use emberscope_tests::trial::{Setup, Submission, Trial};

use crate::grafana::Values;
use crate::surroundings::{Webhook, surroundings};
use crate::without_data::{Entry, entries};
use crate::{made, stock};

/// How long the job may take until all that it has is in Prometheus.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long Prometheus may take to store what it has scraped.
const STORED: Duration = Duration::from_secs(20);
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
    let mut trial = Trial::start_with(setup).await.unwrap();
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
