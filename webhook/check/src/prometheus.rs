//! The last link: whether a Prometheus scrapes the sidecars, keeps what they say, and writes it on.

mod page;
pub(super) mod shipped;

use emberscope_core::contract::SIDECAR;
use kube::Client;
use serde_json::Value;

use crate::finding::{Finding, PROMETHEUS, REMOTE_WRITE, RULES, SAMPLES, TARGETS};
use crate::server::plural;
use emberscope_ask::prometheus::query;
use emberscope_ask::{self as ask, Refusal};
use page::{behind, values};

/// Remote write that is further behind, in seconds, is not a hiccup.
const BEHIND: f64 = 120.0;

/// What tells pods with a sidecar among targets, before relabelling.
const INJECTED: &str = "__meta_kubernetes_pod_annotation_emberscope_dev_injected";

/// What a Prometheus says that only scrapes and writes on.
const AGENT: &str = "Prometheus Agent";

/// Series of sidecars with samples in the last five minutes.
const ARRIVED: &str =
    "count(count_over_time(emberscope_build_info{role=~\"driver|executor\"}[5m]))";

/// Samples that remote write gave up lately; nothing where the server does not scrape itself.
const LOST: &str = "sum(increase(prometheus_remote_storage_samples_failed_total[15m]))";

/// Where the manifests for Prometheus are.
const MANIFESTS: &str = "manifests/monitoring/prometheus has scrape configurations; docs/check.md";

/// What a Prometheus said.
#[derive(Debug)]
pub(super) struct Seen {
    /// `vector(1)`: whether it answers queries at all.
    alive: Result<Value, Refusal>,
    targets: Result<Value, Refusal>,
    arrived: Result<Value, Refusal>,
    lost: Result<Value, Refusal>,
    rules: Result<Value, Refusal>,
    /// Its own figures.
    page: Result<String, Refusal>,
}

impl Seen {
    /// Asks for all of it.
    pub(super) async fn fetch(client: &Client) -> Self {
        let alive = query(client, "vector(1)").await;
        if let Err(refusal) = &alive
            && !is_agent(refusal)
        {
            let same = || Err(refusal.clone());
            return Self {
                targets: same(),
                arrived: same(),
                lost: same(),
                rules: same(),
                page: Err(refusal.clone()),
                alive,
            };
        }
        Self {
            alive,
            targets: ask::value(client, "/api/v1/targets?state=active", "read targets").await,
            arrived: query(client, ARRIVED).await,
            lost: query(client, LOST).await,
            rules: ask::value(client, "/api/v1/rules", "read rules").await,
            page: ask::text(client, "/metrics", "read /metrics").await,
        }
    }

    /// All findings of the link; `running`: how many pods with a sidecar run, as far as is known.
    pub(super) fn judge(&self, url: &str, running: usize) -> Vec<Finding> {
        let agent = match &self.alive {
            Ok(_) => false,
            Err(refusal) if is_agent(refusal) => true,
            Err(refusal) => return vec![unanswered(url, refusal)],
        };
        if agent {
            let not_here = "not asked: an agent keeps no figures and has no rules";
            return vec![
                PROMETHEUS.pass(format!("{url} is a Prometheus in agent mode")),
                self.targets(running),
                SAMPLES.skip(not_here),
                self.remote_write(),
                RULES.skip(not_here),
            ];
        }
        vec![
            PROMETHEUS.pass(format!("{url} answers queries")),
            self.targets(running),
            self.samples(running),
            self.remote_write(),
            self.rules(),
        ]
    }

    fn targets(&self, running: usize) -> Finding {
        let targets = match &self.targets {
            Ok(targets) => targets["data"]["activeTargets"].as_array().into_iter().flatten(),
            // Stores behind remote write answer queries alone.
            Err(refusal) => {
                return TARGETS.skip(format!("it does not tell its targets: {refusal}"));
            }
        };
        let sparks: Vec<&Value> = targets.filter(|target| is_a_sidecars(target)).collect();
        let down: Vec<&&Value> =
            sparks.iter().filter(|target| target["health"] == "down").collect();
        let (all, noun) = (sparks.len(), plural(sparks.len(), "target"));
        if all == 0 && running == 0 {
            return TARGETS.skip("none of its targets is a sidecar, and none runs");
        }
        if all == 0 {
            return TARGETS.fail(
                format!(
                    "none of its targets is a sidecar, though {running} {}",
                    if running == 1 { "runs" } else { "run" }
                ),
                MANIFESTS,
            );
        }
        let Some(first) = down.first() else {
            return TARGETS.pass(match all {
                1 => "its target that is a sidecar is not down".to_owned(),
                _ => format!("none of its {all} targets that are sidecars is down"),
            });
        };
        let text = |key: &str| first[key].as_str().unwrap_or_default();
        let what = format!(
            "{} of {all} {noun} down: {}: {}",
            down.len(),
            text("scrapeUrl"),
            text("lastError")
        );
        let remedy = "a NetworkPolicy between them? Spark 4.2 and newer close executors to all but their driver";
        if down.len() == all { TARGETS.fail(what, remedy) } else { TARGETS.warn(what, remedy) }
    }

    fn samples(&self, running: usize) -> Finding {
        let arrived = match &self.arrived {
            Ok(answer) => number(answer).unwrap_or_default(),
            Err(refusal) => return SAMPLES.refused("what arrived", refusal),
        };
        if arrived >= 1.0 {
            let noun = if arrived < 2.0 { "sidecar" } else { "sidecars" };
            return SAMPLES
                .pass(format!("figures of {arrived} {noun} arrived in the last five minutes"));
        }
        if running == 0 {
            return SAMPLES.skip("no figures of sidecars in the last five minutes, and none runs");
        }
        SAMPLES.fail("no figures of sidecars arrived in the last five minutes", MANIFESTS)
    }

    fn remote_write(&self) -> Finding {
        let page = match &self.page {
            Ok(page) => page,
            Err(refusal) => {
                return REMOTE_WRITE.skip(format!("it does not tell its own figures: {refusal}"));
            }
        };
        let logs = "its log names the reason: kubectl logs of the Prometheus pod, lines with component=remote";
        let sum = |family| values(page, family).sum::<f64>();
        let mut queues = values(page, "prometheus_remote_storage_samples_retried_total");
        if queues.next().is_none() {
            return REMOTE_WRITE.skip("it writes to no other store");
        }
        // A queue has this figure from the first samples on that it got rid of.
        let sent = values(page, "prometheus_remote_storage_queue_highest_sent_timestamp_seconds");
        let sent = sent.reduce(f64::min).unwrap_or_default();
        if sent == 0.0 {
            let retried = sum("prometheus_remote_storage_samples_retried_total");
            let failed = sum("prometheus_remote_storage_samples_failed_total");
            return if retried + failed > 0.0 {
                REMOTE_WRITE.fail(
                    format!(
                        "nothing was sent yet: {retried} samples tried again, {failed} given up"
                    ),
                    logs,
                )
            } else {
                REMOTE_WRITE.warn(
                    "nothing was sent yet, nor did it fail",
                    "look again in a minute: --wait 60",
                )
            };
        }
        let behind = behind(page);
        if behind > BEHIND {
            return REMOTE_WRITE.fail(format!("remote write is {behind:.0} s behind"), logs);
        }
        // Where the server does not scrape itself, what it gave up since it started.
        let (lost, since) = match self.lost.as_ref().ok().and_then(number) {
            Some(lost) => (lost, "in the last 15 minutes"),
            None => (sum("prometheus_remote_storage_samples_failed_total"), "since it started"),
        };
        if lost > 0.0 {
            return REMOTE_WRITE
                .warn(format!("remote write gave up {lost:.0} samples {since}"), logs);
        }
        REMOTE_WRITE.pass(format!("remote write keeps up and gave up nothing {since}"))
    }

    fn rules(&self) -> Finding {
        let groups = match &self.rules {
            Ok(rules) => rules["data"]["groups"].as_array().into_iter().flatten(),
            Err(refusal) => return RULES.skip(format!("it does not tell its rules: {refusal}")),
        };
        let rules = groups.filter_map(|group| group["rules"].as_array()).flatten();
        let ours = |rule: &&Value| {
            let query = rule["query"].as_str().unwrap_or_default();
            ["spark_", "emberscope_"].iter().any(|prefix| query.contains(prefix))
        };
        let ours: Vec<&Value> = rules.filter(ours).collect();
        if ours.is_empty() {
            return RULES.warn(
                "no rule over Emberscope's metrics is loaded",
                "manifests/monitoring has them",
            );
        }
        match ours.iter().find(|rule| rule["health"] == "err") {
            Some(rule) => RULES.fail(
                format!("rule {} fails: {}", rule["name"], rule["lastError"]),
                "promtool check rules FILE",
            ),
            None => RULES.pass(match ours.len() {
                1 => "1 rule over Emberscope's metrics is loaded".to_owned(),
                count => format!("{count} rules over Emberscope's metrics are loaded"),
            }),
        }
    }
}

/// Whether a target is a sidecar's page: other ports of Spark's pods are others' business.
fn is_a_sidecars(target: &Value) -> bool {
    let found = &target["discoveredLabels"];
    let url = target["scrapeUrl"].as_str().and_then(|url| url.parse::<hyper::Uri>().ok());
    let port = url.and_then(|url| url.port_u16()).map(|port| port.to_string());
    let of_annotations = found["__meta_kubernetes_pod_annotation_prometheus_io_port"].as_str();
    found[INJECTED].is_string()
        && (found["__meta_kubernetes_pod_container_name"] == SIDECAR
            || port.is_some() && port.as_deref() == of_annotations)
}

fn is_agent(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Answered { message, .. } if message.contains(AGENT))
}

/// What an answer means, and what helps.
fn unanswered(url: &str, refusal: &Refusal) -> Finding {
    let (what, remedy) = match refusal {
        Refusal::Missing => (
            "HTTP status 404".to_owned(),
            "is there a path before /api/v1/query? it belongs to the URL: --prometheus http://HOST/PATH",
        ),
        Refusal::Answered { code: 401 | 403, .. } => (
            refusal.to_string(),
            "--prometheus-token-file FILE has the bearer token for one that wants it; passwords and signed requests are not for this program: kubectl port-forward leads past a proxy",
        ),
        _ => (
            refusal.to_string(),
            "with `kubectl port-forward -n NAMESPACE svc/NAME 9090`, a Prometheus of the cluster is at http://127.0.0.1:9090",
        ),
    };
    PROMETHEUS.fail(format!("{url} does not answer queries: {what}"), remedy)
}

/// The number that an instant query gave.
fn number(answer: &Value) -> Option<f64> {
    answer.pointer("/data/result/0/value/1")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests;
