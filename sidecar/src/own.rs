//! The sidecar's own figures: how the sources do, and what the sidecar costs.

mod cost;
mod table;

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::MetricType;
use prometheus::{
    Counter, Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use cost::Cost;
pub use table::{Described, TABLE};

use crate::args::Role;
use crate::exposition::{Kind, Page, Part};
use crate::scrape::{Report, Sheets};
use crate::spark::Repairs;

/// The sidecar's own figures, in a registry of their own.
#[derive(Debug)]
pub struct Own {
    registry: Registry,
    source_up: IntGaugeVec,
    source_duration: GaugeVec,
    source_errors: IntCounterVec,
    repairs: IntCounterVec,
    left_out: IntCounter,
    cut: IntGaugeVec,
    scrapes: IntCounter,
    scrape_duration: Gauge,
    bytes: IntGauge,
    samples: IntGauge,
    spark_ended: IntGauge,
    resident: IntGauge,
    cpu: Counter,
    open_fds: IntGauge,
}

impl Own {
    /// Registers every metric of [`TABLE`] in `registry`.
    ///
    /// # Errors
    ///
    /// The registry has one of the names already.
    pub fn register(registry: Registry, role: Role) -> prometheus::Result<Self> {
        let counter = |metric: &Described| add(&registry, IntCounter::with_opts(opts(metric))?);
        let gauge = |metric: &Described| add(&registry, IntGauge::with_opts(opts(metric))?);
        let counters =
            |metric: &Described| add(&registry, IntCounterVec::new(opts(metric), metric.labels)?);
        let gauges =
            |metric: &Described| add(&registry, IntGaugeVec::new(opts(metric), metric.labels)?);
        gauges(&table::BUILD_INFO)?
            .with_label_values(&[env!("CARGO_PKG_VERSION"), role.as_str()])
            .set(1);
        let durations = GaugeVec::new(opts(&table::SOURCE_DURATION), table::SOURCE_DURATION.labels);
        Ok(Self {
            source_up: gauges(&table::SOURCE_UP)?,
            source_duration: add(&registry, durations?)?,
            source_errors: counters(&table::SOURCE_ERRORS)?,
            repairs: counters(&table::REPAIRS)?,
            left_out: counter(&table::LEFT_OUT)?,
            cut: gauges(&table::CUT)?,
            scrapes: counter(&table::SCRAPES)?,
            scrape_duration: add(&registry, Gauge::with_opts(opts(&table::SCRAPE_DURATION))?)?,
            bytes: gauge(&table::BYTES)?,
            samples: gauge(&table::SAMPLES)?,
            spark_ended: gauge(&table::SPARK_ENDED)?,
            resident: gauge(&table::RESIDENT)?,
            cpu: add(&registry, Counter::with_opts(opts(&table::CPU))?)?,
            open_fds: gauge(&table::OPEN_FDS)?,
            registry,
        })
    }

    /// One source is done.
    pub fn source(&self, report: &Report) {
        let source = report.source.as_str();
        self.source_duration.with_label_values(&[source]).set(report.took.as_secs_f64());
        self.source_up.with_label_values(&[source]).set(report.result.is_ok().into());
        let repairs = match &report.result {
            Ok(figures) => {
                self.left_out.inc_by(figures.duplicates);
                Some(&figures.repairs)
            }
            Err(failure) => {
                self.source_errors.with_label_values(&[source, failure.reason]).inc();
                failure.repairs.as_deref()
            }
        };
        for (reason, count) in repairs.into_iter().flat_map(Repairs::iter) {
            // Zeros too: a counter that starts at its first event hides it from `rate`.
            self.repairs.with_label_values(&[reason.as_str()]).inc_by(count);
        }
    }

    /// A round of the sources took so long, and gave these pages.
    pub fn round(&self, took: Duration, spark_ended: bool, sheets: &Sheets) {
        self.scrape_duration.set(took.as_secs_f64());
        self.spark_ended.set(spark_ended.into());
        self.samples.set(count(sheets.samples()));
        self.left_out.inc_by(sheets.left_out() as u64);
        self.cut.reset();
        for (family, samples) in sheets.cut() {
            self.cut.with_label_values(&[family]).set(count(samples));
        }
    }

    /// A page of so many bytes was sent.
    pub fn sent(&self, bytes: usize) {
        self.bytes.set(count(bytes));
    }

    /// Somebody asked for the page.
    pub fn asked(&self) {
        self.scrapes.inc();
    }

    /// The own figures as they are now.
    #[must_use]
    pub fn page(&self) -> Page {
        let cost = Cost::read();
        if let Some(bytes) = cost.resident_bytes {
            self.resident.set(bytes);
        }
        if let Some(seconds) = cost.cpu_seconds {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Some(count) = cost.open_fds {
            self.open_fds.set(count);
        }
        let mut page = Page::new();
        for family in self.registry.gather() {
            // The table has nothing else.
            let is_counter = family.get_field_type() == MetricType::COUNTER;
            let kind = if is_counter { Kind::Counter } else { Kind::Gauge };
            let id = page.family(family.name().to_owned(), kind, family.help().to_owned());
            for metric in family.get_metric() {
                let labels = metric.get_label().iter();
                let labels: Vec<_> = labels.map(|label| (label.name(), label.value())).collect();
                let labels = page.labels(&labels);
                let value = match kind {
                    Kind::Counter => metric.get_counter().get_value(),
                    Kind::Gauge | Kind::Summary | Kind::Untyped => metric.get_gauge().get_value(),
                };
                page.push(id, Part::Value, labels, value);
            }
        }
        page
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn opts(metric: &Described) -> Opts {
    Opts::new(metric.name, metric.help)
}

fn add<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(test)]
mod tests;
