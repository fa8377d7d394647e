//! Whether a pod gets the sidecar, and if so, exactly what: a function of pod and settings.
//!
//! | module | decides |
//! |---|---|
//! | [`consent`] | whether the pod's owner wants it |
//! | [`overrides`] | what else the pod's owner wants, by annotation |
//! | `gang` | whether a gang scheduler knows what the pod asks for before it is there |
//! | `rules` | whether the pod is left alone, and why |
//! | [`spark_container`] | which container is Spark's |
//! | [`submit_opts`] | what becomes of the driver's `SPARK_SUBMIT_OPTS` |
//! | `process_namespace` | whether the containers see each other's processes |
//! | `aws_token` | that the sidecar gets no token of AWS's |
//! | `scraping` | the annotations for Prometheus |
//! | [`sidecar`], [`resources`], [`user`] | the sidecar |
//! | `limit_range`, `quota` | what the namespace lets it ask for and use; `effective`, what the pod does |

mod aws_token;
pub mod consent;
mod effective;
pub mod gang;
mod limit_range;
mod misfit;
pub mod overrides;
mod process_namespace;
mod quota;
pub mod resources;
mod rules;
mod scraping;
pub mod sidecar;
pub mod spark_container;
pub mod submit_opts;
pub mod user;

use std::sync::Arc;

use crate::config::{SecretName, Settings, SidecarConfig};
use crate::contract::INJECTED;
use crate::fuse::FuseKey;
use crate::namespace_state::NamespaceState;
use crate::origin::Sourced;
use crate::pod::{Container, Pod, PodSpec};
use crate::reason::{Partial, Skip};
use crate::role::Role;
use overrides::PodSettings;
use resources::Allowance;
use rules::{Case, RULES};
use sidecar::Sidecar;

pub use rules::ORDER;

/// What becomes of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It gets the sidecar.
    Inject(Box<Plan>),
    /// It has the sidecar, but something took away the line that makes it one: put that back.
    /// Without it the pod would wait for ever.
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
    pub spark_container: Sourced<usize>,
    /// Spark settings, for drivers.
    pub submit_opts: Option<submit_opts::Change>,
    /// Whether `shareProcessNamespace` is to be set.
    pub share_process_namespace: bool,
    /// Annotations to add, with their values.
    pub annotations: Vec<(&'static str, String)>,
    /// Secrets for pulling images that the pod does not name itself.
    pub image_pull_secrets: Vec<String>,
    /// Whether the sidecar needs the empty volume over the token's mount point.
    pub hide_token: bool,
    /// The sidecar itself.
    pub sidecar: Sidecar,
    /// What the pod does not get.
    pub lacks: Vec<Lack>,
    /// The blown fuse that this executor is to try; one does, and the next is left alone.
    pub tries: Option<Arc<FuseKey>>,
}

/// Something that an injected pod does not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Why.
    pub partial: Partial,
    /// What is to blame, where there are several of its kind.
    pub culprit: Option<String>,
}

impl Lack {
    /// For a reason with nothing else to blame.
    const fn of(partial: Partial) -> Self {
        Self { partial, culprit: None }
    }
}

/// Decides about one pod; what is known of the reason beyond its sentence.
pub(crate) fn decide(
    pod: &Pod<'_>,
    settings: &Settings,
    known: &NamespaceState,
) -> (Decision, Option<String>) {
    let Some(role) = settings.config.roles.of(pod) else {
        return (Decision::Skip(Skip::NotSpark), None);
    };
    let Some(spec) = &pod.spec else {
        return (Decision::Skip(Skip::UnreadablePod), None);
    };
    let wanted = PodSettings::of(pod, &settings.config, settings.push_port(role));
    let allowance = resources::allow(spec, &wanted.sidecar.resources, known);
    let case = Case { pod, spec, role, wanted: &wanted, settings, known, allowance: &allowance };
    if let Some(rule) = RULES.iter().find(|rule| (rule.holds)(&case)) {
        let misfit = allowance.as_ref().err().filter(|misfit| misfit.skip() == rule.skip);
        let decision = match (rule.skip, stripped(spec)) {
            (Skip::AlreadyInjected, Some(init_container)) => Decision::Repair { init_container },
            (skip, _) => Decision::Skip(skip),
        };
        return (decision, misfit.map(ToString::to_string));
    }
    let tries = case.fuse().map(|fuse| Arc::clone(&fuse.key));
    let spark = spark_container::find(spec, role, &wanted);
    let decision = match (spark, allowance) {
        (Some(spark), Ok(allowance)) => {
            let plan = plan(pod, spec, role, spark, settings, wanted, allowance);
            Decision::Inject(Box::new(Plan { tries, ..plan }))
        }
        (None, _) => Decision::Skip(Skip::SparkContainerNotFound),
        (_, Err(misfit)) => Decision::Skip(misfit.skip()),
    };
    (decision, None)
}

/// A sidecar from which a webhook without knowledge of native sidecars has dropped the line that
/// makes it one.
fn stripped(spec: &PodSpec<'_>) -> Option<usize> {
    let ours = |container: &Container<'_>| &*container.name == crate::contract::SIDECAR;
    let index = spec.init_containers().iter().position(ours)?;
    let always = spec.init_containers()[index].restart_policy.as_deref() == Some("Always");
    (!always).then_some(index)
}

fn plan(
    pod: &Pod<'_>,
    spec: &PodSpec<'_>,
    role: Role,
    spark_container: Sourced<usize>,
    settings: &Settings,
    wanted: PodSettings,
    allowance: Allowance,
) -> Plan {
    let spark = &spec.containers()[*spark_container];
    let ignored = wanted.ignored.iter();
    let mut lacks: Vec<Lack> = ignored
        .map(|text| Lack { partial: Partial::BadOverride, culprit: Some(text.clone()) })
        .collect();
    let wants_confs = role == Role::Driver && *wanted.spark_confs && !settings.options.is_empty();
    let submit_opts = wants_confs.then(|| submit_opts::change(spark, &settings.options));
    let submit_opts = submit_opts.and_then(|change| {
        let lack = |_| lacks.push(Lack::of(Partial::SubmitOptsFromElsewhere));
        change.map_err(lack).ok()
    });
    let share_process_namespace =
        process_namespace::share(spec, &wanted.sidecar).unwrap_or_else(|lack| {
            lacks.push(lack);
            false
        });
    let mut annotations = vec![(INJECTED, settings.injected.clone())];
    annotations.extend(aws_token::annotation(pod));
    match scraping::annotations(pod, &wanted.sidecar) {
        Ok(ours) => annotations.extend(ours),
        Err(scraping::Theirs) => lacks.push(Lack::of(Partial::ScrapeAnnotationsKept)),
    }
    Plan {
        role,
        submit_opts,
        share_process_namespace,
        annotations,
        image_pull_secrets: image_pull_secrets(spec, &wanted.sidecar),
        hide_token: spec.automount_service_account_token != Some(false),
        sidecar: Sidecar::of(pod, spec, spark, role, settings, wanted, allowance),
        spark_container,
        lacks,
        tries: None,
    }
}

/// The configured Secrets that the pod does not name.
fn image_pull_secrets(spec: &PodSpec<'_>, sidecar: &SidecarConfig) -> Vec<String> {
    let theirs = || spec.image_pull_secrets.iter().flatten();
    let named = |name: &str| theirs().any(|secret| secret.name.as_deref() == Some(name));
    let ours = sidecar.image_pull_secrets.iter().map(SecretName::as_str);
    ours.filter(|name| !named(name)).map(str::to_owned).collect()
}
