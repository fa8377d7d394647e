//! What decisions are made with: the configuration, and what is worked out from it once.

use crate::config::{Config, Mode};
use crate::submit_opts;

/// What decisions are made with: the configuration and what was worked out from it once.
#[derive(Debug)]
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// Whether all kubelets know native sidecars.
    pub native: bool,
    /// How sidecars are placed.
    pub placement: Placement,
    /// The value of the annotation that marks injected pods: version and fingerprint.
    pub injected: String,
    /// The Spark settings as JVM options.
    pub options: String,
}

/// How the sidecar is placed in the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// A native sidecar: an init container with `restartPolicy: Always`.
    Native,
    /// A container beside Spark's.
    Classic,
}

impl Settings {
    /// Settings for a cluster of which `native` tells whether all its kubelets know native
    /// sidecars; a configured mode rules over that.
    #[must_use]
    pub fn new(config: Config, native: bool) -> Self {
        let placement = match config.sidecar.mode {
            Mode::Native => Placement::Native,
            Mode::Auto if native => Placement::Native,
            Mode::Auto | Mode::Classic => Placement::Classic,
        };
        let injected = format!("{}-{}", env!("CARGO_PKG_VERSION"), config.fingerprint());
        let mut confs = config.spark_confs.clone();
        let push = "spark.metrics.conf.executor.sink.emberscope";
        if confs.contains_key(&format!("{push}.class")) {
            confs
                .entry(format!("{push}.port"))
                .or_insert_with(|| config.sidecar.push_port.get().to_string());
        }
        let options = submit_opts::options(&confs);
        Self { config, native, placement, injected, options }
    }
}
