//! Why a driver does not start.

use super::finding::{Case, Certainty, Found, Provoked, Rule, Severity};
use crate::facts::{ContainerStatus, Pod, Role, State};

/// Kubelet's words for an image that does not come.
const IMAGE_REASONS: [&str; 4] =
    ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"];

/// Kubelet's words for a container that it cannot make or start.
const CREATE_REASONS: [&str; 4] =
    ["CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"];

pub(super) const SIDECAR_HOLDS_UP: Rule = Rule {
    code: "sidecar_holds_up",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "Emberscope's own sidecar cannot be started, and Spark's container waits for it.",
    needs: "a pod whose container emberscope-sidecar waits for its image or cannot be created",
    advice: "Leave the sidecar out (`kubectl label namespace NAMESPACE emberscope.dev/inject-`) and submit again; then mend the image or its pull secret.",
    alert: Some("EmberscopeSidecarImageNotPulled"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let pod = case.facts.pods.iter().find(|pod| pod.sidecar.as_ref().is_some_and(is_stuck))?;
        let status = pod.sidecar.as_ref()?;
        let reason = status.reason.as_deref().unwrap_or_default();
        let severity = case.fatal_if_it_failed();
        let sentence = format!(
            "the {} waits for Emberscope's sidecar, which cannot start: {reason}",
            pod.role.word()
        );
        let namespace = &case.facts.application.namespace;
        Some(
            Found::new(severity, Certainty::Certain, sentence)
                .status(said(status), None, Some(&pod.name))
                .advise(format!("leave the sidecar out and submit again: kubectl label namespace {namespace} emberscope.dev/inject-"))
                .advise("then make sure that the namespace's nodes can pull the sidecar's image (sidecar.imagePullSecrets in the webhook's configuration)"),
        )
    },
};

pub(super) const IMAGE_NOT_PULLED: Rule = Rule {
    code: "image_not_pulled",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The image of Spark's container cannot be pulled.",
    needs: "a pod whose Spark container waits with ErrImagePull, ImagePullBackOff, InvalidImageName or ErrImageNeverPull",
    advice: "Mend the image's name or tag, or name a pull secret.",
    alert: Some("SparkApplicationNotStarting"),
    provoked: Provoked::RealApiServer,
    judge: |case| {
        let stuck = |pod: &&Pod| waits(pod.spark.as_ref(), &IMAGE_REASONS);
        let pod = first_driver_then_executors(case, stuck)?;
        let status = pod.spark.as_ref()?;
        let image = status.image.as_deref().unwrap_or("its image");
        let sentence = format!("the {}'s image cannot be pulled: {image}", pod.role.word());
        Some(
            Found::new(Severity::Critical, Certainty::Certain, sentence)
                .status(said(status), pod.created_at, Some(&pod.name))
                .set(
                    "spark.kubernetes.container.image",
                    "NAME:TAG",
                    format!("an image that exists and may be pulled; {image} is not"),
                )
                .advise("a private registry wants spark.kubernetes.container.image.pullSecrets"),
        )
    },
};

pub(super) const UNSCHEDULABLE: Rule = Rule {
    code: "driver_unschedulable",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "No node takes the driver's pod.",
    needs: "the condition PodScheduled=False of a pending driver pod, or its event FailedScheduling",
    advice: "Ask for less, or add nodes, or mend node selector and tolerations.",
    alert: Some("SparkApplicationNotStarting"),
    provoked: Provoked::RealApiServer,
    judge: |case| {
        let pod = case.facts.driver_pod().filter(|pod| pod.node.is_none())?;
        let why = pod.unschedulable.as_deref()?;
        let found =
            Found::new(Severity::Critical, Certainty::Certain, "no node takes the driver's pod")
                .status(format!("the scheduler: {why}"), pod.created_at, Some(&pod.name));
        Some(how_to_fit(found, why, Role::Driver))
    },
};

pub(super) const CONTAINER_NOT_CREATED: Rule = Rule {
    code: "container_not_created",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The kubelet cannot make or start Spark's container, such as for a Secret or ConfigMap that is not there.",
    needs: "a pod whose Spark container waits with CreateContainerConfigError, CreateContainerError, RunContainerError or StartError",
    advice: "Make what the message names, or take it out of the pod.",
    alert: Some("SparkApplicationNotStarting"),
    provoked: Provoked::RealApiServer,
    judge: |case| {
        let stuck = |pod: &&Pod| waits(pod.spark.as_ref(), &CREATE_REASONS);
        let pod = first_driver_then_executors(case, stuck)?;
        let status = pod.spark.as_ref()?;
        let why = status.message.as_deref().or(status.reason.as_deref()).unwrap_or_default();
        let sentence = format!("the {}'s container cannot be created: {why}", pod.role.word());
        Some(
            Found::new(Severity::Critical, Certainty::Certain, sentence)
                .status(said(status), pod.created_at, Some(&pod.name))
                .advise("make what the message names in the same namespace, or take it out of the pod template"),
        )
    },
};

/// What helps a pod that fits on no node.
pub(super) fn how_to_fit(found: Found, why: &str, role: Role) -> Found {
    let role = role.word();
    let mut found = found;
    for (word, setting) in [("Insufficient memory", "memory"), ("Insufficient cpu", "cores")] {
        if why.contains(word) {
            found = found
                .advise(format!("ask for less with spark.{role}.{setting}, or add nodes: {word}"));
        }
    }
    if why.contains("affinity") || why.contains("selector") {
        found = found.advise(format!("spark.kubernetes.{role}.node.selector.* and the pod template select nodes that there are not"));
    }
    if why.contains("taint") {
        found = found.advise(
            "nodes have taints that the pod does not tolerate: add tolerations to its pod template",
        );
    }
    found
}

fn first_driver_then_executors<'f>(
    case: &Case<'f>,
    is_it: impl Fn(&&Pod) -> bool,
) -> Option<&'f Pod> {
    let pods = &case.facts.pods;
    let of = |role| pods.iter().filter(move |pod| pod.role == role);
    of(Role::Driver).find(&is_it).or_else(|| of(Role::Executor).find(&is_it))
}

fn waits(status: Option<&ContainerStatus>, reasons: &[&str]) -> bool {
    status.is_some_and(|status| {
        status.state == State::Waiting
            && status.reason.as_deref().is_some_and(|reason| reasons.contains(&reason))
    })
}

fn is_stuck(status: &ContainerStatus) -> bool {
    waits(Some(status), &IMAGE_REASONS) || waits(Some(status), &CREATE_REASONS)
}

/// What the kubelet says of a container.
pub(super) fn said(status: &ContainerStatus) -> String {
    let reason = status.reason.as_deref().unwrap_or("no reason");
    match &status.message {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    }
}
