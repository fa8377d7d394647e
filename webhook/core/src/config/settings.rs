//! What decisions are made with: the configuration, and what is worked out from it once.

use super::spark_confs::options;
use super::{Config, Selector, SparkConfs, push};
use crate::native_sidecars::NativeSidecars;
use crate::pod::Pod;
use crate::role::Role;

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
        // A driver tells its executors how often to push, and may be of any profile.
        let all = config.profiles.iter().map(|profile| &profile.config).chain([&config]);
        let periods = all.map(|one| push::period_seconds(&one.spark_confs, Role::Executor));
        let executors_push = periods.max().flatten();
        let settings = |config, profile| {
            let mut settings = Settings::new(config, profile, native_sidecars);
            settings.push_period_seconds[Role::Executor as usize] = executors_push;
            settings
        };
        let profiles = config.profiles.iter().map(|profile| {
            let name = Some(profile.name.clone());
            (profile.selector.clone(), settings(profile.config.clone(), name))
        });
        let top = Config { profiles: Vec::new(), ..config.clone() };
        Self { native_sidecars, profiles: profiles.collect(), default: settings(top, None), config }
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

/// What decisions about one pod are made with.
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
    /// Spark's settings for drivers, with the ports that Spark pushes to.
    pub spark_confs: SparkConfs,
    /// The same as JVM options.
    pub options: String,
    /// Where Spark's processes push to, by role.
    push_ports: [u16; 2],
    /// How often, by role.
    push_period_seconds: [Option<u32>; 2],
}

impl Settings {
    fn new(config: Config, profile: Option<String>, native_sidecars: NativeSidecars) -> Self {
        let injected = format!("{}-{}", env!("CARGO_PKG_VERSION"), config.fingerprint());
        let spark_confs = with_ports(&config);
        let options = options(&spark_confs);
        let push_ports = Role::ALL.map(|role| push::port(&config, role));
        let push_period_seconds = Role::ALL.map(|role| push::period_seconds(&spark_confs, role));
        Self {
            config,
            profile,
            native_sidecars,
            injected,
            spark_confs,
            options,
            push_ports,
            push_period_seconds,
        }
    }

    /// The port that the sidecar of a pod of that role takes pushes on: what Spark is told.
    #[must_use]
    pub const fn push_port(&self, role: Role) -> u16 {
        self.push_ports[role as usize]
    }

    /// The longest time between two pushes of a process of that role, in seconds; none: it does not
    /// push.
    #[must_use]
    pub const fn push_period_seconds(&self, role: Role) -> Option<u32> {
        self.push_period_seconds[role as usize]
    }
}

/// The configured settings, with the ports that Spark pushes to.
fn with_ports(config: &Config) -> SparkConfs {
    let mut confs = config.spark_confs.clone();
    for role in Role::ALL {
        if push::is_on(&config.spark_confs, role) && !push::says_port(&config.spark_confs, role) {
            let port = config.sidecar.push_port.map(|port| port.get().to_string());
            confs.insert(format!("{}.port", push::sink(role)), port);
        }
    }
    confs
}
