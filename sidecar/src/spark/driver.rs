//! Spark's driver page, `/metrics/driver/prometheus/`, under stable names.
//!
//! `org.apache.spark.metrics.sink.PrometheusServlet` prints the driver's registry as
//! `metrics_<namespace>_driver_<source>_<metric>_<field>{type="gauges"} value`, all characters but
//! letters and digits replaced by `_`, without HELP and TYPE. The form is the same from Spark 3.0
//! to 4.3; builds that print TYPE lines, `_total` and `quantile` instead are read as well.

use std::borrow::Cow;

use super::application::Prefix;
use super::catalog::{Scope, Shape, Unit};
use super::dropwizard::{self, Field};
use super::text::{Item, Items, Sample, labels};
use super::translate::{Reading, Translator};
use super::{Repairs, Wanted};
use crate::exposition::Page;

/// Writes the driver page in `body` into `page`.
///
/// Samples get the label `application_id` with the given id, or else with the page's namespace
/// where that looks like an id (what `spark.metrics.namespace` names is no application's id).
pub fn write(body: &[u8], wanted: Wanted<'_>, page: &mut Page) -> Repairs {
    let names = Items::new(body).filter_map(|item| match item {
        Item::Sample(sample) => Some(sample.name),
        _ => None,
    });
    let prefix = Prefix::learn(names, wanted.application_id);
    let id = wanted.application_id.map(Cow::Borrowed).or_else(|| prefix.application_id());
    let common = id.as_deref().map(|id| ("application_id", id)).into_iter().collect();
    let mut translator = Translator::new(page, Scope::Driver, common, Unit::Nanoseconds);
    translator.profile(wanted.profile);
    let mut declared = None;
    for item in Items::new(body) {
        match item {
            Item::Bad(reason) => translator.bad(reason),
            Item::Type { name, word } => declared = Some((name, word)),
            Item::Sample(sample) => {
                let key = prefix.key(sample.name);
                let (base, shape, field) = split(&sample, key, declared);
                translator.put(base, Reading { shape, field, value: sample.value });
            }
        }
    }
    translator.finish()
}

/// The metric, its type and the field of it that a sample is.
fn split<'a>(
    sample: &Sample<'_>,
    key: &'a str,
    declared: Option<(&str, &str)>,
) -> (&'a str, Shape, Field) {
    if let Some(shape) = dropwizard::servlet_shape(sample.labels)
        && let Some((base, field)) = dropwizard::servlet(key)
    {
        return (base, shape, field);
    }
    if let Some((name, word)) = declared
        && let Some(ending) = sample.name.strip_prefix(name)
        && let Some((shape, field)) = typed(sample, word, ending)
    {
        let base = key.strip_suffix(ending).unwrap_or(key);
        let base = if shape == Shape::Counter { base.trim_end_matches("_total") } else { base };
        return (base.trim_end_matches('_'), shape, field);
    }
    match dropwizard::servlet(key) {
        Some((base, Field::Count)) => (base, Shape::Counter, Field::Count),
        Some((base, field @ (Field::Value | Field::Twin))) => (base, Shape::Gauge, field),
        _ => (key, Shape::Gauge, Field::Value),
    }
}

/// The type and field of a sample that follows a TYPE line; `ending` is what its name has more.
fn typed(sample: &Sample<'_>, word: &str, ending: &str) -> Option<(Shape, Field)> {
    match (word, ending.trim_start_matches('_')) {
        ("counter", "" | "total") => Some((Shape::Counter, Field::Count)),
        ("gauge", "") => Some((Shape::Gauge, Field::Value)),
        ("summary" | "histogram", "count") => Some((Shape::Histogram, Field::Count)),
        ("summary" | "histogram", "") => {
            let labels = labels(sample.labels, &[]).unwrap_or_default();
            let quantile = labels.pairs.iter().find(|(name, _)| *name == "quantile");
            let field = quantile.and_then(|(_, value)| dropwizard::quantile(value));
            Some((Shape::Histogram, field.map_or(Field::Other, Field::Quantile)))
        }
        // Its sum is one of the last observations, not of all; mean and the like are left out.
        ("summary" | "histogram", _) => Some((Shape::Histogram, Field::Other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
