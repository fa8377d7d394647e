//! What Spark's names say: whose a metric is, which metric it is, and which field of it.
//!
//! A name in Spark's registry is `<namespace>.<executor id>.<source>.<metric>`
//! (`org.apache.spark.metrics.MetricsSystem.buildRegistryName`); the namespace is the application id,
//! or whatever the user set `spark.metrics.namespace` to. The driver page and the pushes each add the
//! field of the metric that a line has.

use std::borrow::Cow;

use super::catalog::{self, MetricType};
use crate::exposition::Kind;

/// The id of the driver (`org.apache.spark.SparkContext.DRIVER_IDENTIFIER`).
const DRIVER: &str = "driver";

/// So many metrics of Spark's are enough to tell a prefix.
const ENOUGH: usize = 16;

/// How many prefixes there may be; a page and a connection each have one.
const MAX_PREFIXES: usize = 16;

/// How names are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// `metrics_<namespace>_driver_<key>`, on the driver page.
    Servlet,
    /// `<namespace>.<executor id>.<key>`, in a push.
    Graphite,
}

impl Naming {
    /// What is between parts, and what is before the first.
    const fn marks(self) -> (char, &'static str) {
        match self {
            Self::Servlet => ('_', "metrics_"),
            Self::Graphite => ('.', ""),
        }
    }

    /// A name split after each part that may be the executor's id. A namespace may have such parts,
    /// or be empty, and then it is not there.
    fn splits(self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let (separator, start) = self.marks();
        name.match_indices(separator).filter_map(move |(at, _)| {
            let (prefix, key) = name.split_at(at + 1);
            let id = name[..at].rsplit(separator).next()?;
            let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
            let is_id = id == DRIVER || (self == Self::Graphite && is_number);
            (prefix.starts_with(start) && is_id && !key.is_empty()).then_some((prefix, key))
        })
    }

    /// Whether the catalog knows the key, with its field or without.
    fn is_known(self, key: &str) -> bool {
        let metric = match self {
            Self::Servlet => servlet_field(key),
            Self::Graphite => graphite_field(key),
        };
        metric.is_some_and(|(key, _)| catalog::find(key).is_some()) || catalog::find(key).is_some()
    }
}

/// What the names of one page, or of one connection, start with.
///
/// Where a namespace ends cannot be told from one name: it may be empty, or hold dots, numbers and
/// `driver`, and so may the names of users' metrics. But what the catalog knows tells it: each such
/// metric votes for what is before it, and the prefix counts for all the others.
#[derive(Debug)]
pub(super) struct Prefixes {
    naming: Naming,
    votes: Vec<(Box<str>, usize)>,
}

impl Prefixes {
    /// Nothing learned yet.
    pub(super) const fn new(naming: Naming) -> Self {
        Self { naming, votes: Vec::new() }
    }

    /// Learns from one more name, unless it starts with what is certain already.
    pub(super) fn learn(&mut self, name: &str) {
        self.vote(name, Naming::is_known);
    }

    /// Learns from all names there are. Where the catalog knows none of their metrics, whatever may be
    /// an executor's id has a vote.
    pub(super) fn learn_all<'n>(&mut self, names: &(impl Iterator<Item = &'n str> + Clone)) {
        for name in names.clone() {
            self.learn(name);
            if self.votes.iter().any(|(_, votes)| *votes >= ENOUGH) {
                return;
            }
        }
        if self.votes.is_empty() {
            names.clone().for_each(|name| self.vote(name, |_, _| true));
        }
    }

    fn vote(&mut self, name: &str, is_key: fn(Naming, &str) -> bool) {
        let sure =
            |(prefix, votes): &(Box<str>, usize)| *votes >= ENOUGH && name.starts_with(&**prefix);
        if self.votes.iter().any(sure) {
            return;
        }
        for (prefix, _) in self.naming.splits(name).filter(|(_, key)| is_key(self.naming, key)) {
            if let Some((_, votes)) = self.votes.iter_mut().find(|(other, _)| **other == *prefix) {
                *votes += 1;
            } else if self.votes.len() < MAX_PREFIXES {
                self.votes.push((prefix.into(), 1));
            }
        }
    }

    /// Whose a name is; nothing where no prefix was learned.
    ///
    /// A metric that was registered before the application had an id has no prefix, and is the same
    /// process' as the others.
    pub(super) fn prefix(&self, name: &str) -> Option<&str> {
        self.best(|prefix| name.starts_with(prefix)).or_else(|| self.best(|_| true))
    }

    /// What is left of a name without its prefix, if it has one.
    pub(super) fn key<'n>(&self, name: &'n str) -> &'n str {
        let (_, start) = self.naming.marks();
        let own = self.best(|prefix| name.starts_with(prefix));
        name.strip_prefix(own.unwrap_or(start)).filter(|key| !key.is_empty()).unwrap_or(name)
    }

    /// Whose the names are, for the most part.
    pub(super) fn owner(&self) -> Option<Owner<'_>> {
        self.best(|_| true).map(|prefix| Owner::new(self.naming, prefix))
    }

    /// The one with most votes; of equals the longest: the others are parts of its namespace.
    fn best(&self, may: impl Fn(&str) -> bool) -> Option<&str> {
        let those = self.votes.iter().filter(|(prefix, _)| may(prefix));
        those.max_by_key(|(prefix, votes)| (*votes, prefix.len())).map(|(prefix, _)| &**prefix)
    }
}

/// The process whose names start with a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner<'a> {
    /// The application's id, or what the user chose; with the sink's prefix, if that has one.
    pub(super) namespace: &'a str,
    /// A number, or `driver`.
    pub(super) executor_id: &'a str,
}

impl<'a> Owner<'a> {
    pub(super) fn new(naming: Naming, prefix: &'a str) -> Self {
        let (separator, start) = naming.marks();
        let prefix = prefix.strip_prefix(start).unwrap_or(prefix);
        let prefix = prefix.strip_suffix(separator).unwrap_or(prefix);
        let (namespace, executor_id) = prefix.rsplit_once(separator).unwrap_or(("", prefix));
        Self { namespace, executor_id }
    }

    pub(super) fn is_driver(&self) -> bool {
        self.executor_id == DRIVER
    }

    /// The application's id: the one of the pod, if that is known, unless the namespace is the id of
    /// another application. One that is started from within the pod's inherits its settings, and
    /// its figures are not the pod's.
    pub(super) fn application_id(&self, of_pod: Option<&'a str>) -> Option<Cow<'a, str>> {
        let is_same = of_pod.is_some_and(|id| fold(id) == fold(self.namespace));
        let own = application_id(self.namespace).filter(|_| !is_same);
        own.or(of_pod.map(Cow::Borrowed))
    }
}

/// The id that a namespace is, folded or not; nothing where it does not look like an id.
///
/// Ids are `app-<time>-<number>` (standalone), `local-<time>`, `spark-<UUID without hyphens>` and
/// EMR's `spark-<job id>`, `spark-application-<time>`, and YARN's `application_<time>_<number>`.
/// Others were set by a user, and are no id.
pub(super) fn application_id(namespace: &str) -> Option<Cow<'_, str>> {
    let digits = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let time = |part: &str| part.len() >= 13 && digits(part);
    let job = |part: &str| {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_uuid = part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_uuid || (part.len() >= 16 && part.starts_with("00") && part.bytes().all(lower))
    };
    let parts: Vec<&str> = namespace.split(['-', '_']).collect();
    let hyphens = match parts.as_slice() {
        ["application", start, number] if time(start) && digits(number) => false,
        ["app", start, number] if time(start) && digits(number) => true,
        ["local", start] | ["spark", "application", start] if time(start) => true,
        ["spark", job_id] if job(job_id) => true,
        _ => return None,
    };
    let id = if hyphens { namespace.replace('_', "-").into() } else { namespace.into() };
    Some(id)
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
    /// (`PrometheusServlet.getMetricsSnapshot`). Counters and meters have the same label: which of its
    /// names are a meter's has to be given.
    pub(super) fn of_servlet(
        name: &'a str,
        labels: &[u8],
        is_meter: impl FnOnce(&str) -> bool,
    ) -> Self {
        let gauge = Self { key: name, of: MetricType::Gauge, field: Field::Value };
        let Some((key, field)) = servlet_field(name) else {
            return gauge;
        };
        let of = match (type_label(labels), field) {
            (Some(MetricType::Counter), Field::Rate(_)) => MetricType::Meter,
            (Some(MetricType::Counter), _) if is_meter(key) => MetricType::Meter,
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
            (Field::Count | Field::Rate(_), false, true) => MetricType::Meter,
            (Field::Count, false, false) => MetricType::Counter,
            _ => return gauge,
        };
        Self { key, of, field }
    }

    /// Whether a metric of that type has such a field.
    pub(super) const fn is_consistent(self) -> bool {
        match self.of {
            MetricType::Gauge => matches!(self.field, Field::Value),
            MetricType::Counter => matches!(self.field, Field::Count),
            MetricType::Meter => matches!(self.field, Field::Count | Field::Rate(_)),
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

/// The metric of which that name of the driver page, without its prefix, is a rate.
pub(super) fn rated(name: &str) -> Option<&str> {
    servlet_field(name).filter(|(_, field)| matches!(field, Field::Rate(_))).map(|(key, _)| key)
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
