//! The annotations by which Prometheus is told to scrape the sidecar.

use crate::config::{ScrapeAnnotations, SidecarConfig};
use crate::contract::{METRICS_PATH, SCRAPE, SCRAPE_PATH, SCRAPE_PORT, SPARK_PAGES, SPARK_UI_PORT};
use crate::pod::Pod;

/// The pod's own annotations point somewhere else, and stay.
pub(super) struct Theirs;

/// The annotations for a sidecar, if the configuration wants any: a collector that goes by them beside one that
/// goes by the container's port would store every series twice.
///
/// The AWS walkthrough has users point them at `/metrics/executors/prometheus/` on port 4040. The
/// sidecar serves that page too, so such annotations are pointed at it.
pub(super) fn annotations(
    pod: &Pod<'_>,
    sidecar: &SidecarConfig,
) -> Result<Vec<(&'static str, String)>, Theirs> {
    if *sidecar.scrape_annotations == ScrapeAnnotations::Never {
        return Ok(Vec::new());
    }
    let [scrape, at, path] = [SCRAPE, SCRAPE_PORT, SCRAPE_PATH].map(|key| pod.annotation(key));
    let none = [scrape, at, path].iter().all(Option::is_none);
    let sparks = scrape == Some("true")
        && at.is_some_and(|at| at == SPARK_UI_PORT.to_string())
        && path.is_some_and(|path| SPARK_PAGES.contains(&path.trim_end_matches('/')));
    if !none && !sparks {
        return Err(Theirs);
    }
    Ok(vec![
        (SCRAPE, "true".to_owned()),
        (SCRAPE_PORT, sidecar.port.get().to_string()),
        (SCRAPE_PATH, METRICS_PATH.to_owned()),
    ])
}
