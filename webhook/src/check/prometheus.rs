//! The last link: whether a Prometheus scrapes the sidecars, keeps what they say, and writes it on.

use kube::Client;
use serde_json::Value;

use super::ask::{self, Refusal};
use super::finding::{Finding, PROMETHEUS, REMOTE_WRITE, RULES, SAMPLES, TARGETS};
use super::server::plural;

/// Remote write that is further behind, in seconds, is not a hiccup.
const BEHIND: f64 = 120.0;

/// What tells Spark's pods among targets, before relabelling.
const SPARK_ROLE: &str = "__meta_kubernetes_pod_label_spark_role";

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
        if let Err(refusal) = &alive {
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
        if let Err(refusal) = &self.alive {
            return vec![PROMETHEUS.fail(
                format!("{url} does not answer: {refusal}"),
                "kubectl port-forward brings a Prometheus of the cluster here; --prometheus-token-file FILE for one that wants a bearer token",
            )];
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
        let sparks = targets.filter(|target| target["discoveredLabels"][SPARK_ROLE].is_string());
        let sparks: Vec<&Value> = sparks.collect();
        let down: Vec<&&Value> =
            sparks.iter().filter(|target| target["health"] == "down").collect();
        let (all, noun) = (sparks.len(), plural(sparks.len(), "target"));
        if all == 0 && running == 0 {
            return TARGETS
                .skip("none of its targets is a Spark pod, and none with a sidecar runs");
        }
        if all == 0 {
            return TARGETS.fail(
                format!(
                    "none of its targets is a Spark pod, though {running} with a sidecar {}",
                    if running == 1 { "runs" } else { "run" }
                ),
                MANIFESTS,
            );
        }
        let Some(first) = down.first() else {
            return TARGETS.pass(format!(
                "no {noun} of {all} that {} Spark's is down",
                if all == 1 { "is" } else { "are" }
            ));
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
            return SAMPLES
                .pass(format!("figures of {arrived} sidecars arrived in the last five minutes"));
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
        let highest = sum("prometheus_remote_storage_highest_timestamp_in_seconds");
        let sent = values(page, "prometheus_remote_storage_queue_highest_sent_timestamp_seconds");
        let Some(sent) = sent.reduce(f64::min) else {
            return REMOTE_WRITE.skip("it writes to no other store");
        };
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
        let behind = highest - sent;
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
        let rules = groups.flat_map(|group| group["rules"].as_array()).flatten();
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
            None => {
                RULES.pass(format!("{} rules over Emberscope's metrics are loaded", ours.len()))
            }
        }
    }
}

async fn query(client: &Client, expression: &str) -> Result<Value, Refusal> {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("query", expression).finish();
    ask::value(client, &format!("/api/v1/query?{query}"), "query").await
}

/// The number that an instant query gave.
fn number(answer: &Value) -> Option<f64> {
    answer.pointer("/data/result/0/value/1")?.as_str()?.parse().ok()
}

/// The values of one family on a page.
fn values<'p>(page: &'p str, family: &'p str) -> impl Iterator<Item = f64> + 'p {
    page.lines().filter_map(move |line| {
        let rest = line.strip_prefix(family)?;
        let value = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once("} ")?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    fn number_of(value: &str) -> Result<Value, Refusal> {
        Ok(json!({"data": {"result": [{"value": [0, value]}]}}))
    }

    fn page(highest: f64, sent: f64, failed: f64) -> String {
        format!(
            "prometheus_remote_storage_highest_timestamp_in_seconds {highest}\n\
             prometheus_remote_storage_queue_highest_sent_timestamp_seconds{{url=\"http://x/y\"}} {sent}\n\
             prometheus_remote_storage_samples_failed_total{{url=\"http://x/y\"}} {failed}\n"
        )
    }

    fn target(health: &str) -> Value {
        json!({"health": health, "scrapeUrl": "http://1:9814/metrics", "lastError": "refused",
            "discoveredLabels": {SPARK_ROLE: "driver"}})
    }

    fn well() -> Seen {
        let other = json!({"health": "down", "discoveredLabels": {}});
        Seen {
            alive: number_of("1"),
            targets: Ok(json!({"data": {"activeTargets": [target("up"), other]}})),
            arrived: number_of("2"),
            lost: number_of("0"),
            rules: Ok(json!({"data": {"groups": [{"rules": [
                {"name": "A", "query": "spark_info", "health": "ok"},
                {"name": "B", "query": "up", "health": "err"},
            ]}]}})),
            page: Ok(page(1000.0, 995.0, 0.0)),
        }
    }

    fn outcome(seen: &Seen, code: &str) -> (Outcome, String) {
        let found = seen.judge("http://p", 1).into_iter();
        let found =
            found.filter(|one| one.check.code == code).map(|one| (one.outcome, one.sentence));
        found.last().unwrap()
    }

    #[test]
    fn all_well_passes_whatever_other_targets_and_rules_do() {
        let findings = well().judge("http://p", 1);
        assert!(findings.iter().all(|one| one.outcome == Outcome::Pass), "{findings:#?}");
    }

    #[test]
    fn targets_that_are_down_or_missing_fail_with_what_prometheus_says() {
        let mut seen = well();
        seen.targets = Ok(json!({"data": {"activeTargets": [target("down")]}}));
        let (outcome_, sentence) = outcome(&seen, "targets");
        assert_eq!(outcome_, Outcome::Fail);
        assert_eq!(sentence, "1 of 1 target down: http://1:9814/metrics: refused");
        seen.targets = Ok(json!({"data": {"activeTargets": [target("down"), target("up")]}}));
        assert_eq!(outcome(&seen, "targets").0, Outcome::Warn);
        seen.targets = Ok(json!({"data": {"activeTargets": []}}));
        assert_eq!(outcome(&seen, "targets").0, Outcome::Fail);
        assert_eq!(seen.judge("http://p", 0)[1].outcome, Outcome::Skip);
    }

    #[test]
    fn samples_are_missed_only_while_pods_run() {
        let mut seen = well();
        seen.arrived = Ok(json!({"data": {"result": []}}));
        assert_eq!(outcome(&seen, "samples").0, Outcome::Fail);
        assert_eq!(seen.judge("http://p", 0)[2].outcome, Outcome::Skip);
    }

    #[test]
    fn remote_write_that_lags_or_never_sent_fails_and_one_that_lost_samples_warns() {
        let mut seen = well();
        for (figures, outcome_) in [
            (page(1000.0, 800.0, 0.0), Outcome::Fail),
            (page(1000.0, 0.0, 5.0), Outcome::Fail),
            (page(1000.0, 0.0, 0.0), Outcome::Warn),
            ("up 1\n".to_owned(), Outcome::Skip),
        ] {
            seen.page = Ok(figures);
            assert_eq!(outcome(&seen, "remote_write").0, outcome_);
        }
        seen.page = Ok(page(1000.0, 1000.0, 7.0));
        assert_eq!(outcome(&seen, "remote_write").0, Outcome::Pass);
        seen.lost = number_of("3.2");
        assert_eq!(outcome(&seen, "remote_write").0, Outcome::Warn);
        seen.lost = Ok(json!({"data": {"result": []}}));
        assert!(outcome(&seen, "remote_write").1.ends_with("7 samples since it started"));
    }

    #[test]
    fn no_rules_are_a_warning_and_a_broken_one_a_failure() {
        let mut seen = well();
        seen.rules = Ok(json!({"data": {"groups": []}}));
        assert_eq!(outcome(&seen, "rules").0, Outcome::Warn);
        seen.rules = Ok(json!({"data": {"groups": [{"rules": [
            {"name": "A", "query": "spark_info", "health": "err", "lastError": "many-to-many"},
        ]}]}}));
        assert_eq!(outcome(&seen, "rules").0, Outcome::Fail);
    }

    #[test]
    fn a_server_that_does_not_answer_is_the_only_finding() {
        let seen = Seen { alive: Err(Refusal::Late), ..well() };
        let found = seen.judge("http://p", 1);
        assert_eq!((found.len(), found[0].outcome), (1, Outcome::Fail));
    }
}
