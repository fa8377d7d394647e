//! Spark's driver page, `/metrics/driver/prometheus/`, under stable names.
//!
//! `org.apache.spark.metrics.sink.PrometheusServlet` prints the driver's registry as
//! `metrics_<namespace>_driver_<source>_<metric>_<field>{type="gauges"} value`, all characters but
//! letters and digits replaced by `_`, without HELP and TYPE. The form is the same from Spark 3.0
//! to 4.3.

use std::borrow::Cow;

use super::application::Prefix;
use super::catalog::{Scope, Shape, Unit};
use super::dropwizard::{self, Field};
use super::text::Samples;
use super::translate::{Reading, Translator};
use super::{Repairs, Wanted};
use crate::exposition::Page;

/// Writes the driver page in `body` into `page`.
///
/// Samples get the label `application_id` with the given id, or else with the page's namespace
/// where that looks like an id (what `spark.metrics.namespace` names is no application's id).
pub fn write(body: &[u8], wanted: &Wanted, page: &mut Page) -> Repairs {
    let names = Samples::new(body).filter_map(Result::ok).map(|sample| sample.name);
    let prefix = Prefix::learn(names, wanted.application_id.as_deref());
    let id =
        wanted.application_id.as_deref().map(Cow::Borrowed).or_else(|| prefix.application_id());
    let common = id.as_deref().map(|id| ("application_id", id)).into_iter().collect();
    let mut translator = Translator::new(page, Scope::Driver, common, Unit::Nanoseconds);
    translator.profile(wanted.profile);
    for sample in Samples::new(body) {
        match sample {
            Err(reason) => translator.bad(reason),
            Ok(sample) => {
                let (base, shape, field) = split(sample.labels, prefix.key(sample.name));
                translator.put(base, Reading { shape, field, value: sample.value });
            }
        }
    }
    translator.finish()
}

/// The metric, its type and the field of it that a sample with these labels is.
fn split<'a>(labels: &[u8], key: &'a str) -> (&'a str, Shape, Field) {
    match (dropwizard::servlet(key), dropwizard::servlet_shape(labels)) {
        (Some((base, field)), Some(shape)) => (base, shape, field),
        (Some((base, Field::Count)), None) => (base, Shape::Counter, Field::Count),
        (Some((base, field @ (Field::Value | Field::Twin))), None) => (base, Shape::Gauge, field),
        _ => (key, Shape::Gauge, Field::Value),
    }
}

#[cfg(test)]
mod tests;
