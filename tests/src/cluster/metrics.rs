//! What the API server counts about webhooks.

use anyhow::{Context as _, Result};

use super::Cluster;

/// The webhook's name in `manifests/base`, as the API server's metrics have it.
pub const WEBHOOK: &str = "pods.emberscope.dev";

/// A counter of the API server, summed over its series that have all of `labels`. Below a million:
/// from there on the page has an exponent.
pub fn counter(cluster: &Cluster, name: &str, labels: &[(&str, &str)]) -> Result<u64> {
    let page = cluster.kubectl().run(["get", "--raw", "/metrics"])?.stdout;
    sum(&page, name, labels)
}

/// Calls of our webhook so far (`apiserver_admission_webhook_request_total`).
pub fn calls(cluster: &Cluster) -> Result<u64> {
    counter(cluster, "apiserver_admission_webhook_request_total", &[("name", WEBHOOK)])
}

/// Pods that were let through because our webhook failed
/// (`apiserver_admission_webhook_fail_open_count`).
pub fn fail_opens(cluster: &Cluster) -> Result<u64> {
    counter(cluster, "apiserver_admission_webhook_fail_open_count", &[("name", WEBHOOK)])
}

fn sum(page: &str, name: &str, labels: &[(&str, &str)]) -> Result<u64> {
    let mut total = 0;
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').context("a line without a value")?;
        let (found, pairs) = series.split_once('{').unwrap_or((series, ""));
        let has = |(key, value): &(&str, &str)| pairs.contains(&format!("{key}=\"{value}\""));
        if found == name && labels.iter().all(has) {
            total += value.parse::<u64>()?;
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_by_name_and_labels() {
        let page = "# HELP a b\na{x=\"1\",y=\"2\"} 3\na{x=\"1\",y=\"3\"} 4\nab{x=\"1\"} 8\na{x=\"2\"} 16\n";
        assert_eq!(sum(page, "a", &[("x", "1")]).unwrap(), 7);
        assert_eq!(sum(page, "a", &[]).unwrap(), 23);
        assert_eq!(sum(page, "none", &[]).unwrap(), 0);
    }
}
