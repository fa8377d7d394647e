//! Two real Prometheus servers: one scrapes with the configuration that is shipped, and writes
//! everything to the other, which stands in for Amazon Managed Prometheus.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::http;

/// How often to scrape, and where to write to.
#[derive(Debug, Clone, Copy)]
pub struct Scraping<'a> {
    /// The interval in Prometheus' words; the shipped one is for clusters.
    pub interval: &'a str,
    /// The port of another Prometheus on this machine, which is written to.
    pub remote: Option<u16>,
}

/// One series with its newest value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// All labels, the name among them as `__name__`.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// The shipped scrape configuration with discovery from a file in the place of the cluster's,
/// another interval, and remote write to another Prometheus on this machine.
pub fn scraping(shipped: &str, targets: &Path, how: Scraping<'_>) -> Result<String> {
    let mut config: Value =
        serde_saphyr::from_str(shipped).context("the shipped scrape configuration is not YAML")?;
    let jobs = config["scrape_configs"].as_array_mut();
    for job in jobs.context("the shipped scrape configuration has no scrape_configs")? {
        let job = job.as_object_mut().context("a scrape job is no mapping")?;
        ensure!(
            job.remove("kubernetes_sd_configs").is_some(),
            "scrape job {} has no kubernetes_sd_configs to put a file in the place of",
            job.get("job_name").unwrap_or(&Value::Null)
        );
        job.insert("file_sd_configs".to_owned(), json!([{"files": [targets]}]));
        job.insert("scrape_interval".to_owned(), json!(how.interval));
        // No more than the interval, which Prometheus insists on.
        let short = how.interval.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
        let timeout = short.map_or(5, |seconds: u32| seconds.min(5));
        job.insert("scrape_timeout".to_owned(), json!(format!("{timeout}s")));
    }
    if let Some(remote) = how.remote {
        config["remote_write"] = json!([{
            "url": format!("http://127.0.0.1:{remote}/api/v1/write"),
            "queue_config": {"batch_send_deadline": "1s"},
        }]);
    }
    Ok(serde_saphyr::to_string(&config)?)
}

/// The configuration with more scrape jobs; as JSON, which is YAML too, and has no doubtful quoting.
pub fn with_jobs(config: &str, more: &[Value]) -> Result<String> {
    let mut config: Value = serde_saphyr::from_str(config)?;
    let jobs = config["scrape_configs"].as_array_mut().context("there are no scrape_configs")?;
    jobs.extend_from_slice(more);
    Ok(serde_json::to_string_pretty(&config)?)
}

/// The configuration of the receiving server: nothing to scrape.
pub const RECEIVING: &str = "# Everything here came by remote write.\nscrape_configs: []\n";

/// The command that runs a server on loopback with data in `folder`, where `prometheus.yml` lies.
#[must_use]
pub fn command(program: &Path, folder: &Path, port: u16) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--web.enable-remote-write-receiver",
        "--storage.remote.flush-deadline=5s",
        &format!("--web.listen-address=127.0.0.1:{port}"),
    ]);
    command
}

/// Whether the server takes requests.
pub async fn ready(port: u16) -> Result<()> {
    http::get(port, "/-/ready").await?.ok().map(drop)
}

/// The instant vector that an expression gives now.
pub async fn query(port: u16, expression: &str) -> Result<Vec<Sample>> {
    let target = format!("/api/v1/query?query={}", percent_encoded(expression));
    let answer = http::get(port, &target).await?.ok().with_context(|| expression.to_owned())?;
    samples(&serde_json::from_slice(&answer)?)
}

/// The numbers that an expression gives at every `step` from `start` to `end` (Unix times), series by
/// series.
pub async fn query_range(
    port: u16,
    expression: &str,
    [start, end]: [f64; 2],
    step: &str,
) -> Result<Vec<Vec<f64>>> {
    let expression = percent_encoded(expression);
    let target =
        format!("/api/v1/query_range?query={expression}&start={start}&end={end}&step={step}");
    let answer: Value = serde_json::from_slice(&http::get(port, &target).await?.ok()?)?;
    let Some(result) = answer["data"]["result"].as_array() else {
        bail!("Prometheus gave no result: {answer}");
    };
    let number = |pair: &Value| pair[1].as_str().and_then(|text| text.parse().ok());
    let numbers =
        |one: &Value| one["values"].as_array().into_iter().flatten().filter_map(number).collect();
    Ok(result.iter().map(numbers).collect())
}

/// The values of a label of the series that a selector matches, from `start` to `end`; what Grafana
/// asks for `label_values`.
pub async fn label_values(
    port: u16,
    selector: &str,
    label: &str,
    [start, end]: [f64; 2],
) -> Result<Vec<String>> {
    let selector = percent_encoded(selector);
    let target =
        format!("/api/v1/label/{label}/values?match%5B%5D={selector}&start={start}&end={end}");
    let answer: Value = serde_json::from_slice(&http::get(port, &target).await?.ok()?)?;
    let values = answer["data"].as_array().with_context(|| format!("no data: {answer}"))?;
    Ok(values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
}

fn samples(answer: &Value) -> Result<Vec<Sample>> {
    let Some(result) = answer["data"]["result"].as_array() else {
        bail!("Prometheus gave no result: {answer}");
    };
    let sample = |one: &Value| {
        let metric = one["metric"].as_object()?;
        let text =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let value = one["value"][1].as_str()?.parse().ok()?;
        Some(Sample { labels: metric.iter().filter_map(text).collect(), value })
    };
    Ok(result.iter().filter_map(sample).collect())
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOW: Scraping<'_> = Scraping { interval: "5s", remote: Some(9) };

    #[test]
    fn only_discovery_interval_and_remote_write_differ_from_what_is_shipped() {
        let shipped = include_str!("../../manifests/monitoring/prometheus/scrape-config.yaml");
        let before: Value = serde_saphyr::from_str(shipped).unwrap();
        let made = scraping(shipped, Path::new("/t.json"), HOW).unwrap();
        let after: Value = serde_saphyr::from_str(&made).unwrap();
        let (before, jobs) = (&before["scrape_configs"], &after["scrape_configs"]);
        assert_eq!(before.as_array().unwrap().len(), jobs.as_array().unwrap().len());
        for (old, new) in before.as_array().unwrap().iter().zip(jobs.as_array().unwrap()) {
            for kept in ["job_name", "relabel_configs", "metric_relabel_configs", "honor_labels"] {
                assert_eq!(old[kept], new[kept]);
            }
            assert!(new["kubernetes_sd_configs"].is_null());
            assert_eq!(new["file_sd_configs"], json!([{"files": ["/t.json"]}]));
        }
    }

    #[test]
    fn a_job_without_the_clusters_discovery_is_an_error() {
        let error = scraping("scrape_configs: [{job_name: a}]", Path::new("t"), HOW).unwrap_err();
        assert!(error.to_string().contains("\"a\" has no kubernetes_sd_configs"), "{error}");
    }

    #[test]
    fn an_instant_vector_is_read() {
        let answer = json!({"data": {"result": [
            {"metric": {"__name__": "a", "x": "1"}, "value": [1.0, "2.5"]},
        ]}});
        let found = samples(&answer).unwrap();
        assert_eq!((found[0].labels["x"].as_str(), found[0].value), ("1", 2.5));
    }
}
