//! What the webhook counts.

mod fuse;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use emberscope_certs::stored::Part;
use emberscope_core::{Admission, NativeSidecars, Role};
use prometheus::core::Collector;
use prometheus::{
    Encoder as _, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge,
    Opts, Registry, TextEncoder,
};

pub(crate) use fuse::FuseMetrics;

/// The webhook's metrics, all in one registry.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    described: Vec<(String, String)>,
    requests: IntCounterVec,
    decisions: IntCounterVec,
    partial: IntCounterVec,
    duration: Histogram,
    in_flight: IntGauge,
    patch_bytes: IntCounter,
    evictions: IntCounterVec,
    certificate_expiry: Gauge,
    rounds: IntCounterVec,
    mended: IntCounterVec,
    reloads: IntCounterVec,
    last_reload_successful: IntGauge,
    native: IntGauge,
    fuse: FuseMetrics,
    current: GaugeVec,
    watching: [AtomicBool; Watched::ALL.len()],
    build: IntGauge,
}

/// Upper bounds that show what is below a millisecond, and what comes near the time-out of 2 s.
const SECONDS: [f64; 12] =
    [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 2.0];

impl Metrics {
    /// Registers all of them.
    pub fn new() -> prometheus::Result<Self> {
        let mut registrar = Registrar::default();
        let metrics = Self {
            requests: registrar.counters(
                "emberscope_admission_requests_total",
                "Requests to /mutate answered, by HTTP status; all but 200 could not be read. Every answer allows the pod.",
                &["code"],
            )?,
            decisions: registrar.counters(
                "emberscope_admission_decisions_total",
                "Admission reviews answered, by the pod's role and what was decided: injected, repaired, or why not.",
                &["role", "decision"],
            )?,
            partial: registrar.counters(
                "emberscope_admission_partial_total",
                "Injected pods that did not get everything, by reason.",
                &["reason"],
            )?,
            duration: registrar.add(Histogram::with_opts(
                HistogramOpts::new(
                    "emberscope_admission_duration_seconds",
                    "Time from the last byte of a review to its answer.",
                )
                .buckets(SECONDS.to_vec()),
            )?)?,
            in_flight: registrar.add(IntGauge::new(
                "emberscope_admission_in_flight",
                "Admission reviews that are being read or answered.",
            )?)?,
            patch_bytes: registrar.add(IntCounter::new(
                "emberscope_admission_patch_bytes_total",
                "Size of all JSON Patches.",
            )?)?,
            evictions: registrar.counters(
                "emberscope_evictions_total",
                "Connections that had to go for others, for want of places or of room, by what their client did: nothing yet (opening), sent slowly, waited for room, or was idle.",
                &["client"],
            )?,
            certificate_expiry: registrar.add(Gauge::new(
                "emberscope_certificate_expiry_timestamp_seconds",
                "When the certificate that is served expires, in Unix time; 0 before there is one.",
            )?)?,
            rounds: registrar.counters(
                "emberscope_certificate_rounds_total",
                "Rounds of looking after the certificate (Secret and caBundle, or files), by whether all went well.",
                &["result"],
            )?,
            mended: registrar.counters(
                "emberscope_certificate_mended_total",
                "What somebody else had deleted or spoilt, and the webhook mended: parts of the Secret (authority, successor, previous, leaf), the whole Secret, the caBundle.",
                &["what"],
            )?,
            reloads: registrar.counters(
                "emberscope_config_reloads_total",
                "Changes of the configuration file, by whether it is in effect or was refused.",
                &["result"],
            )?,
            last_reload_successful: registrar.add(IntGauge::new(
                "emberscope_config_last_reload_successful",
                "Whether the configuration file, as it is now, is in effect (1) or refused (0).",
            )?)?,
            native: registrar.add(IntGauge::new(
                "emberscope_sidecar_native",
                "Whether every kubelet is known to know native sidecars (1); where not (0), pods are left alone.",
            )?)?,
            fuse: FuseMetrics::new(&mut registrar)?,
            current: registrar.add(GaugeVec::new(
                Opts::new(
                    "emberscope_namespace_limits_current_timestamp_seconds",
                    "Up to when what is known of the LimitRanges and ResourceQuotas of namespaces is current, in Unix time: now while they are watched, 0 if they were never read.",
                ),
                &["kind"],
            )?)?,
            watching: Default::default(),
            build: registrar.add(IntGauge::with_opts(
                Opts::new("emberscope_build_info", "The running version; always 1.")
                    .const_label("version", env!("CARGO_PKG_VERSION")),
            )?)?,
            registry: registrar.registry,
            described: registrar.described,
        };
        metrics.build.set(1);
        metrics.last_reload_successful.set(1);
        for client in ["opening", "sending", "waiting", "idle"] {
            metrics.evictions.with_label_values(&[client]).reset();
        }
        for kind in Watched::ALL {
            metrics.current.with_label_values(&[kind.as_str()]).set(0.0);
        }
        for what in Mended::ALL {
            metrics.mended.with_label_values(&[what.as_str()]).reset();
        }
        // So that their increase is seen from the first one on.
        for (counters, results) in
            [(&metrics.rounds, ["ok", "failed"]), (&metrics.reloads, ["in_effect", "refused"])]
        {
            for result in results {
                counters.with_label_values(&[result]).reset();
            }
        }
        Ok(metrics)
    }

    /// Counts one answered request; `took` for a review that was read.
    pub fn answered(&self, status: StatusCode, admission: &Admission, took: Option<Duration>) {
        let outcome = &admission.outcome;
        self.requests.with_label_values(&[status.as_str()]).inc();
        let role = outcome.role.map_or("none", Role::as_str);
        self.decisions.with_label_values(&[role, outcome.code()]).inc();
        for partial in outcome.partial() {
            self.partial.with_label_values(&[partial.code()]).inc();
        }
        if let Some(took) = took {
            self.duration.observe(took.as_secs_f64());
        }
        self.patch_bytes.inc_by(admission.patch_bytes as u64);
    }

    /// Counts a review as in flight until the guard is dropped.
    #[must_use]
    pub fn enter(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }

    /// Counts connections that had to go for others, by what their client did.
    #[must_use]
    pub fn evictions(&self) -> IntCounterVec {
        self.evictions.clone()
    }

    /// Notes until when the served certificate is valid.
    pub fn certificate(&self, expires: SystemTime) {
        let since = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.certificate_expiry.set(since.as_secs_f64().floor());
    }

    /// Counts a round of looking after the certificate.
    pub fn round(&self, ok: bool) {
        self.rounds.with_label_values(&[if ok { "ok" } else { "failed" }]).inc();
    }

    /// Counts what was mended.
    pub fn mended(&self, what: Mended) {
        self.mended.with_label_values(&[what.as_str()]).inc();
    }

    /// Notes what kubelets know.
    pub fn kubelets(&self, know: NativeSidecars) {
        self.native.set(i64::from(know == NativeSidecars::Everywhere));
    }

    /// Those of the fuses.
    pub(crate) const fn fuse(&self) -> &FuseMetrics {
        &self.fuse
    }

    /// Notes whether a kind of object is watched.
    pub fn watching(&self, kind: Watched, is_watched: bool) {
        let was = self.watching[kind as usize].swap(is_watched, Ordering::Relaxed);
        if was || is_watched {
            self.is_current(kind);
        }
    }

    fn is_current(&self, kind: Watched) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.current.with_label_values(&[kind.as_str()]).set(since.as_secs_f64().floor());
    }

    /// Counts a change of the configuration file.
    pub fn reloaded(&self, in_effect: bool) {
        let result = if in_effect { "in_effect" } else { "refused" };
        self.reloads.with_label_values(&[result]).inc();
    }

    /// Notes whether the configuration file can be used as it is.
    pub fn configured(&self, usable: bool) {
        self.last_reload_successful.set(i64::from(usable));
    }

    /// Name and help of every metric, for documentation.
    #[must_use]
    pub fn described(&self) -> Vec<(String, String)> {
        self.described.clone()
    }

    /// The page in Prometheus' text format.
    #[must_use]
    pub fn page(&self) -> Vec<u8> {
        for kind in Watched::ALL {
            if self.watching[kind as usize].load(Ordering::Relaxed) {
                self.is_current(kind);
            }
        }
        let mut page = Vec::new();
        // Encoding into memory fails only for families without samples, which are left out then.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut page);
        page
    }
}

/// Objects of namespaces that are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Watched {
    LimitRanges,
    ResourceQuotas,
}

impl Watched {
    /// Both.
    pub const ALL: [Self; 2] = [Self::LimitRanges, Self::ResourceQuotas];

    /// The kind, as Kubernetes calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LimitRanges => "LimitRange",
            Self::ResourceQuotas => "ResourceQuota",
        }
    }
}

/// What somebody else spoils and the webhook mends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    /// A part of the Secret that could not be used.
    Part(Part),
    /// The Secret was gone.
    Secret,
    /// API servers did not trust what is served.
    CaBundle,
}

impl Mended {
    /// All of them.
    pub const ALL: [Self; 6] = {
        let [authority, successor, previous, leaf] = Part::ALL;
        [
            Self::Part(authority),
            Self::Part(successor),
            Self::Part(previous),
            Self::Part(leaf),
            Self::Secret,
            Self::CaBundle,
        ]
    };

    const fn as_str(self) -> &'static str {
        match self {
            Self::Part(part) => part.as_str(),
            Self::Secret => "secret",
            Self::CaBundle => "ca_bundle",
        }
    }
}

/// Registers metrics, and keeps what the documentation lists.
#[derive(Default)]
struct Registrar {
    registry: Registry,
    described: Vec<(String, String)>,
}

impl Registrar {
    fn add<C: Collector + Clone + 'static>(&mut self, metric: C) -> prometheus::Result<C> {
        let described = metric.desc().into_iter();
        self.described.extend(described.map(|desc| (desc.fq_name.clone(), desc.help.clone())));
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
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
