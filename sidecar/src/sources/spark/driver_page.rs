//! Spark's driver page, `/metrics/driver/prometheus/`, under stable names.
//!
//! `org.apache.spark.metrics.sink.PrometheusServlet` prints the driver's registry as
//! `metrics_<namespace>_driver_<source>_<metric>_<field>{type="gauges"} value`, all characters but
//! letters and digits replaced by `_`, without HELP and TYPE. The form is the same from Spark 3.0
//! to 4.3.

use std::borrow::Cow;

use super::catalog::Unit;
use super::names::{MetricField, Naming, Prefixes};
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
    let mut registry = Registry::new(page, Role::Driver, &labels, Unit::ns, wanted.profile);
    for line in Lines::new(body) {
        match line {
            Err(reason) => registry.bad(reason),
            Ok(line) => {
                let field = MetricField::of_servlet(prefixes.key(line.name), line.labels);
                registry.put(field, line.value);
            }
        }
    }
    registry.finish()
}

#[cfg(test)]
mod tests;
