//! What is known of one application: the input of every finding.
//!
//! A type of facts has one source, so that where a figure is from is said by where it stands; a fact that
//! is not known is absent, and why it is not is in [`Unknown`]. The whole is plain data, read and
//! written as JSON: a case of the tests is a file of facts.

mod application;
mod container;
mod driver;
mod executor;
mod log;
mod pod;
mod stage;
mod time;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use application::{Application, Run, Settings};
pub use container::{Container, Evidence as LastState, Memory, PythonMemory, Role};
pub use driver::{Allocation, Driver, Moment, Stream};
pub use executor::{Executor, LossReason};
pub use log::{Exception, Language, Log};
pub use pod::{ContainerStatus, Event, Phase, Pod, State};
pub use stage::{Quantiles, Stage};
pub use time::Time;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Figures in Prometheus.
    Prometheus,
    /// Pods and events of the API server.
    ApiServer,
    /// The driver's log.
    DriverLog,
}

impl Source {
    /// As people say it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::ApiServer => "API server",
            Self::DriverLog => "driver's log",
        }
    }
}

/// Something that was looked for and could not be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// How a source answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whom.
    pub source: Source,
    /// Where it is, as the user would name it.
    pub place: String,
    /// Whether it knew the application.
    pub answered: bool,
}

/// Everything that is known of one application.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// When the question was asked, by this machine's clock.
    pub asked_at: Time,
    /// Who was asked.
    pub asked: Vec<Asked>,
    /// Which application it is.
    pub application: Application,
    /// What it was started with (Prometheus: Spark's status API).
    pub settings: Settings,
    /// What its driver says of itself (Prometheus).
    pub driver: Option<Driver>,
    /// Executors, slots and tasks over time (Prometheus).
    pub timeline: Vec<Moment>,
    /// What each executor did (Prometheus).
    pub executors: Vec<Executor>,
    /// Memory and CPU of each Spark container (Prometheus: the sidecars).
    pub containers: Vec<Container>,
    /// Executors that were lost, by reason (Prometheus: Spark's status API).
    pub losses: BTreeMap<LossReason, f64>,
    /// Its stages, the most costly ones (Prometheus: Spark's status API).
    pub stages: Vec<Stage>,
    /// Its streaming queries (Prometheus).
    pub streams: Vec<Stream>,
    /// Sources of the sidecars' that failed at the end, by pod (Prometheus).
    pub sources_down: BTreeMap<String, Vec<String>>,
    /// Other runs of the same name that ended before this one began, newest first (Prometheus).
    pub earlier: Vec<Run>,
    /// Its pods (API server).
    pub pods: Vec<Pod>,
    /// Events about these pods, oldest first (API server).
    pub events: Vec<Event>,
    /// The end of its driver's log (API server).
    pub log: Option<Log>,
    /// What could not be known.
    pub unknown: Vec<Unknown>,
}

impl Facts {
    /// The driver's pod.
    #[must_use]
    pub fn driver_pod(&self) -> Option<&Pod> {
        self.pods.iter().find(|pod| pod.role == Role::Driver)
    }

    /// The driver's container.
    #[must_use]
    pub fn driver_container(&self) -> Option<&Container> {
        self.containers.iter().find(|one| one.role == Role::Driver)
    }

    /// The executors' containers.
    pub fn executor_containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|one| one.role == Role::Executor)
    }

    /// The executors' pods.
    pub fn executor_pods(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|one| one.role == Role::Executor)
    }

    /// Whether that source knew the application.
    #[must_use]
    pub fn knows(&self, source: Source) -> bool {
        self.asked.iter().any(|asked| asked.source == source && asked.answered)
    }

    /// When it began and when it was over or last seen, in seconds from one to the other.
    #[must_use]
    pub fn duration(&self) -> Option<f64> {
        let start = self.application.started_at?;
        Some(self.application.ended_at.or(self.application.last_seen_at)?.since(start))
    }
}
