//! Spark's driver page under Spark's own names, for dashboards that were made for it.
//!
//! These names have the application's id in them: each application brings some 200 new ones, which
//! is what fills a Prometheus. `--compat=servlet` serves them beside the stable names for as long as
//! such dashboards are in use.

use super::text::{Lines, labels};
use crate::exposition::{Kind, Page, Part};

/// How many names a page may have; Spark's largest have about 400.
const MAX_NAMES: usize = 2048;

const HELP: &str =
    "As Spark names it; the metrics spark_driver_... are the same under stable names.";

/// Writes the lines of the driver page in `body` into a page as they are, unless they are invalid.
///
/// What is wrong with them is counted where they are read for their figures
/// ([`driver_page`](super::driver_page)).
#[must_use]
pub fn write(body: &[u8]) -> Page {
    let mut page = Page::new();
    for sample in Lines::new(body).filter_map(Result::ok) {
        if page.families().len() == MAX_NAMES {
            break;
        }
        let Some(labels) = labels(sample.labels, &[]) else { continue };
        // The one label that Spark has there: others, of some builds, may be the target's too.
        let kind = labels.pairs.iter().find(|(name, _)| *name == "type");
        let kind: Vec<(&str, &str)> =
            kind.map(|(name, value)| (*name, &**value)).into_iter().collect();
        let family = page.family(sample.name.to_owned(), Kind::Untyped, HELP);
        let labels = page.labels(&kind);
        page.push(family, Part::Value, labels, sample.value);
    }
    page.drop_duplicates();
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::encode;

    #[test]
    fn what_is_valid_stays_as_it_is_and_the_rest_is_left_out() {
        let body = "metrics_app_1_driver_DAGScheduler_job_allJobs_Number{type=\"gauges\"} 17\n\
            metrics_app_1_driver_DAGScheduler_job_allJobs_Value{type=\"gauges\"} 17\n\
            metrics_app_1_driver_x_Value{type=\"gauges\"} null\n\
            metrics_app_1_driver_t_999thPercentile{type=\"timers\"} 7.27254082E8\n\
            no line at all\n";
        let mut text = Vec::new();
        encode::text(&write(body.as_bytes()), &mut text);
        let text = String::from_utf8(text).unwrap();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "metrics_app_1_driver_DAGScheduler_job_allJobs_Number{type=\"gauges\"} 17",
                "metrics_app_1_driver_DAGScheduler_job_allJobs_Value{type=\"gauges\"} 17",
                "metrics_app_1_driver_t_999thPercentile{type=\"timers\"} 727254082",
            ]
        );
        assert!(text.contains("# TYPE metrics_app_1_driver_t_999thPercentile untyped\n"));
    }
}
