//! The families of what Dropwizard derives: statistics of the last observations, and rates.
//!
//! Prometheus works rates out itself, and cannot add a mean to another; so these are served with
//! `--profile=full` only (<https://prometheus.io/docs/instrumenting/writing_exporters/#drop-less-useful-statistics>).

use std::borrow::Cow;

use crate::exposition::Kind;
use crate::sources::spark::catalog::Unit;
use crate::sources::spark::dropwizard::Field;

/// The label of a rate: over how long.
pub(super) const WINDOW: &str = "window";

/// A family that a reading goes to.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: Cow<'static, str>,
    pub(super) help: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
}

impl Named {
    /// The family of a field of this metric: itself, or one of what is derived from it.
    pub(super) fn of(self, field: Field) -> Self {
        let Self { name, help, unit, .. } = self;
        let (name, help, unit) = match field {
            Field::Statistic(statistic) => {
                let help = format!("{help} Here {} of the last observations.", words(statistic));
                (format!("{name}_{statistic}"), help, unit)
            }
            Field::Rate(_) => {
                let events = name.strip_suffix("_total").unwrap_or(&name);
                let help = format!("{help} Here how many of them per second, as Spark has it.");
                (format!("{events}_events_per_second"), help, Unit::Base)
            }
            _ => return Self { name, help, unit, kind: self.kind },
        };
        Self { name: name.into(), help: help.into(), kind: Kind::Gauge, unit }
    }
}

fn words(statistic: &str) -> &'static str {
    match statistic {
        "max" => "the greatest",
        "min" => "the least",
        "mean" => "the mean",
        _ => "the standard deviation",
    }
}
