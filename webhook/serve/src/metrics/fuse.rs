//! What is counted of fuses.

use std::sync::Arc;

use emberscope_core::fuse::{Failure, FuseKey};
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts};

use super::Registrar;

/// The metrics of fuses.
#[derive(Debug)]
pub(crate) struct FuseMetrics {
    blown: IntGaugeVec,
    trips: IntCounterVec,
    watching: IntGauge,
}

impl FuseMetrics {
    /// Registers them.
    pub(super) fn new(registrar: &mut Registrar) -> prometheus::Result<Self> {
        let metrics = Self {
            blown: registrar.add(IntGaugeVec::new(
                Opts::new(
                    "emberscope_fuse_blown",
                    "1 for each namespace and image whose pods are left alone because the sidecar does not start there.",
                ),
                &["namespace", "image"],
            )?)?,
            trips: registrar.counters(
                "emberscope_fuse_trips_total",
                "Fuses that blew, by why the first sidecar did not start.",
                &["reason"],
            )?,
            watching: registrar.add(IntGauge::new(
                "emberscope_fuse_watching",
                "Whether Spark's pods are watched (1), so that a sidecar that does not start blows the fuse; if not (0), what was known last counts.",
            )?)?,
        };
        // So that their increase is seen from the first one on.
        for failure in Failure::ALL {
            metrics.trips.with_label_values(&[failure.as_str()]).reset();
        }
        Ok(metrics)
    }

    /// Notes which fuses are blown, and which were.
    pub(crate) fn blown(&self, before: &[Arc<FuseKey>], now: &[Arc<FuseKey>]) {
        // Of one image there may be two, by two configurations.
        fn labels(key: &FuseKey) -> [&str; 2] {
            [&key.namespace, &key.image]
        }
        for key in now {
            self.blown.with_label_values(&labels(key)).set(1);
        }
        for gone in before.iter().filter(|was| !now.iter().any(|is| labels(is) == labels(was))) {
            let _ = self.blown.remove_label_values(&labels(gone));
        }
    }

    /// Counts a fuse that blew.
    pub(crate) fn blew(&self, failure: Failure) {
        self.trips.with_label_values(&[failure.as_str()]).inc();
    }

    /// Notes whether pods are watched.
    pub(crate) fn watching(&self, watching: bool) {
        self.watching.set(watching.into());
    }
}
