//! The planned sidecar as a Kubernetes container, typed by k8s-openapi.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, ResourceRequirements, SeccompProfile, SecurityContext,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource;

use crate::config::ImagePullPolicy;
use crate::decide::{Plan, SIDECAR};
use crate::quantity::Quantity;
use crate::resources::Allowance;

/// The name of the sidecar's port, which PodMonitors select.
pub const PORT_NAME: &str = "emberscope";

/// The empty volume that stands where the service account's token would be mounted.
pub const NO_TOKEN: &str = "emberscope-no-token";

/// Where Kubernetes mounts the token of a pod's service account.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

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
        image: Some(sidecar.image.clone()),
        image_pull_policy: Some(pull_policy(sidecar.image_pull_policy).to_owned()),
        args: Some(sidecar.args.clone()),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: i32::from(sidecar.port),
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
            run_as_group: sidecar.run_as_group,
            // Said in either case: the pod's own word would count for the sidecar too.
            run_as_non_root: Some(sidecar.run_as_user != Some(0)),
            run_as_user: sidecar.run_as_user,
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
    let side = |cpu: &Option<Quantity>, memory: &Option<Quantity>| {
        let amounts: BTreeMap<_, _> = [("cpu", cpu), ("memory", memory)]
            .into_iter()
            .filter_map(|(name, amount)| Some((name.to_owned(), amount.as_ref()?)))
            .map(|(name, amount)| (name, resource::Quantity(amount.to_string())))
            .collect();
        (!amounts.is_empty()).then_some(amounts)
    };
    let requests = side(&allowance.cpu_request, &allowance.memory_request);
    let limits = side(&allowance.cpu_limit, &allowance.memory_limit);
    (requests.is_some() || limits.is_some()).then(|| ResourceRequirements {
        requests,
        limits,
        ..ResourceRequirements::default()
    })
}

const fn pull_policy(policy: ImagePullPolicy) -> &'static str {
    match policy {
        ImagePullPolicy::Always => "Always",
        ImagePullPolicy::IfNotPresent => "IfNotPresent",
        ImagePullPolicy::Never => "Never",
    }
}
