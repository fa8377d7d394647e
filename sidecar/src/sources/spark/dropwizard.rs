//! How Dropwizard's metrics are spread over lines: which field of which type a line is.

use super::catalog::{self, Shape};
use crate::exposition::Kind;

/// What a line says about its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// A gauge's value.
    Value,
    /// A gauge's value, once more: Spark prints each gauge twice.
    Twin,
    /// How many there were.
    Count,
    /// A quantile of the last observations.
    Quantile(&'static str),
    /// A statistic of the last observations, by its name here.
    Statistic(&'static str),
    /// How often per second, over a window.
    Rate(&'static str),
}

/// Statistics as `PrometheusServlet` and `GraphiteReporter` call them, and their names here.
const STATISTICS: [(&str, &str, &str); 4] = [
    ("Max", "max", "max"),
    ("Min", "min", "min"),
    ("Mean", "mean", "mean"),
    ("StdDev", "stddev", "stddev"),
];

/// Rates likewise; a mean rate is over the whole time.
const RATES: [(&str, &str, &str); 4] = [
    ("OneMinuteRate", "m1_rate", "1m"),
    ("FiveMinuteRate", "m5_rate", "5m"),
    ("FifteenMinuteRate", "m15_rate", "15m"),
    ("MeanRate", "mean_rate", "all"),
];

/// The statistic or rate of that name in either way of naming.
fn derived(name: &str) -> Option<Field> {
    let is = |(servlet, graphite, _): &&(&str, &str, &str)| name == *servlet || name == *graphite;
    let statistic = STATISTICS.iter().find(is).map(|(.., statistic)| Field::Statistic(statistic));
    statistic.or_else(|| RATES.iter().find(is).map(|(.., window)| Field::Rate(window)))
}

/// Splits the field off a name of the driver page (`PrometheusServlet.getMetricsSnapshot`).
pub(super) fn servlet(name: &str) -> Option<(&str, Field)> {
    let (base, field) = name.rsplit_once('_').filter(|(base, _)| !base.is_empty())?;
    let field = match field {
        "Number" => Field::Twin,
        "Value" => Field::Value,
        "Count" => Field::Count,
        "50thPercentile" => Field::Quantile("0.5"),
        "75thPercentile" => Field::Quantile("0.75"),
        "95thPercentile" => Field::Quantile("0.95"),
        "98thPercentile" => Field::Quantile("0.98"),
        "99thPercentile" => Field::Quantile("0.99"),
        "999thPercentile" => Field::Quantile("0.999"),
        name if name.starts_with(|first: char| first.is_ascii_uppercase()) => derived(name)?,
        _ => return None,
    };
    Some((base, field))
}

/// The type that a driver page's `type` label tells; a meter's is `counters`.
///
/// Spark has no other label there; some builds add theirs.
pub(super) fn servlet_shape(labels: &[u8]) -> Option<Shape> {
    let at = memchr::memmem::find(labels, b"type=\"")?;
    let word = labels.get(at + 6..)?.split(|byte| *byte == b'"').next()?;
    match word {
        b"gauges" => Some(Shape::Gauge),
        b"counters" => Some(Shape::Counter),
        b"histograms" => Some(Shape::Histogram),
        b"timers" => Some(Shape::Timer),
        _ => None,
    }
}

/// What a Graphite name `<source>.<metric>[.<field>]` is, given all names of the same executor.
///
/// A gauge may be called like a field (`jvm.direct.count`), so the catalog is asked first, and then
/// the metric's other fields: only histograms and timers have `p50`, only meters and timers rates.
pub(super) fn graphite(name: &str, has: impl Fn(&str) -> bool) -> (&str, Shape, Field) {
    let gauge = (name, Shape::Gauge, Field::Value);
    let Some((base, field)) = graphite_field(name) else {
        return gauge;
    };
    let shape = |name: &str| catalog::find(&catalog::fold(name)).map(|found| found.0.entry);
    if let Some(entry) = shape(base).filter(|entry| entry.kind == Kind::Summary) {
        return (base, entry.shape, field);
    }
    if shape(name).is_some_and(|entry| entry.shape == Shape::Gauge) {
        return gauge;
    }
    let (quantiles, rates) = (has(&format!("{base}.p50")), has(&format!("{base}.m1_rate")));
    match (field, quantiles, rates) {
        (_, true, true) => (base, Shape::Timer, field),
        (_, true, false) => (base, Shape::Histogram, field),
        (Field::Count, false, _) | (Field::Rate(_), false, true) => (base, Shape::Counter, field),
        _ => gauge,
    }
}

/// Splits off what may be a field that `GraphiteReporter` appended; a gauge has none.
fn graphite_field(name: &str) -> Option<(&str, Field)> {
    let (base, field) = name.rsplit_once('.').filter(|(base, _)| !base.is_empty())?;
    let field = match field {
        "count" => Field::Count,
        "p50" => Field::Quantile("0.5"),
        "p75" => Field::Quantile("0.75"),
        "p95" => Field::Quantile("0.95"),
        "p98" => Field::Quantile("0.98"),
        "p99" => Field::Quantile("0.99"),
        "p999" => Field::Quantile("0.999"),
        name if name.starts_with(|first: char| first.is_ascii_lowercase()) => derived(name)?,
        _ => return None,
    };
    Some((base, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_driver_page_are_split_off() {
        for (name, base, field) in [
            ("a_Count", "a", Field::Count),
            ("a_Max_Value", "a_Max", Field::Value),
            ("a_Number_Number", "a_Number", Field::Twin),
            ("a_99thPercentile", "a", Field::Quantile("0.99")),
            ("a_999thPercentile", "a", Field::Quantile("0.999")),
            ("a_FifteenMinuteRate", "a", Field::Rate("15m")),
        ] {
            assert_eq!(servlet(name), Some((base, field)), "{name}");
        }
        assert_eq!(servlet("a_value"), None);
        assert_eq!(servlet("_Count"), None);
    }

    #[test]
    fn the_type_is_told_among_other_labels_too() {
        assert_eq!(servlet_shape(b"type=\"timers\""), Some(Shape::Timer));
        assert_eq!(servlet_shape(b"instance=\"a\", type=\"gauges\", x=\"\""), Some(Shape::Gauge));
        assert_eq!(servlet_shape(b"type=\"other\""), None);
        assert_eq!(servlet_shape(b"quantile=\"0.5\""), None);
    }

    #[test]
    fn a_graphite_name_is_read_with_the_others_of_its_metric() {
        let names = ["x.t.p50", "x.t.m1_rate", "x.h.p50", "x.m.m1_rate", "x.m.count"];
        let has = |name: &str| names.contains(&name);
        for (name, base, shape, field) in [
            ("x.t.p999", "x.t", Shape::Timer, Field::Quantile("0.999")),
            ("x.t.mean_rate", "x.t", Shape::Timer, Field::Rate("all")),
            ("x.h.count", "x.h", Shape::Histogram, Field::Count),
            ("x.m.count", "x.m", Shape::Counter, Field::Count),
            ("x.m.m15_rate", "x.m", Shape::Counter, Field::Rate("15m")),
            ("x.c.count", "x.c", Shape::Counter, Field::Count),
            ("x.g.max", "x.g.max", Shape::Gauge, Field::Value),
            ("x.g", "x.g", Shape::Gauge, Field::Value),
            ("jvm.direct.count", "jvm.direct.count", Shape::Gauge, Field::Value),
            ("jvm.heap.max", "jvm.heap.max", Shape::Gauge, Field::Value),
            (
                "jvm.G1-Old-Generation.count",
                "jvm.G1-Old-Generation.count",
                Shape::Gauge,
                Field::Value,
            ),
            (
                "CodeGenerator.compilationTime.max",
                "CodeGenerator.compilationTime",
                Shape::Histogram,
                Field::Statistic("max"),
            ),
        ] {
            assert_eq!(graphite(name, has), (base, shape, field), "{name}");
        }
    }
}
