//! What Spark's names say: whose a metric is, which metric it is, and which field of it.
//!
//! A name in Spark's registry is `<namespace>.<executor id>.<source>.<metric>`
//! (`org.apache.spark.metrics.MetricsSystem.buildRegistryName`); the namespace is the application id,
//! or whatever the user set `spark.metrics.namespace` to. The driver page and the pushes each add the
//! field of the metric that a line has.

use std::borrow::Cow;

use super::catalog::{self, MetricType, is_source};
use crate::exposition::Kind;

/// So many known metrics are enough to tell a page's namespace.
const VOTES: usize = 16;

/// What the names of one driver page start with.
#[derive(Debug, Default)]
pub(super) struct Prefix<'a> {
    /// `metrics_<namespace>_driver_`, with all but letters and digits as `_`.
    prefix: Option<&'a str>,
}

impl<'a> Prefix<'a> {
    /// Learns the prefix from the names of the page.
    ///
    /// The one with the application's id wins. Else each name that the catalog knows after one of
    /// its `_driver_` votes for what is before: a namespace may hold `_driver_` itself, and names
    /// that users chose may as well, but not before a metric of Spark's.
    pub(super) fn learn(
        names: impl Iterator<Item = &'a str>,
        application_id: Option<&str>,
    ) -> Self {
        let expected = application_id.map(|id| format!("metrics_{}_driver_", fold(id)));
        let mut votes: Vec<(&str, usize)> = Vec::new();
        for name in names {
            if votes.iter().map(|(_, votes)| votes).sum::<usize>() >= VOTES {
                break;
            }
            if let Some(prefix) = expected.as_deref().filter(|prefix| name.starts_with(prefix)) {
                return Self { prefix: name.get(..prefix.len()) };
            }
            for (prefix, _) in splits(name).filter(|(_, key)| known(key)) {
                match votes.iter_mut().find(|(other, _)| *other == prefix) {
                    Some((_, votes)) => *votes += 1,
                    None => votes.push((prefix, 1)),
                }
            }
        }
        // Of equals the longest: the shorter ones are parts of its namespace.
        let best = votes.into_iter().max_by_key(|(prefix, votes)| (*votes, prefix.len()));
        Self { prefix: best.map(|(prefix, _)| prefix) }
    }

    /// What is left of a name: `<source>_<metric>_<field>`.
    pub(super) fn key<'n>(&self, name: &'n str) -> &'n str {
        if let Some(key) = self.prefix.and_then(|prefix| name.strip_prefix(prefix)) {
            return key;
        }
        let by = |test: fn(&str) -> bool| splits(name).find(|(_, key)| test(key));
        let (_, key) = by(known)
            .or_else(|| by(is_source))
            .or_else(|| splits(name).next())
            // A metric that was registered before the application had an id.
            .unwrap_or(("", name.strip_prefix("metrics_").unwrap_or(name)));
        key
    }

    /// The application's id, where the namespace looks like one.
    pub(super) fn application_id(&self) -> Option<Cow<'a, str>> {
        let namespace = self.prefix?.strip_prefix("metrics_")?.strip_suffix("_driver_")?;
        application_id(namespace)
    }
}

/// A name split after each of its `_driver_`; two may share an underscore.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let driver = "_driver_";
    let find = move |from: usize| name.get(from..)?.find(driver).map(|at| from + at);
    let places = std::iter::successors(find(0), move |at| find(at + 1));
    places.filter_map(move |at| {
        let (prefix, key) = name.split_at(at + driver.len());
        (prefix.starts_with("metrics_") && !key.is_empty()).then_some((prefix, key))
    })
}

/// Whether the key, with its field or without, is a source's metric that the catalog knows.
fn known(key: &str) -> bool {
    let key = servlet_field(key).map_or(key, |(key, _)| key);
    is_source(key) && catalog::find(key).is_some()
}

/// The id that a namespace is, folded or not; nothing where it does not look like an id.
///
/// Ids are `app-<time>-<number>` (standalone), `local-<time>`, `spark-<UUID without hyphens>` and
/// EMR's `spark-<job id>`, `spark-application-<time>`, and YARN's `application_<time>_<number>`.
/// Others were set by a user, and are no id.
pub(super) fn application_id(namespace: &str) -> Option<Cow<'_, str>> {
    let digits = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let job = |part: &str| {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        part.len() >= 16 && part.bytes().all(lower) && part.bytes().any(|b| b.is_ascii_digit())
    };
    let parts: Vec<&str> = namespace.split(['-', '_']).collect();
    let hyphens = match parts.as_slice() {
        ["application", time, number] if digits(time) && digits(number) => false,
        ["app", time, number] if digits(time) && digits(number) => true,
        ["local", time] | ["spark", "application", time] if digits(time) => true,
        ["spark", job_id] if job(job_id) => true,
        _ => return None,
    };
    let id = if hyphens { namespace.replace('_', "-").into() } else { namespace.into() };
    Some(id)
}

/// A pushed name, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PushedName<'a> {
    /// The namespace, with the sink's prefix if it has one.
    pub(super) namespace: &'a str,
    /// A number, or `driver`.
    pub(super) executor_id: &'a str,
    /// `<source>.<metric>[.<field>]`
    pub(super) key: &'a str,
}

impl<'a> PushedName<'a> {
    /// Splits a name at the executor's id: the first part that is one and has a source after it,
    /// or the first that is one, if Spark's sources are not in it.
    pub(super) fn split(name: &'a str) -> Option<Self> {
        let candidates = || {
            name.match_indices('.').filter_map(|(dot, _)| {
                let (namespace, rest) = (&name[..dot], &name[dot + 1..]);
                let (executor_id, key) = rest.split_once('.')?;
                let digits = executor_id.bytes().all(|byte| byte.is_ascii_digit());
                let id = executor_id == "driver" || (digits && !executor_id.is_empty());
                (id && !key.is_empty()).then_some(Self { namespace, executor_id, key })
            })
        };
        candidates().find(|pushed| is_source(pushed.key)).or_else(|| candidates().next())
    }
}

/// What a line is about: a field of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MetricField<'a> {
    /// `<source>.<metric>`, or folded `<source>_<metric>`.
    pub(super) key: &'a str,
    pub(super) of: MetricType,
    pub(super) field: Field,
}

/// What Dropwizard tells of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// A gauge's value.
    Value,
    /// A gauge's value, once more: Spark prints each gauge twice.
    Twin,
    /// How many there were.
    Count,
    /// A quantile of the last observations (`Snapshot`).
    Quantile(&'static str),
    /// Another statistic of the last observations, by its name here.
    Statistic(&'static str),
    /// How often per second, over a window (`Metered`).
    Rate(&'static str),
}

/// The fields but a gauge's, as `PrometheusServlet` and as `GraphiteReporter` call them.
const FIELDS: [(&str, &str, Field); 15] = [
    ("Count", "count", Field::Count),
    ("50thPercentile", "p50", Field::Quantile("0.5")),
    ("75thPercentile", "p75", Field::Quantile("0.75")),
    ("95thPercentile", "p95", Field::Quantile("0.95")),
    ("98thPercentile", "p98", Field::Quantile("0.98")),
    ("99thPercentile", "p99", Field::Quantile("0.99")),
    ("999thPercentile", "p999", Field::Quantile("0.999")),
    ("Max", "max", Field::Statistic("max")),
    ("Min", "min", Field::Statistic("min")),
    ("Mean", "mean", Field::Statistic("mean")),
    ("StdDev", "stddev", Field::Statistic("stddev")),
    ("OneMinuteRate", "m1_rate", Field::Rate("1m")),
    ("FiveMinuteRate", "m5_rate", Field::Rate("5m")),
    ("FifteenMinuteRate", "m15_rate", Field::Rate("15m")),
    ("MeanRate", "mean_rate", Field::Rate("all")),
];

impl<'a> MetricField<'a> {
    /// Reads a name of the driver page, without its prefix, and the labels beside it
    /// (`PrometheusServlet.getMetricsSnapshot`).
    pub(super) fn of_servlet(name: &'a str, labels: &[u8]) -> Self {
        let gauge = Self { key: name, of: MetricType::Gauge, field: Field::Value };
        let Some((key, field)) = servlet_field(name) else {
            return gauge;
        };
        let of = match (type_label(labels), field) {
            (Some(of), _) => of,
            (None, Field::Count) => MetricType::Counter,
            (None, Field::Value | Field::Twin) => MetricType::Gauge,
            (None, _) => return gauge,
        };
        Self { key, of, field }
    }

    /// Reads a pushed name, without its prefix, given all names of the same process.
    ///
    /// A gauge may be called like a field (`jvm.direct.count`), so the catalog is asked first, and
    /// then the metric's other fields: only histograms and timers have `p50`, only meters and timers
    /// rates.
    pub(super) fn of_graphite(name: &'a str, has: impl Fn(&str) -> bool) -> Self {
        let gauge = Self { key: name, of: MetricType::Gauge, field: Field::Value };
        let Some((key, field)) = graphite_field(name) else {
            return gauge;
        };
        let known = |key| catalog::find(key).map(|found| found.metric);
        if let Some(metric) = known(key).filter(|metric| metric.kind == Kind::Summary) {
            return Self { key, of: metric.metric_type, field };
        }
        if known(name).is_some_and(|metric| metric.metric_type == MetricType::Gauge) {
            return gauge;
        }
        let (quantiles, rates) = (has(&format!("{key}.p50")), has(&format!("{key}.m1_rate")));
        let of = match (field, quantiles, rates) {
            (_, true, true) => MetricType::Timer,
            (_, true, false) => MetricType::Histogram,
            (Field::Count, false, _) | (Field::Rate(_), false, true) => MetricType::Counter,
            _ => return gauge,
        };
        Self { key, of, field }
    }

    /// Whether a metric of that type has such a field.
    pub(super) const fn is_consistent(self) -> bool {
        match self.of {
            MetricType::Gauge => matches!(self.field, Field::Value),
            MetricType::Counter => matches!(self.field, Field::Count | Field::Rate(_)),
            MetricType::Histogram | MetricType::Timer => {
                !matches!(self.field, Field::Value | Field::Twin)
            }
        }
    }
}

/// Splits the field off a name of the driver page.
fn servlet_field(name: &str) -> Option<(&str, Field)> {
    let (key, word) = name.rsplit_once('_').filter(|(key, _)| !key.is_empty())?;
    let field = match word {
        "Number" => Field::Twin,
        "Value" => Field::Value,
        _ => FIELDS.iter().find(|(servlet, ..)| *servlet == word)?.2,
    };
    Some((key, field))
}

/// Splits off what may be a field that `GraphiteReporter` appended; a gauge has none.
fn graphite_field(name: &str) -> Option<(&str, Field)> {
    let (key, word) = name.rsplit_once('.').filter(|(key, _)| !key.is_empty())?;
    let (.., field) = FIELDS.iter().find(|(_, graphite, _)| *graphite == word)?;
    Some((key, *field))
}

/// The type that a driver page's `type` label tells; a meter's is `counters`.
///
/// Spark has no other label there; some builds add theirs.
fn type_label(labels: &[u8]) -> Option<MetricType> {
    let at = memchr::memmem::find(labels, b"type=\"")?;
    let word = labels.get(at + 6..)?.split(|byte| *byte == b'"').next()?;
    match word {
        b"gauges" => Some(MetricType::Gauge),
        b"counters" => Some(MetricType::Counter),
        b"histograms" => Some(MetricType::Histogram),
        b"timers" => Some(MetricType::Timer),
        _ => None,
    }
}

/// A name in which all but letters and digits is `_`, as on Spark's driver page
/// (`PrometheusServlet.normalizeKey`).
pub(super) fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return name.into();
    }
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests;
