//! Whether a pod gets the sidecar, and if so, exactly what: a function of pod and settings.

use crate::overrides::{self, Overridden};
use crate::pod::{Container, Pod, Spec};
use crate::reason::{Partial, Skip};
use crate::settings::{NativeSidecars, Settings};
use crate::sidecar::{self, Sidecar};
use crate::submit_opts;

/// The name of the injected container; what idempotence goes by.
pub const SIDECAR: &str = "emberscope-sidecar";

/// The reasons for which a pod is left alone, in the order in which they are looked for.
pub const ORDER: [Skip; 9] = [
    Skip::NotSpark,
    Skip::OptedOut,
    Skip::MirrorPod,
    Skip::Windows,
    Skip::HostNetwork,
    Skip::AlreadyInjected,
    Skip::NoNativeSidecars,
    Skip::PortInUse,
    Skip::SparkContainerNotFound,
];

/// Which of Spark's processes a pod runs: its label `spark-role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The driver.
    Driver,
    /// An executor.
    Executor,
}

/// What becomes of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It gets the sidecar.
    Inject(Box<Plan>),
    /// It has the sidecar, but something took away the line that makes it one: put that back.
    Repair {
        /// Position in `initContainers`.
        init_container: usize,
    },
    /// It stays as it is.
    Skip(Skip),
}

/// Everything that is added to one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The pod's role.
    pub role: Role,
    /// Position of Spark's container in `containers`.
    pub spark_container: usize,
    /// Spark settings, for drivers.
    pub submit_opts: Option<submit_opts::Change>,
    /// Whether `shareProcessNamespace` is to be set.
    pub share_process_namespace: bool,
    /// Annotations to add, with their values.
    pub annotations: Vec<(&'static str, String)>,
    /// Whether the sidecar needs the empty volume over the token's mount point.
    pub hide_token: bool,
    /// The sidecar itself.
    pub sidecar: Sidecar,
    /// What the pod does not get, and why; the text names the culprit where there is one.
    pub partial: Vec<(Partial, Option<String>)>,
}

impl Role {
    /// The label's value, and the sidecar's `--role`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Executor => "executor",
        }
    }

    /// The role that a pod's label says.
    #[must_use]
    pub fn of(pod: &Pod<'_>) -> Option<Self> {
        match pod.label("spark-role")? {
            "driver" => Some(Self::Driver),
            "executor" => Some(Self::Executor),
            _ => None,
        }
    }

    /// What Spark and the operators around it call this role's container, best first.
    pub(crate) const fn container_names(self) -> &'static [&'static str] {
        match self {
            Self::Driver => &["spark-kubernetes-driver"],
            Self::Executor => &["spark-kubernetes-executor", "executor"],
        }
    }
}

/// Decides about one pod.
#[must_use]
pub fn decide(pod: &Pod<'_>, settings: &Settings) -> Decision {
    match plan(pod, settings) {
        Ok(decision) => decision,
        Err(skip) => Decision::Skip(skip),
    }
}

fn plan(pod: &Pod<'_>, settings: &Settings) -> Result<Decision, Skip> {
    let role = Role::of(pod).ok_or(Skip::NotSpark)?;
    let spec = pod.spec.as_ref().ok_or(Skip::UnreadablePod)?;
    let wanted = overrides::read(pod, &settings.config);
    refuse(pod, spec, &wanted)?;
    if let Some(repair) = present(spec)? {
        return Ok(repair);
    }
    if settings.native_sidecars != NativeSidecars::Everywhere {
        return Err(Skip::NoNativeSidecars);
    }
    if ports_clash(spec, wanted.sidecar.port.get(), settings.push_port(role)) {
        return Err(Skip::PortInUse);
    }
    let index = spark_container(spec, role).ok_or(Skip::SparkContainerNotFound)?;
    let spark = &spec.containers()[index];

    let mut partial: Vec<(Partial, Option<String>)> =
        wanted.ignored.iter().map(|text| (Partial::BadOverride, Some(text.clone()))).collect();
    let submit_opts = (role == Role::Driver && wanted.spark_confs && !settings.options.is_empty())
        .then(|| submit_opts::change(spark, &settings.options))
        .and_then(|change| {
            change
                .map_err(|submit_opts::FromElsewhere| {
                    partial.push((Partial::SubmitOptsFromElsewhere, None));
                })
                .ok()
        });
    let share_process_namespace = match (spec.share_process_namespace, spec.host_pid) {
        (_, Some(true)) => {
            partial.push((Partial::HostPid, None));
            false
        }
        (Some(false), _) => {
            partial.push((Partial::ProcessNamespaceRefused, None));
            false
        }
        (shared, _) => shared.is_none(),
    };
    let mut annotations = vec![(overrides::INJECTED, settings.injected.clone())];
    if scrape_annotations_are_theirs(pod) {
        partial.push((Partial::ScrapeAnnotationsKept, None));
    } else {
        annotations.extend([
            (SCRAPE, "true".to_owned()),
            (SCRAPE_PORT, wanted.sidecar.port.get().to_string()),
            (SCRAPE_PATH, "/metrics".to_owned()),
        ]);
    }
    let sidecar = sidecar::plan(pod, spec, spark, role, settings, wanted);
    Ok(Decision::Inject(Box::new(Plan {
        role,
        spark_container: index,
        submit_opts,
        share_process_namespace,
        annotations,
        hide_token: spec.automount_service_account_token != Some(false),
        sidecar,
        partial,
    })))
}

/// The sidecar that is there already: nothing to do, or the line to put back that a webhook
/// without knowledge of native sidecars has dropped. Without it the pod would wait for ever.
fn present(spec: &Spec<'_>) -> Result<Option<Decision>, Skip> {
    let ours = |container: &Container<'_>| &*container.name == SIDECAR;
    if let Some(index) = spec.init_containers().iter().position(ours) {
        return match spec.init_containers()[index].restart_policy.as_deref() {
            Some("Always") => Err(Skip::AlreadyInjected),
            _ => Ok(Some(Decision::Repair { init_container: index })),
        };
    }
    if spec.containers().iter().any(ours) { Err(Skip::AlreadyInjected) } else { Ok(None) }
}

/// Pods that are better left alone.
fn refuse(pod: &Pod<'_>, spec: &Spec<'_>, wanted: &Overridden) -> Result<(), Skip> {
    if !wanted.inject {
        return Err(Skip::OptedOut);
    }
    if pod.annotation("kubernetes.io/config.mirror").is_some() {
        return Err(Skip::MirrorPod);
    }
    let selected = spec
        .node_selector
        .as_ref()
        .and_then(|selector| selector.get("kubernetes.io/os").map(|os| &**os == "windows"));
    if spec.os.as_ref().is_some_and(|os| &*os.name == "windows") || selected == Some(true) {
        return Err(Skip::Windows);
    }
    if spec.host_network == Some(true) {
        return Err(Skip::HostNetwork);
    }
    Ok(())
}

/// Whether a container of the pod has a TCP port that the sidecar would listen on; the containers
/// of a pod share one network.
fn ports_clash(spec: &Spec<'_>, port: u16, push_port: u16) -> bool {
    let ours = [i64::from(port), i64::from(push_port)];
    spec.containers()
        .iter()
        .chain(spec.init_containers())
        .flat_map(|container| container.ports.as_deref().unwrap_or_default())
        .filter(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"))
        .any(|port| ours.contains(&port.container_port))
}

/// Spark's container: by name, else the only one.
fn spark_container(spec: &Spec<'_>, role: Role) -> Option<usize> {
    let containers = spec.containers();
    role.container_names()
        .iter()
        .find_map(|name| containers.iter().position(|container| &*container.name == *name))
        .or_else(|| (containers.len() == 1).then_some(0))
}

const SCRAPE: &str = "prometheus.io/scrape";
const SCRAPE_PORT: &str = "prometheus.io/port";
const SCRAPE_PATH: &str = "prometheus.io/path";

/// Whether the pod has scrape annotations that point somewhere else than at Spark's own pages.
///
/// The AWS walkthrough has users point them at `/metrics/executors/prometheus/` on port 4040. The
/// sidecar serves that page too, so such annotations can be pointed at it.
fn scrape_annotations_are_theirs(pod: &Pod<'_>) -> bool {
    let [scrape, port, path] = [SCRAPE, SCRAPE_PORT, SCRAPE_PATH].map(|key| pod.annotation(key));
    if [scrape, port, path].iter().all(Option::is_none) {
        return false;
    }
    let spark_page = path.is_some_and(|path| {
        matches!(
            path.trim_end_matches('/'),
            "/metrics/executors/prometheus" | "/metrics/driver/prometheus" | "/metrics/prometheus"
        )
    });
    !(scrape == Some("true") && port == Some("4040") && spark_page)
}
