//! The annotations by which Prometheus is told to scrape the sidecar.

use crate::contract::{METRICS_PATH, SCRAPE, SCRAPE_PATH, SCRAPE_PORT, SPARK_PAGES, SPARK_UI_PORT};
use crate::pod::Pod;

/// The pod's own annotations point somewhere else, and stay.
pub(super) struct Theirs;

/// The annotations for a sidecar that serves on `port`.
///
/// The AWS walkthrough has users point them at `/metrics/executors/prometheus/` on port 4040. The
/// sidecar serves that page too, so such annotations are pointed at it.
pub(super) fn annotations(pod: &Pod<'_>, port: u16) -> Result<[(&'static str, String); 3], Theirs> {
    let [scrape, at, path] = [SCRAPE, SCRAPE_PORT, SCRAPE_PATH].map(|key| pod.annotation(key));
    let none = [scrape, at, path].iter().all(Option::is_none);
    let sparks = scrape == Some("true")
        && at.is_some_and(|at| at == SPARK_UI_PORT.to_string())
        && path.is_some_and(|path| SPARK_PAGES.contains(&path.trim_end_matches('/')));
    if !none && !sparks {
        return Err(Theirs);
    }
    Ok([
        (SCRAPE, "true".to_owned()),
        (SCRAPE_PORT, port.to_string()),
        (SCRAPE_PATH, METRICS_PATH.to_owned()),
    ])
}
