//! `manifests/collectors`: for other collectors than Prometheus, the same targets with the same labels.

use serde_json::Value;

use super::{documents, read};

/// `$$` is the collector's word for `$`; a single one would be a variable of its environment.
#[test]
fn the_opentelemetry_collector_has_the_jobs_of_prometheus_with_every_dollar_doubled() {
    let text = read("manifests/collectors/opentelemetry.yaml");
    let config = documents(&text).remove(0);
    let jobs = &config["receivers"]["prometheus"]["config"]["scrape_configs"];
    let shipped = documents(&read("manifests/monitoring/prometheus/scrape-config.yaml")).remove(0);
    let undoubled: Value = serde_json::from_str(&jobs.to_string().replace("$$", "$")).unwrap();
    assert_eq!(undoubled, shipped["scrape_configs"]);
    let singles = jobs.to_string().replace("$$", "");
    assert!(!singles.contains('$'), "{singles}");
}

#[test]
fn the_vm_pod_scrape_says_what_the_pod_monitor_says() {
    let ours = documents(&read("manifests/collectors/vmpodscrape.yaml")).remove(0);
    let monitor = read("manifests/components/prometheus-operator/podmonitor.yaml");
    let monitor = documents(&monitor.replace("relabelings:", "relabelConfigs:")).remove(0);
    assert_eq!(ours["kind"], "VMPodScrape");
    for part in ["metadata", "spec"] {
        assert_eq!(ours[part], monitor[part], "{part}");
    }
}
