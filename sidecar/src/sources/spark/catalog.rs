//! What Spark's metrics are called here, what they mean, and in which unit Spark gives them.
//!
//! A name is the source in snake case, then the metric in words, then the base unit, and `_total`
//! on counters (<https://prometheus.io/docs/practices/naming/>), behind `spark_driver_` or
//! `spark_executor_`. What Spark packs into a name (a queue, a query, a pool) is a label. The
//! sources are the classes that extend `org.apache.spark.metrics.source.Source`; most are listed at
//! <https://spark.apache.org/docs/latest/monitoring.html#metrics>.
//!
//! All of it is constant: each source has its table, in the notation of `table`.

mod executor;
mod jvm;
mod netty;
mod scheduler;
mod sql;
mod table;

use crate::args::Role;
use crate::exposition::Kind;
use table::MetricsSource;

/// One metric of Spark's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Spark's metric without its source, for instance `stage.runningStages`; the part that becomes
    /// a label stands in angle brackets: `queue.<queue>.size`.
    pub metric: &'static str,
    /// What is before and after that part.
    around: Option<(&'static str, &'static str)>,
    /// What Dropwizard calls it.
    pub metric_type: MetricType,
    /// The names on the driver and on an executor.
    names: [&'static str; 2],
    /// What it is to Prometheus.
    pub kind: Kind,
    /// The unit that Spark gives it in; it is served in the base unit.
    pub unit: Unit,
    /// One sentence about it, with Spark's own name and unit.
    pub help: &'static str,
    /// What the part of the metric in angle brackets becomes.
    pub label: Option<Label>,
    /// The first Spark release that is known to have it.
    pub since: &'static str,
    /// Which processes have it.
    pub of: &'static [Role],
    /// An older name of a metric that newer releases give under both names.
    pub older_name: bool,
}

impl Metric {
    /// The name that it is served under.
    #[must_use]
    pub const fn name(&self, of: Role) -> &'static str {
        self.names[of as usize]
    }
}

/// All sources.
const SOURCES: [MetricsSource; 15] = [
    scheduler::DAG_SCHEDULER,
    scheduler::APP_STATUS,
    scheduler::LISTENER_BUS,
    scheduler::BLOCK_MANAGER,
    scheduler::EXECUTOR_ALLOCATION,
    executor::EXECUTOR,
    executor::EXECUTOR_METRICS,
    netty::NETTY,
    netty::EXTERNAL_SHUFFLE,
    jvm::JVM_CPU,
    jvm::JVM,
    sql::CODE_GENERATOR,
    sql::HIVE_CATALOG,
    sql::STRUCTURED_STREAMING,
    sql::DSTREAMS,
];

/// The types of Dropwizard's metrics (`com.codahale.metrics`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// A value.
    Gauge,
    /// A count, which may go down: it has `dec()`.
    Counter,
    /// A count with rates, which only goes up.
    Meter,
    /// A count, and statistics of the last observations.
    Histogram,
    /// A meter, and statistics of the last durations.
    Timer,
}

/// The unit of a Spark metric, as Spark has it; served is the base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(non_camel_case_types, reason = "the tables and the help texts spell them like this")]
pub enum Unit {
    /// A number of things, bytes, seconds or a ratio: served as it is.
    Base,
    /// 1,048,576 bytes, which Spark calls MB; served in bytes.
    MB,
    /// Milliseconds, served in seconds.
    ms,
    /// Nanoseconds, served in seconds.
    ns,
}

impl Unit {
    /// The value in the base unit.
    pub(super) fn convert(self, value: f64) -> f64 {
        // Divided, not multiplied by 0.001: 272 ms are 0.272 s and not 0.27200000000000002 s.
        match self {
            Self::Base => value,
            Self::MB => value * 1_048_576.0,
            Self::ms => value / 1e3,
            Self::ns => value / 1e9,
        }
    }

    /// Whether it is one of time: Spark has -1 for a duration that there is not.
    pub(super) const fn is_time(self) -> bool {
        matches!(self, Self::ms | Self::ns)
    }
}

/// What a part of a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// A queue of the listener bus: appStatus, executorManagement, shared, eventLog, streams.
    Queue,
    /// A listener's class.
    Listener,
    /// A streaming query's name, or its id where it has none.
    Query,
    /// A memory pool of the JVM.
    Pool,
    /// A garbage collector of the JVM.
    Collector,
    /// The scheme of a Hadoop file system.
    Scheme,
}

impl Label {
    /// The label's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Listener => "listener",
            Self::Query => "query",
            Self::Pool => "pool",
            Self::Collector => "collector",
            Self::Scheme => "scheme",
        }
    }
}

/// Every metric that is known, source by source.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    SOURCES.iter().flat_map(|source| source.metrics)
}

/// A metric that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    /// Its place among [`metrics`].
    pub(super) index: usize,
    pub(super) metric: &'static Metric,
    /// The part of the key that becomes a label; empty where there is none.
    pub(super) part: &'a str,
}

/// The metric of a key `<source>.<metric>`.
///
/// What separates the words does not count: `PrometheusServlet` writes `_` for all but letters and
/// digits. Whole names go before those with a part that varies.
pub(super) fn find(key: &str) -> Option<Found<'_>> {
    let mut before = 0;
    for MetricsSource { name, metrics } in &SOURCES {
        if let Some(rest) = strip_prefix(key, name) {
            let whole =
                |it: &Metric| (it.around.is_none() && is_same(it.metric, rest)).then_some("");
            let varies = |it: &Metric| {
                let (start, end) = it.around?;
                let part = strip_suffix(strip_prefix(rest, start)?, end)?;
                Some(part).filter(|part| !part.is_empty())
            };
            let all = || (before..).zip(*metrics);
            let found = all().find_map(|(index, metric)| Some((index, metric, whole(metric)?)));
            let found = found.or_else(|| {
                all().find_map(|(index, metric)| Some((index, metric, varies(metric)?)))
            });
            if let Some((index, metric, part)) = found {
                return Some(Found { index, metric, part });
            }
        }
        before += metrics.len();
    }
    None
}

/// Whether the two are the same but for what is between their words.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).all(|(one, other)| {
            one == other || !(one.is_ascii_alphanumeric() || other.is_ascii_alphanumeric())
        })
}

fn strip_prefix<'a>(key: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = key.split_at_checked(prefix.len())?;
    is_same(start, prefix).then_some(rest)
}

fn strip_suffix<'a>(key: &'a str, suffix: &str) -> Option<&'a str> {
    let (rest, end) = key.split_at_checked(key.len().checked_sub(suffix.len())?)?;
    is_same(end, suffix).then_some(rest)
}

#[cfg(test)]
mod tests;
