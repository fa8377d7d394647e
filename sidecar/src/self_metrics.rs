//! The sidecar's own figures: how the sources do, and what the sidecar costs.

mod cost;
mod table;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cost::Meter;
pub use table::{Described, TABLE};

use crate::args::Role;
use crate::exposition::{Page, Part};
use crate::scrape::{Report, Sheets};
use crate::sources::spark::Repairs;

/// The sidecar's own figures.
#[derive(Debug)]
pub struct Own {
    role: Role,
    meter: Meter,
    counts: Mutex<Counts>,
}

/// What was counted so far, and what the last round was like.
#[derive(Debug, Default)]
struct Counts {
    /// Whether each source was up, and how long it took.
    sources: BTreeMap<&'static str, (bool, Duration)>,
    /// By source and reason.
    errors: BTreeMap<(&'static str, &'static str), u64>,
    /// From the first look at Spark's lines on: zeros too, since a counter that starts at its first
    /// event hides it from `rate`.
    repairs: Option<Repairs>,
    left_out: u64,
    /// By family.
    cut: Vec<(String, usize)>,
    scrapes: u64,
    round: Duration,
    bytes: usize,
    samples: usize,
    spark_ended: bool,
}

impl Own {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self { role, meter: Meter::open(), counts: Mutex::default() }
    }

    /// One source is done.
    pub fn source(&self, report: &Report) {
        let source = report.source.as_str();
        let mut counts = self.counts();
        counts.sources.insert(source, (report.result.is_ok(), report.took));
        let repairs = match &report.result {
            Ok(figures) => {
                counts.left_out += figures.duplicates;
                Some(&figures.repairs)
            }
            Err(failure) => {
                *counts.errors.entry((source, failure.reason)).or_default() += 1;
                failure.repairs.as_deref()
            }
        };
        if let Some(repairs) = repairs {
            *counts.repairs.get_or_insert_default() += repairs;
        }
    }

    /// A round of the sources took so long, and gave these pages.
    pub fn round(&self, took: Duration, spark_ended: bool, sheets: &Sheets) {
        let mut counts = self.counts();
        counts.round = took;
        counts.spark_ended = spark_ended;
        counts.samples = sheets.samples();
        counts.left_out += sheets.left_out() as u64;
        counts.cut = sheets.cut().map(|(family, samples)| (family.to_owned(), samples)).collect();
    }

    /// A page of so many bytes was sent.
    pub fn sent(&self, bytes: usize) {
        self.counts().bytes = bytes;
    }

    /// Somebody asked for the page.
    pub fn asked(&self) {
        self.counts().scrapes += 1;
    }

    /// The own figures as they are now.
    #[must_use]
    pub fn page(&self) -> Page {
        let (cost, counts) = (self.meter.read(), self.counts());
        let mut page = Page::new();
        let mut put = |metric: &Described, labels: &[(&str, &str)], value: f64| {
            let family = page.family(metric.name, metric.kind, metric.help);
            let labels = page.labels(labels);
            page.push(family, Part::Value, labels, value);
        };
        let build = [("role", self.role.as_str()), ("version", env!("CARGO_PKG_VERSION"))];
        put(&table::BUILD_INFO, &build, 1.0);
        for (source, (is_up, took)) in &counts.sources {
            put(&table::SOURCE_UP, &[("source", source)], f64::from(*is_up));
            put(&table::SOURCE_DURATION, &[("source", source)], took.as_secs_f64());
        }
        for ((source, reason), count) in &counts.errors {
            put(&table::SOURCE_ERRORS, &[("reason", reason), ("source", source)], *count as f64);
        }
        for (reason, count) in counts.repairs.iter().flat_map(Repairs::iter) {
            put(&table::REPAIRS, &[("reason", reason.as_str())], count as f64);
        }
        put(&table::LEFT_OUT, &[], counts.left_out as f64);
        for (family, samples) in &counts.cut {
            put(&table::CUT, &[("family", family)], *samples as f64);
        }
        put(&table::SCRAPES, &[], counts.scrapes as f64);
        put(&table::SCRAPE_DURATION, &[], counts.round.as_secs_f64());
        put(&table::BYTES, &[], counts.bytes as f64);
        put(&table::SAMPLES, &[], counts.samples as f64);
        put(&table::SPARK_ENDED, &[], counts.spark_ended.into());
        if let Some(bytes) = cost.resident_bytes {
            put(&table::RESIDENT, &[], bytes as f64);
        }
        if let Some(seconds) = cost.cpu_seconds {
            put(&table::CPU, &[], seconds);
        }
        if let Some(count) = cost.open_fds {
            put(&table::OPEN_FDS, &[], count as f64);
        }
        page
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing is half done when a holder panics.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
