//! The planned sidecar as a Kubernetes container, typed by k8s-openapi.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, ResourceRequirements, SeccompProfile, SecurityContext,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource;

use crate::contract::{NO_TOKEN, PORT_NAME, SIDECAR, SIDECAR_PROGRAM, TOKEN_PATH};
use crate::origin::Sourced;
use crate::plan::Plan;
use crate::plan::resources::Allowance;
use crate::quantity::Quantity;

/// The container to add to the pod: a native sidecar, an init container with `restartPolicy: Always`
/// (<https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>).
///
/// It satisfies the `restricted` Pod Security Standard unless Spark itself runs as root
/// (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>). It has no probes: a
/// driver's readiness gates its executors.
#[must_use]
pub fn container(plan: &Plan) -> Container {
    let sidecar = &plan.sidecar;
    Container {
        name: SIDECAR.to_owned(),
        image: Some(sidecar.config.image.to_string()),
        image_pull_policy: Some(sidecar.config.image_pull_policy.as_str().to_owned()),
        // The image's own command is the webhook.
        command: Some(vec![SIDECAR_PROGRAM.to_owned()]),
        args: Some(sidecar.arguments.clone()),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: i32::from(sidecar.config.port.get()),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        resources: requirements(&sidecar.allowance),
        restart_policy: Some("Always".to_owned()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            read_only_root_filesystem: Some(true),
            run_as_group: *sidecar.user.gid,
            // Said in either case: the pod's own word would count for the sidecar too.
            run_as_non_root: Some(*sidecar.user.uid != Some(0)),
            run_as_user: *sidecar.user.uid,
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..SecurityContext::default()
        }),
        volume_mounts: plan.hide_token.then(|| vec![no_token()]),
        ..Container::default()
    }
}

fn no_token() -> VolumeMount {
    VolumeMount {
        name: NO_TOKEN.to_owned(),
        mount_path: TOKEN_PATH.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}

fn requirements(allowance: &Allowance) -> Option<ResourceRequirements> {
    let side = |cpu: &Option<Sourced<Quantity>>, memory: &Option<Sourced<Quantity>>| {
        let amounts: BTreeMap<_, _> = [("cpu", cpu), ("memory", memory)]
            .into_iter()
            .filter_map(|(name, amount)| Some((name.to_owned(), amount.as_ref()?)))
            .map(|(name, amount)| (name, resource::Quantity(amount.to_string())))
            .collect();
        (!amounts.is_empty()).then_some(amounts)
    };
    let Allowance { cpu, memory, .. } = allowance;
    let requests = side(&cpu.request, &memory.request);
    let limits = side(&cpu.limit, &memory.limit);
    (requests.is_some() || limits.is_some()).then(|| ResourceRequirements {
        requests,
        limits,
        ..ResourceRequirements::default()
    })
}
