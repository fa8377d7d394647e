//! What a sidecar's page says of its sources.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::Target;
use crate::finding::{Finding, SOURCES};

/// How long a JVM may take until Spark's pages are there, and until it has pushed for the first time.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);

/// Whether a page is a sidecar's: each has the state of its sources, which were all that was asked for.
pub(super) fn is_a_sidecars(page: &str) -> bool {
    page.lines().any(|line| line.starts_with("emberscope_source_up{"))
}

/// The sources of a page that are down, with the reason that was counted most.
pub(super) fn down(target: &Target, page: &str, now: Timestamp) -> Option<Finding> {
    let samples = |family: &'static str| {
        page.lines().filter_map(move |line| {
            let (labels, value) = line.strip_prefix(family)?.strip_prefix('{')?.split_once("} ")?;
            Some((labels, value.trim().parse::<f64>().ok()?))
        })
    };
    let up: Vec<_> = samples("emberscope_source_up").collect();
    let down: Vec<&str> = up
        .iter()
        .filter(|(_, value)| *value == 0.0)
        .filter_map(|(labels, _)| label(labels, "source"))
        .collect();
    if down.is_empty() {
        return None;
    }
    let reason = |source: &str| {
        let errors = samples("emberscope_source_errors_total");
        let of_source = errors.filter(|(labels, _)| label(labels, "source") == Some(source));
        of_source.max_by(|a, b| a.1.total_cmp(&b.1)).and_then(|(labels, _)| label(labels, "reason"))
    };
    let each: Vec<String> = down
        .iter()
        .map(|source| format!("{source} ({})", reason(source).unwrap_or("no reason counted")))
        .collect();
    let what = format!("sources of {} are down: {}", target.display(), each.join(", "));
    if target.since.is_some_and(|since| now.duration_since(since) < YOUNG) {
        return Some(SOURCES.skip(format!("{what}; Spark started less than a minute ago")));
    }
    let logs = target.logs();
    Some(if down.len() == up.len() { SOURCES.fail(what, logs) } else { SOURCES.warn(what, logs) })
}

/// The value of one label; the values of these families have nothing to unescape.
fn label<'l>(labels: &'l str, name: &str) -> Option<&'l str> {
    labels.split(',').find_map(|pair| {
        let value = pair.trim().strip_prefix(name)?.strip_prefix("=\"")?;
        value.strip_suffix('"')
    })
}
