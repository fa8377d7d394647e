//! The sidecar's own figures: how the sources do, and what the sidecar costs.

mod cost;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cost::Meter;

use crate::args::Role;
use crate::exposition::{Described, Page};
use crate::lock::lock;
use crate::sources::{REASONS_OF_ALL, Reading, Repairs, Report};

/// Every metric that the sidecar has of itself: what the documentation lists, and nothing else is
/// served.
#[rustfmt::skip]
pub const TABLE: [Described; 16] = [
    Described::gauge("emberscope_build_info", &["version", "role"],
        "Version of the sidecar and the role of its pod; always 1."),
    Described::gauge("emberscope_source_up", &["source"],
        "Whether the source gave its figures for this page (1) or failed (0)."),
    Described::gauge("emberscope_source_duration_seconds", &["source"],
        "How long the source took for this page."),
    Described::counter("emberscope_source_errors_total", &["source", "reason"],
        "How often the source failed, by reason."),
    Described::counter("emberscope_repairs_total", &["reason"],
        "Lines of Spark's that were repaired or dropped to keep the page valid, by reason."),
    Described::counter("emberscope_unparsed_lines_total", &["source"],
        "Lines of the kernel's files (/proc, cgroup) that could not be read and were left out, by source; the rest of their file counts."),
    Described::counter("emberscope_left_out_samples_total", &[],
        "Samples left out because their series, or another source's metric of the name, is there already."),
    Described::gauge("emberscope_cut_samples", &["family"],
        "Samples of the metric that are not on this page, because there are more in all than --max-series allows."),
    Described::counter("emberscope_scrapes_total", &[],
        "How often this page was asked for."),
    Described::gauge("emberscope_scrape_duration_seconds", &[],
        "How long all sources together took for this page."),
    Described::gauge("emberscope_exposition_bytes", &[],
        "Size of the last page that was sent, before compression."),
    Described::gauge("emberscope_samples", &[],
        "Samples on this page before the sidecar's own metrics."),
    Described::gauge("emberscope_spark_ended", &[],
        "Whether Spark has ended (1): the page then holds the last values that were seen."),
    Described::gauge("emberscope_process_resident_memory_bytes", &[],
        "Resident memory of the sidecar."),
    Described::counter("emberscope_process_cpu_seconds_total", &[],
        "CPU time that the sidecar has used, user and system."),
    Described::gauge("emberscope_process_open_fds", &[],
        "Open file descriptors of the sidecar."),
];

/// The sidecar's own figures.
#[derive(Debug)]
pub struct SelfMetrics {
    role: Role,
    meter: Meter,
    scrapes: AtomicU64,
    left_out: AtomicU64,
    bytes: AtomicUsize,
    counts: Mutex<Counts>,
}

/// What has a label.
#[derive(Debug, Default)]
struct Counts {
    /// By source and reason; zeros from the source's first report on.
    errors: BTreeMap<(&'static str, &'static str), u64>,
    /// From the first look at Spark's lines on: zeros too, since a counter that starts at its first
    /// event hides it from `rate`.
    repairs: Option<Repairs>,
    /// Lines of the kernel's that were left out, by source; zeros too.
    unparsed_lines: BTreeMap<&'static str, u64>,
}

/// One scrape, as far as its page tells of it.
#[derive(Debug)]
pub struct Round<'a> {
    /// What each source gave.
    pub reports: &'a [Arc<Report>],
    /// How long all of them took.
    pub took: Duration,
    /// Whether Spark has ended.
    pub spark_ended: bool,
    /// How many samples are served, those of this page aside.
    pub samples: usize,
    /// How many samples of which family are not.
    pub cut: Vec<(&'a str, usize)>,
}

impl SelfMetrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(role: Role) -> Self {
        Self {
            role,
            meter: Meter::open(),
            scrapes: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            counts: Mutex::default(),
        }
    }

    /// A source was read, or has missed a scrape.
    pub fn report(&self, report: &Report) {
        let mut counts = lock(&self.counts);
        for reason in report.reasons.iter().chain(&REASONS_OF_ALL) {
            counts.errors.entry((report.source, reason)).or_default();
        }
        if let Some(lines) = report.unparsed_lines() {
            *counts.unparsed_lines.entry(report.source).or_default() += lines;
        }
        match &report.result {
            Ok(reading) => {
                drop(counts);
                self.reading(reading);
            }
            Err(failure) => {
                *counts.errors.entry((report.source, failure.reason)).or_default() += 1;
                counts.repair(failure.repairs.as_deref());
            }
        }
    }

    /// A source has given this.
    pub fn reading(&self, reading: &Reading) {
        self.left_out(reading.duplicates);
        lock(&self.counts).repair(Some(&reading.repairs));
    }

    /// So many samples are not served, since their series or family is there already.
    pub fn left_out(&self, samples: u64) {
        self.left_out.fetch_add(samples, Relaxed);
    }

    /// A page of so many bytes was sent.
    pub fn sent(&self, bytes: usize) {
        self.bytes.store(bytes, Relaxed);
    }

    /// Somebody asked for the page.
    pub fn asked(&self) {
        self.scrapes.fetch_add(1, Relaxed);
    }

    /// The own figures as they are now.
    #[must_use]
    pub fn page(&self, round: &Round<'_>) -> Page {
        let (cost, counts) = (self.meter.read(), lock(&self.counts));
        let mut page = Page::new();
        let mut put = |name: &str, labels: &[(&str, &str)], value: f64| {
            if let Some(metric) = TABLE.iter().find(|metric| metric.name == name) {
                page.put(metric, labels, value);
            }
        };
        let build = [("role", self.role.as_str()), ("version", env!("CARGO_PKG_VERSION"))];
        put("emberscope_build_info", &build, 1.0);
        for report in round.reports {
            let source = [("source", report.source)];
            put("emberscope_source_up", &source, f64::from(report.result.is_ok()));
            put("emberscope_source_duration_seconds", &source, report.took.as_secs_f64());
        }
        for ((source, reason), count) in &counts.errors {
            let labels = [("reason", *reason), ("source", *source)];
            put("emberscope_source_errors_total", &labels, *count as f64);
        }
        for (reason, count) in counts.repairs.iter().flat_map(Repairs::iter) {
            put("emberscope_repairs_total", &[("reason", reason.as_str())], count as f64);
        }
        for (source, lines) in &counts.unparsed_lines {
            put("emberscope_unparsed_lines_total", &[("source", source)], *lines as f64);
        }
        put("emberscope_left_out_samples_total", &[], self.left_out.load(Relaxed) as f64);
        for (family, samples) in &round.cut {
            put("emberscope_cut_samples", &[("family", family)], *samples as f64);
        }
        put("emberscope_scrapes_total", &[], self.scrapes.load(Relaxed) as f64);
        put("emberscope_scrape_duration_seconds", &[], round.took.as_secs_f64());
        put("emberscope_exposition_bytes", &[], self.bytes.load(Relaxed) as f64);
        put("emberscope_samples", &[], round.samples as f64);
        put("emberscope_spark_ended", &[], round.spark_ended.into());
        for (name, value) in cost {
            if let Some(value) = value {
                put(name, &[], value);
            }
        }
        page
    }
}

impl Counts {
    fn repair(&mut self, repairs: Option<&Repairs>) {
        if let Some(repairs) = repairs {
            *self.repairs.get_or_insert_default() += repairs;
        }
    }
}

#[cfg(test)]
mod tests;
