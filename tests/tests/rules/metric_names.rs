//! Every metric that a rule or a runbook asks for is one that somebody serves.

use std::collections::BTreeSet;

use super::expression::metrics;
use super::{alert_names, all, read};

/// What rules ask for and Emberscope does not serve: Prometheus itself, kube-state-metrics
/// (docs/metrics in its repository) and the API server (the Kubernetes metrics reference).
const OF_OTHERS: [&str; 28] = [
    "up",
    "prometheus_config_last_reload_successful",
    "prometheus_notifications_dropped_total",
    "prometheus_remote_storage_highest_timestamp_in_seconds",
    "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
    "prometheus_remote_storage_samples_dropped_total",
    "prometheus_remote_storage_samples_failed_total",
    "prometheus_remote_storage_samples_total",
    "prometheus_rule_evaluation_failures_total",
    "apiserver_admission_webhook_fail_open_count",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
    "kube_namespace_labels",
    "kube_pod_annotations",
    "kube_pod_labels",
    "kube_pod_completion_time",
    "kube_pod_container_info",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_terminated_reason",
    "kube_pod_container_status_waiting_reason",
    "kube_pod_created",
    "kube_pod_deletion_timestamp",
    "kube_pod_init_container_info",
    "kube_pod_init_container_status_restarts_total",
    "kube_pod_init_container_status_waiting_reason",
    "kube_pod_status_phase",
    "kube_pod_status_reason",
];

/// The names in the first cells of the tables of docs/metrics.md.
fn documented() -> BTreeSet<String> {
    let page = read("docs/metrics.md");
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name.to_owned()).collect()
}

fn known() -> BTreeSet<String> {
    let recorded = all().into_iter().filter(|rule| !rule.is_alert()).map(|rule| rule.name);
    let mut known = documented();
    assert!(known.len() > 300, "docs/metrics.md has lost its tables");
    known.extend(recorded);
    known.extend(OF_OTHERS.map(str::to_owned));
    // Both are of Prometheus: one is written for each alert, the other has a series per bucket.
    known.insert("ALERTS".to_owned());
    known.insert("emberscope_admission_duration_seconds_bucket".to_owned());
    known
}

#[test]
fn every_metric_in_a_rule_exists() {
    let known = known();
    for rule in all() {
        let asked = metrics(rule.expr());
        assert!(!asked.is_empty(), "{}", rule.name);
        for name in asked {
            assert!(known.contains(&name), "{}: no metric {name}", rule.name);
        }
    }
}

/// Queries stand in blocks of their own, a query a line.
#[test]
fn every_metric_in_a_runbook_exists() {
    let known = known();
    for alert in alert_names() {
        let page = read(&format!("docs/runbooks/{alert}.md"));
        let blocks: Vec<_> = page.split("```promql\n").skip(1).collect();
        assert!(!blocks.is_empty(), "{alert}: a runbook shows what to ask Prometheus");
        for block in blocks {
            for name in metrics(block.split("```").next().unwrap_or_default()) {
                assert!(known.contains(&name), "{alert}: no metric {name}");
            }
        }
    }
}

#[test]
fn the_page_about_alerts_names_everything_that_is_recorded() {
    let page = read("docs/alerts.md");
    for rule in all().into_iter().filter(|rule| !rule.is_alert()) {
        assert!(page.contains(&format!("`{}`", rule.name)), "docs/alerts.md: {}", rule.name);
    }
}
