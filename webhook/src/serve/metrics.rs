//! What the webhook counts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus::core::Collector as _;
use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

use crate::admit::Outcome;

/// The webhook's metrics, all in one registry.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    described: Vec<(String, String)>,
    decisions: IntCounterVec,
    partial: IntCounterVec,
    duration: Histogram,
    in_flight: IntGauge,
    answer_bytes: IntCounter,
    certificate_expiry: Gauge,
    reloads: IntCounterVec,
}

/// Upper bounds that show what is below a millisecond, and what comes near the time-out of 2 s.
const SECONDS: [f64; 12] =
    [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 2.0];

impl Metrics {
    /// Registers all of them.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let decisions = IntCounterVec::new(
            Opts::new(
                "emberscope_admission_decisions_total",
                "Admission reviews answered, by the pod's role and what was decided: injected, repaired, or why not.",
            ),
            &["role", "decision"],
        )?;
        let partial = IntCounterVec::new(
            Opts::new(
                "emberscope_admission_partial_total",
                "Injected pods that did not get everything, by reason.",
            ),
            &["reason"],
        )?;
        let duration = Histogram::with_opts(
            HistogramOpts::new(
                "emberscope_admission_duration_seconds",
                "Time from the last byte of a review to its answer.",
            )
            .buckets(SECONDS.to_vec()),
        )?;
        let in_flight = IntGauge::new(
            "emberscope_admission_in_flight",
            "Admission reviews that are being read or answered.",
        )?;
        let answer_bytes = IntCounter::new(
            "emberscope_admission_answer_bytes_total",
            "Size of all answers to admission reviews.",
        )?;
        let certificate_expiry = Gauge::new(
            "emberscope_certificate_expiry_timestamp_seconds",
            "When the certificate that is served expires, in Unix time; 0 before there is one.",
        )?;
        let reloads = IntCounterVec::new(
            Opts::new(
                "emberscope_config_reloads_total",
                "Changes of the configuration file, by whether it is in effect or was refused.",
            ),
            &["result"],
        )?;
        for result in ["in_effect", "refused"] {
            reloads.with_label_values(&[result]).reset();
        }
        let build = IntGauge::with_opts(
            Opts::new("emberscope_build_info", "The running version; always 1.")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build.set(1);
        let described = vec![
            decisions.desc(),
            partial.desc(),
            duration.desc(),
            in_flight.desc(),
            answer_bytes.desc(),
            certificate_expiry.desc(),
            reloads.desc(),
            build.desc(),
        ];
        let described = described.into_iter().flatten();
        let described = described.map(|desc| (desc.fq_name.clone(), desc.help.clone())).collect();
        registry.register(Box::new(decisions.clone()))?;
        registry.register(Box::new(partial.clone()))?;
        registry.register(Box::new(duration.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(answer_bytes.clone()))?;
        registry.register(Box::new(certificate_expiry.clone()))?;
        registry.register(Box::new(reloads.clone()))?;
        registry.register(Box::new(build))?;
        Ok(Self {
            registry,
            described,
            decisions,
            partial,
            duration,
            in_flight,
            answer_bytes,
            certificate_expiry,
            reloads,
        })
    }

    /// Counts one answered review.
    pub fn answered(&self, outcome: &Outcome, took: Duration, bytes: usize) {
        let role = outcome.role.map_or("none", crate::decide::Role::as_str);
        self.decisions.with_label_values(&[role, outcome.verdict.code()]).inc();
        for partial in &outcome.partial {
            self.partial.with_label_values(&[partial.code()]).inc();
        }
        self.duration.observe(took.as_secs_f64());
        self.answer_bytes.inc_by(bytes as u64);
    }

    /// Counts a review as in flight until the guard is dropped.
    #[must_use]
    pub fn enter(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }

    /// Notes until when the served certificate is valid.
    pub fn certificate(&self, expires: SystemTime) {
        let since = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.certificate_expiry.set(since.as_secs_f64().floor());
    }

    /// Counts a change of the configuration file.
    pub fn reloaded(&self, in_effect: bool) {
        let result = if in_effect { "in_effect" } else { "refused" };
        self.reloads.with_label_values(&[result]).inc();
    }

    /// Name and help of every metric, for documentation.
    #[must_use]
    pub fn described(&self) -> Vec<(String, String)> {
        self.described.clone()
    }

    /// The page in Prometheus' text format.
    #[must_use]
    pub fn page(&self) -> Vec<u8> {
        let mut page = Vec::new();
        // Encoding into memory fails only for families without samples, which are left out then.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut page);
        page
    }
}

/// A review in flight.
#[derive(Debug)]
pub struct InFlight<'a>(&'a IntGauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
