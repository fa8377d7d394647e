//! What Spark's metrics are called here, what they mean, and in which unit Spark gives them.
//!
//! A name is the source in snake case, then the metric in words, then the base unit, and `_total`
//! on counters (<https://prometheus.io/docs/practices/naming/>); the page it goes to adds
//! `spark_driver_` or `spark_executor_`. What Spark packs into a name (a queue, a query, a pool)
//! is a label. The sources are the classes that extend `org.apache.spark.metrics.source.Source`;
//! most are listed at <https://spark.apache.org/docs/latest/monitoring.html#metrics>.

mod executor;
mod jvm;
mod label;
mod lookup;
mod netty;
mod scheduler;
mod sql;
mod unit;

pub use label::Label;
pub(super) use lookup::{Known, find, fold, is_source};
pub use unit::Unit;

use crate::exposition::Kind;

/// One metric of Spark's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Spark's source, for instance `DAGScheduler`.
    pub source: &'static str,
    /// Spark's metric, for instance `stage.runningStages`; the part that becomes a label stands in
    /// angle brackets: `queue.<queue>.size`.
    pub metric: &'static str,
    /// What Dropwizard calls it.
    pub shape: Shape,
    /// The name without its `spark_driver_` or `spark_executor_`.
    pub name: &'static str,
    /// What it is to Prometheus.
    pub kind: Kind,
    /// The unit that Spark gives it in; it is served in the base unit.
    pub unit: Unit,
    /// One sentence about it.
    pub help: &'static str,
    /// What the part of the metric in angle brackets, or what is before it, becomes.
    pub label: Option<Label>,
    /// The first Spark release that is known to have it.
    pub since: &'static str,
    /// Which processes have it.
    pub scopes: &'static [Scope],
    /// An older name of a metric that newer releases give under both names.
    pub older_name: bool,
}

/// Which of Spark's processes a metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The driver.
    Driver,
    /// An executor.
    Executor,
}

/// Dropwizard's types of metrics (`com.codahale.metrics`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A value.
    Gauge,
    /// A count; a meter's too, whose rates are not of interest.
    Counter,
    /// Quantiles of the last observations.
    Histogram,
    /// Quantiles of the last durations.
    Timer,
}

impl Scope {
    /// The name of a metric of this process.
    ///
    /// The executor's own sources, `executor` and `ExecutorMetrics`, are not named twice there:
    /// `spark_driver_executor_run_time_…`, `spark_executor_run_time_…`.
    #[must_use]
    pub fn name(self, name: &str) -> String {
        match self {
            Self::Driver => format!("spark_driver_{name}"),
            Self::Executor => {
                format!("spark_executor_{}", name.strip_prefix("executor_").unwrap_or(name))
            }
        }
    }
}

/// Every metric that is known, source by source.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [
        scheduler::ENTRIES,
        executor::ENTRIES,
        executor::METRICS,
        netty::ENTRIES,
        jvm::ENTRIES,
        sql::ENTRIES,
        sql::STREAMING,
    ]
    .into_iter()
    .flatten()
}

const BOTH: &[Scope] = &[Scope::Driver, Scope::Executor];

impl Entry {
    /// The help text, with Spark's own name and unit.
    #[must_use]
    pub fn help(&self) -> String {
        let Self { source, metric, help, .. } = self;
        match self.spark_unit() {
            None => format!("{help} Spark's {source}.{metric}."),
            Some(unit) => format!("{help} Spark's {source}.{metric}, there in {unit}."),
        }
    }

    /// The unit that Spark gives it in, where that is not the base unit.
    #[must_use]
    pub const fn spark_unit(&self) -> Option<&'static str> {
        match (self.shape, self.unit) {
            (Shape::Timer, _) => Unit::Nanoseconds.word(),
            (_, unit) => unit.word(),
        }
    }

    const fn new(
        (source, metric): (&'static str, &'static str),
        (shape, kind): (Shape, Kind),
        name: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            source,
            metric,
            shape,
            name,
            kind,
            unit: Unit::Base,
            help,
            label: None,
            since: "3.0",
            scopes: BOTH,
            older_name: false,
        }
    }

    const fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    const fn label(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }

    const fn since(self, since: &'static str) -> Self {
        Self { since, ..self }
    }

    const fn driver(self) -> Self {
        Self { scopes: &[Scope::Driver], ..self }
    }

    const fn executor(self) -> Self {
        Self { scopes: &[Scope::Executor], ..self }
    }

    const fn older_name(self) -> Self {
        Self { older_name: true, ..self }
    }
}

/// A gauge.
const fn gauge(
    source: &'static str,
    metric: &'static str,
    name: &'static str,
    help: &'static str,
) -> Entry {
    Entry::new((source, metric), (Shape::Gauge, Kind::Gauge), name, help)
}

/// What Spark calls a gauge, though it only goes up.
const fn rising(
    source: &'static str,
    metric: &'static str,
    name: &'static str,
    help: &'static str,
) -> Entry {
    Entry::new((source, metric), (Shape::Gauge, Kind::Counter), name, help)
}

/// A counter.
const fn counter(
    source: &'static str,
    metric: &'static str,
    name: &'static str,
    help: &'static str,
) -> Entry {
    Entry::new((source, metric), (Shape::Counter, Kind::Counter), name, help)
}

/// A histogram.
const fn histogram(
    source: &'static str,
    metric: &'static str,
    name: &'static str,
    help: &'static str,
) -> Entry {
    Entry::new((source, metric), (Shape::Histogram, Kind::Summary), name, help)
}

/// A timer.
const fn timer(
    source: &'static str,
    metric: &'static str,
    name: &'static str,
    help: &'static str,
) -> Entry {
    Entry::new((source, metric), (Shape::Timer, Kind::Summary), name, help)
}

#[cfg(test)]
mod tests;
