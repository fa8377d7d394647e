//! Whether the pod's containers are to share a process namespace, which lets the sidecar see Spark's
//! processes, and through them the container's cgroup.
//!
//! In a shared namespace no container's first process has the number 1. An init that insists on it
//! (systemd, s6-overlay's `/init`) ends at once, and the pod with it; so where a container's command
//! shows one, nothing is shared.

use super::Lack;
use crate::config::{SharedProcesses, SidecarConfig};
use crate::contract::{INIT_PROGRAMS, INITS};
use crate::pod::{Container, PodSpec};
use crate::reason::Partial;

/// Whether `shareProcessNamespace` is to be set; or what the pod lacks where processes are not shared.
pub(super) fn share(spec: &PodSpec<'_>, config: &SidecarConfig) -> Result<bool, Lack> {
    let lack = |partial| Err(Lack::of(partial));
    match (spec.share_process_namespace, *config.share_process_namespace) {
        _ if spec.host_pid == Some(true) => lack(Partial::HostPid),
        (Some(false), _) => lack(Partial::ProcessNamespaceRefused),
        // Somebody else has shared it, who knows what runs in the pod.
        (Some(true), _) => Ok(false),
        (None, SharedProcesses::Never) => lack(Partial::ProcessNamespaceNotShared),
        (None, SharedProcesses::Auto) => match needs_pid_1(spec) {
            None => Ok(true),
            Some(container) => Err(Lack {
                partial: Partial::NeedsPid1,
                culprit: Some(format!("container {}", &*container.name)),
            }),
        },
    }
}

/// The first container whose command shows an init that insists on being process 1.
fn needs_pid_1<'s, 'p>(spec: &'s PodSpec<'p>) -> Option<&'s Container<'p>> {
    let all = spec.containers().iter().chain(spec.init_containers());
    all.into_iter().find(|container| container.words().any(is_init))
}

fn is_init(word: &str) -> bool {
    let program = word.rsplit('/').next().unwrap_or(word);
    INITS.contains(&word) || INIT_PROGRAMS.contains(&program)
}
