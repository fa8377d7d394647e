//! What decisions are made with: the configuration, and what is worked out from it once.

use std::collections::BTreeMap;

use crate::config::{Config, Selector, push_sink};
use crate::decide::Role;
use crate::pod::Pod;
use crate::submit_opts;

/// The settings for every pod of a cluster.
#[derive(Debug)]
pub struct AllSettings {
    /// The configuration, as it was given.
    pub config: Config,
    /// What the cluster's kubelets know.
    pub native_sidecars: NativeSidecars,
    default: Settings,
    profiles: Vec<(Selector, Settings)>,
}

impl AllSettings {
    /// Settings for a cluster whose kubelets know so much.
    #[must_use]
    pub fn new(config: Config, native_sidecars: NativeSidecars) -> Self {
        let profiles = config.profiles.iter().map(|profile| {
            let settings = Settings::new(profile.config.clone(), native_sidecars);
            (profile.selector.clone(), Settings { profile: Some(profile.name.clone()), ..settings })
        });
        Self {
            native_sidecars,
            profiles: profiles.collect(),
            default: Settings::new(
                Config { profiles: Vec::new(), ..config.clone() },
                native_sidecars,
            ),
            config,
        }
    }

    /// Settings where there is no cluster to ask: today's kubelets know native sidecars.
    #[must_use]
    pub fn offline(config: Config) -> Self {
        Self::new(config, NativeSidecars::Everywhere)
    }

    /// The settings for one pod of a namespace: those of the first profile that selects it.
    #[must_use]
    pub fn of(&self, namespace: &str, pod: &Pod<'_>) -> &Settings {
        let selected = self.profiles.iter().find(|(selector, _)| selector.selects(namespace, pod));
        selected.map_or(&self.default, |(_, settings)| settings)
    }

    /// The settings for pods that no profile selects.
    #[must_use]
    pub const fn default(&self) -> &Settings {
        &self.default
    }

    /// The profiles, in the order in which they are tried.
    #[must_use]
    pub fn profiles(&self) -> &[(Selector, Settings)] {
        &self.profiles
    }
}

/// What decisions about one pod are made with: the configuration and what was worked out from it
/// once.
#[derive(Debug)]
pub struct Settings {
    /// The configuration, without its profiles.
    pub config: Config,
    /// The profile that these are the settings of, if any.
    pub profile: Option<String>,
    /// What the cluster's kubelets know.
    pub native_sidecars: NativeSidecars,
    /// The value of the annotation that marks injected pods: version and fingerprint.
    pub injected: String,
    /// The Spark settings as JVM options.
    pub options: String,
}

/// Whether kubelets know native sidecars. To one that does not, a sidecar is an init container that
/// never ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeSidecars {
    /// All of them do; also where there is no cluster to ask.
    Everywhere,
    /// Some do not.
    NotEverywhere,
    /// The cluster has not been asked yet, or refuses to tell.
    Unknown,
}

impl Settings {
    /// Settings for a cluster whose kubelets know so much.
    #[must_use]
    pub fn new(config: Config, native_sidecars: NativeSidecars) -> Self {
        let injected = format!("{}-{}", env!("CARGO_PKG_VERSION"), config.fingerprint());
        let options = submit_opts::options(&spark_confs(&config));
        Self { config, profile: None, native_sidecars, injected, options }
    }

    /// The port that the sidecar of a pod of that role takes pushes on: what Spark is told.
    #[must_use]
    pub fn push_port(&self, role: Role) -> u16 {
        let told = self.config.spark_confs.get(&format!("{}.port", push_sink(role)));
        let told = told.and_then(|port| port.parse().ok()).filter(|port| *port > 0);
        told.unwrap_or_else(|| self.config.sidecar.push_port.get())
    }

    /// Spark's settings for drivers, by key.
    #[must_use]
    pub fn spark_confs(&self) -> BTreeMap<String, String> {
        spark_confs(&self.config)
    }
}

/// The configured settings, with the ports that Spark pushes to.
fn spark_confs(config: &Config) -> BTreeMap<String, String> {
    let mut confs = config.spark_confs.clone();
    for role in [Role::Driver, Role::Executor] {
        let push = push_sink(role);
        if confs.contains_key(&format!("{push}.class")) {
            confs
                .entry(format!("{push}.port"))
                .or_insert_with(|| config.sidecar.push_port.get().to_string());
        }
    }
    confs
}
