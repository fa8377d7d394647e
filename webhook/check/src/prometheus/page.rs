//! What a Prometheus says of itself, on its own page of metrics.

use std::collections::BTreeMap;

/// How far the slowest queue of remote write is behind, in seconds. Prometheus 3.8 and newer tell for each
/// queue what it has been given; before, one figure is for all, whatever a queue leaves out.
pub(super) fn behind(page: &str) -> f64 {
    let given = samples(page, "prometheus_remote_storage_queue_highest_timestamp_seconds");
    let given: BTreeMap<&str, f64> = given.collect();
    let all = values(page, "prometheus_remote_storage_highest_timestamp_in_seconds").sum::<f64>();
    let sent = samples(page, "prometheus_remote_storage_queue_highest_sent_timestamp_seconds");
    sent.map(|(queue, sent)| given.get(queue).copied().unwrap_or(all) - sent).fold(0.0, f64::max)
}

/// The values of one family on a page.
pub(super) fn values<'p>(page: &'p str, family: &'p str) -> impl Iterator<Item = f64> + 'p {
    samples(page, family).map(|(_, value)| value)
}

/// Labels and values of one family on a page.
fn samples<'p>(page: &'p str, family: &'p str) -> impl Iterator<Item = (&'p str, f64)> + 'p {
    page.lines().filter_map(move |line| {
        let rest = line.strip_prefix(family)?;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once("} ")?,
            None => ("", rest.strip_prefix(' ')?),
        };
        Some((labels, value.trim().parse().ok()?))
    })
}
