//! The rules that leave a pod alone: one row each, in the order in which they are asked.

use super::consent::Consent;
use super::misfit::Misfit;
use super::overrides::PodSettings;
use super::resources::Allowance;
use super::{gang, spark_container};
use crate::cluster_state::OwnImage;
use crate::config::Settings;
use crate::contract::{MIRROR, OS, SIDECAR};
use crate::fuse::BlownFuse;
use crate::namespace_state::NamespaceState;
use crate::native_sidecars::NativeSidecars;
use crate::pod::{Container, Pod, PodSpec};
use crate::reason::Skip;
use crate::role::Role;

/// What rules look at.
pub(super) struct Case<'c, 'p> {
    pub(super) pod: &'c Pod<'p>,
    pub(super) spec: &'c PodSpec<'p>,
    pub(super) role: Role,
    pub(super) wanted: &'c PodSettings,
    pub(super) settings: &'c Settings,
    pub(super) known: &'c NamespaceState,
    /// What the sidecar may use, or why nothing fits.
    pub(super) allowance: &'c Result<Allowance, Box<Misfit>>,
}

impl Case<'_, '_> {
    /// The blown fuse of what would be injected.
    pub(super) fn fuse(&self) -> Option<&BlownFuse> {
        self.known.fuse(self.wanted.sidecar.image.as_str(), &self.settings.injected)
    }
}

/// A rule: when it holds, the pod is left alone for this reason.
pub(super) struct Rule {
    pub(super) skip: Skip,
    pub(super) holds: fn(&Case<'_, '_>) -> bool,
}

/// All rules but the first, [`Skip::NotSpark`], after which there is a role.
pub(super) const RULES: &[Rule] = &[
    Rule { skip: Skip::OptedOut, holds: |case| Consent::of(case.pod) == Consent::Refused },
    Rule { skip: Skip::UnclearConsent, holds: |case| Consent::of(case.pod) == Consent::Unclear },
    Rule { skip: Skip::MirrorPod, holds: |case| case.pod.annotation(MIRROR).is_some() },
    Rule { skip: Skip::Windows, holds: |case| is_for_windows(case.spec) },
    Rule { skip: Skip::HostNetwork, holds: |case| case.spec.host_network == Some(true) },
    Rule { skip: Skip::AlreadyInjected, holds: |case| has_sidecar(case.spec) },
    Rule {
        skip: Skip::NoNativeSidecars,
        holds: |case| case.settings.cluster.native_sidecars != NativeSidecars::Everywhere,
    },
    Rule {
        skip: Skip::NoImage,
        holds: |case| {
            case.settings.cluster.own_image == OwnImage::Unread
                && case.wanted.sidecar.image.is_default()
        },
    },
    Rule { skip: Skip::PortInUse, holds: ports_clash },
    Rule {
        skip: Skip::SparkContainerNotFound,
        holds: |case| spark_container::find(case.spec, case.role, case.wanted).is_none(),
    },
    Rule { skip: Skip::LimitRange, holds: |case| does_not_fit(case, Skip::LimitRange) },
    Rule { skip: Skip::QuotaFull, holds: |case| does_not_fit(case, Skip::QuotaFull) },
    Rule {
        skip: Skip::Gang,
        holds: |case| gang::has(case.pod) && case.allowance.as_ref().is_ok_and(Allowance::asks),
    },
    Rule {
        skip: Skip::SidecarDoesNotStart,
        holds: |case| case.fuse().is_some_and(|fuse| fuse.bars(case.role)),
    },
];

/// The reasons for which a pod is left alone, in the order in which they are looked for.
pub const ORDER: [Skip; RULES.len() + 1] = {
    let mut order = [Skip::NotSpark; RULES.len() + 1];
    let mut index = 0;
    while index < RULES.len() {
        order[index + 1] = RULES[index].skip;
        index += 1;
    }
    order
};

fn does_not_fit(case: &Case<'_, '_>, skip: Skip) -> bool {
    case.allowance.as_ref().is_err_and(|misfit| misfit.skip() == skip)
}

fn is_for_windows(spec: &PodSpec<'_>) -> bool {
    let selected = spec.node_selector.as_ref().and_then(|selector| selector.get(OS));
    spec.os.as_ref().is_some_and(|os| &*os.name == "windows")
        || selected.is_some_and(|os| &**os == "windows")
}

/// The sidecar is there, in a place where it is one or by nobody known here.
fn has_sidecar(spec: &PodSpec<'_>) -> bool {
    let ours = |container: &Container<'_>| &*container.name == SIDECAR;
    spec.init_containers().iter().chain(spec.containers()).any(ours)
}

/// Whether a container of the pod has a TCP port that the sidecar would listen on; the containers
/// of a pod share one network.
fn ports_clash(case: &Case<'_, '_>) -> bool {
    let port = case.wanted.sidecar.port.get();
    let ours = [i64::from(port), i64::from(case.settings.push_port(case.role))];
    case.spec
        .containers()
        .iter()
        .chain(case.spec.init_containers())
        .flat_map(|container| container.ports.as_deref().unwrap_or_default())
        .filter(|port| port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP"))
        .any(|port| ours.contains(&port.container_port))
}
