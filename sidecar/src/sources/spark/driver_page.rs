//! Spark's driver page, `/metrics/driver/prometheus/`, under stable names.
//!
//! `org.apache.spark.metrics.sink.PrometheusServlet` prints the driver's registry as
//! `metrics_<namespace>_driver_<source>_<metric>_<field>{type="gauges"} value`, all characters but
//! letters and digits replaced by `_`, without HELP and TYPE. The form is the same from Spark 3.0
//! to 4.3.

use std::borrow::Cow;
use std::collections::HashSet;

use memchr::memmem;

use super::catalog::Unit;
use super::names::{MetricField, Naming, Prefixes, rated};
use super::registry::Registry;
use super::text::Lines;
use super::{Repairs, Wanted};
use crate::args::Role;
use crate::exposition::Page;

/// Writes the driver page in `body` into `page`.
///
/// Samples get the label `application_id`: the page's namespace where that is an id (what
/// `spark.metrics.namespace` names is none), and else the given one.
pub fn write(body: &[u8], wanted: &Wanted, page: &mut Page) -> Repairs {
    let names = Lines::new(body).filter_map(Result::ok).map(|line| line.name);
    let mut prefixes = Prefixes::new(Naming::Servlet);
    prefixes.learn_all(&names);
    let of_pod = wanted.application_id.as_deref();
    let id = match prefixes.owner() {
        Some(owner) => owner.application_id(of_pod),
        None => of_pod.map(Cow::Borrowed),
    };
    let labels: Vec<_> = id.as_deref().map(|id| ("application_id", id)).into_iter().collect();
    let meters = meters(body, &prefixes);
    let mut registry = Registry::new(page, Role::Driver, &labels, Unit::ns, wanted.profile);
    for line in Lines::new(body) {
        match line {
            Err(reason) => registry.bad(reason),
            Ok(line) => {
                let key = prefixes.key(line.name);
                let is_meter = |key: &str| meters.contains(key);
                registry.put(MetricField::of_servlet(key, line.labels, is_meter), line.value);
            }
        }
    }
    registry.finish()
}

/// The keys of what has rates and no timer's statistics: Spark itself has no meter.
fn meters<'b>(body: &'b [u8], prefixes: &Prefixes) -> HashSet<&'b str> {
    if memmem::find(body, b"Rate{type=\"counters\"}").is_none() {
        return HashSet::new();
    }
    let lines = Lines::new(body).filter_map(Result::ok);
    lines.filter_map(|line| rated(prefixes.key(line.name))).collect()
}

#[cfg(test)]
mod tests;
