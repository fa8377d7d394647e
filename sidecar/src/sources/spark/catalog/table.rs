//! The notation of the tables.

use super::{Label, Metric, MetricType, Unit};
use crate::args::Role;
use crate::exposition::Kind;

/// One source of Spark's.
#[derive(Debug)]
pub(super) struct MetricsSource {
    /// What its metrics' names start with, for instance `DAGScheduler.`.
    pub(super) name: &'static str,
    pub(super) metrics: &'static [Metric],
}

pub(super) const DRIVER: &[Role] = &[Role::Driver];
pub(super) const EXECUTOR: &[Role] = &[Role::Executor];
pub(super) const BOTH: &[Role] = &[Role::Driver, Role::Executor];

/// A source: its name, the processes that have it, and what an executor's names leave out.
///
/// A row is `gauge("<metric>" in <Spark's unit>, "<name>", "<one sentence>")`, without unit where that
/// is the base unit; then come label, first release and the like, where there are any.
macro_rules! source {
    (
        $constant:ident: $source:literal of $of:ident, $left_out:literal;
        $($row:ident($metric:literal $(in $unit:ident)?, $name:literal, $help:literal)
            $(.$option:ident($($value:expr)?))*;)*
    ) => {
        pub(super) const $constant: MetricsSource = MetricsSource {
            name: $source,
            metrics: &[$(
                Metric {
                    names: [
                        concat!("spark_driver_", $left_out, $name),
                        concat!("spark_executor_", $name),
                    ],
                    help: concat!(
                        $help, " Spark's ", $source, $metric $(, ", there in ", stringify!($unit))?, "."
                    ),
                    of: $of,
                    ..$row($metric) $(.unit(Unit::$unit))?
                }
                $(.$option($($value)?))*,
            )*],
        };
    };
}
pub(super) use source;

/// A gauge.
pub(super) const fn gauge(metric: &'static str) -> Metric {
    row(metric, MetricType::Gauge, Kind::Gauge)
}

/// What Spark calls a gauge, though it only goes up.
pub(super) const fn rising(metric: &'static str) -> Metric {
    row(metric, MetricType::Gauge, Kind::Counter)
}

/// A counter.
pub(super) const fn counter(metric: &'static str) -> Metric {
    row(metric, MetricType::Counter, Kind::Counter)
}

/// A histogram.
pub(super) const fn histogram(metric: &'static str) -> Metric {
    row(metric, MetricType::Histogram, Kind::Summary)
}

/// A timer.
pub(super) const fn timer(metric: &'static str) -> Metric {
    row(metric, MetricType::Timer, Kind::Summary)
}

const fn row(metric: &'static str, metric_type: MetricType, kind: Kind) -> Metric {
    Metric {
        metric,
        around: around_brackets(metric),
        metric_type,
        names: [""; 2],
        kind,
        unit: Unit::Base,
        help: "",
        label: None,
        since: "3.0",
        of: &[],
        older_name: false,
    }
}

impl Metric {
    pub(super) const fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    pub(super) const fn label(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }

    pub(super) const fn since(self, since: &'static str) -> Self {
        Self { since, ..self }
    }

    pub(super) const fn older_name(self) -> Self {
        Self { older_name: true, ..self }
    }
}

/// What is before `<` and after `>`.
const fn around_brackets(metric: &'static str) -> Option<(&'static str, &'static str)> {
    let (mut open, mut close) = (0, 0);
    while close < metric.len() {
        match metric.as_bytes()[close] {
            b'<' => open = close,
            b'>' => return Some((metric.split_at(open).0, metric.split_at(close + 1).1)),
            _ => {}
        }
        close += 1;
    }
    None
}
