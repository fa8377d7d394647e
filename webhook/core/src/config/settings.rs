//! What decisions are made with: the configuration, and what is worked out from it once.

use super::spark_confs::options;
use super::{Config, Selector, SidecarConfig, SparkConfs, push};
use crate::cluster_state::{ClusterState, OwnImage};
use crate::origin::Sourced;
use crate::pod::Pod;
use crate::role::Role;

/// The settings for every pod of a cluster.
#[derive(Debug)]
pub struct AllSettings {
    /// The configuration, as it was given.
    pub config: Config,
    /// What is known of the cluster.
    pub cluster: ClusterState,
    default: Settings,
    profiles: Vec<(Selector, Settings)>,
}

impl AllSettings {
    /// Settings for a cluster of which so much is known.
    #[must_use]
    pub fn new(config: Config, cluster: ClusterState) -> Self {
        // A driver tells its executors how often to push, and may be of any profile.
        let all = config.profiles.iter().map(|profile| &profile.config).chain([&config]);
        let periods = all.map(|one| push::period_seconds(&one.spark_confs, Role::Executor));
        let executors_push = periods.max().flatten();
        let settings = |config, profile| {
            let mut settings = Settings::new(config, profile, &cluster);
            settings.push_period_seconds[Role::Executor as usize] = executors_push;
            settings
        };
        let profiles = config.profiles.iter().map(|profile| {
            let name = Some(profile.name.clone());
            (profile.selector.clone(), settings(profile.config.clone(), name))
        });
        let profiles = profiles.collect();
        let top = Config { profiles: Vec::new(), ..config.clone() };
        let default = settings(top, None);
        Self { config, cluster, default, profiles }
    }

    /// Settings where there is no cluster to ask.
    #[must_use]
    pub fn offline(config: Config) -> Self {
        Self::new(config, ClusterState::offline())
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
    /// What is known of the cluster.
    pub cluster: ClusterState,
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
    fn new(mut config: Config, profile: Option<String>, cluster: &ClusterState) -> Self {
        own_image(&mut config, &cluster.own_image);
        let injected = format!("{}-{}", env!("CARGO_PKG_VERSION"), config.fingerprint());
        let spark_confs = with_ports(&config);
        let options = options(&spark_confs);
        let push_ports = Role::ALL.map(|role| push::port(&config, role));
        let push_period_seconds = Role::ALL.map(|role| push::period_seconds(&spark_confs, role));
        Self {
            config,
            profile,
            cluster: cluster.clone(),
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

/// Where nobody names an image, it is the webhook's own, pulled as that is unless somebody says so.
fn own_image(config: &mut Config, own: &OwnImage) {
    let SidecarConfig { image, image_pull_policy, .. } = &mut config.sidecar;
    if let OwnImage::Known { image: own, pull_policy, by } = own
        && image.is_default()
    {
        *image = Sourced { value: own.clone(), origin: by.clone() };
        if image_pull_policy.is_default() {
            *image_pull_policy = Sourced { value: *pull_policy, origin: by.clone() };
        }
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
