//! Why a pod was not injected, or not fully: one code each, the same in the warning that the
//! client sees, in the audit log and in the metric.

/// Why a pod got no patch at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// The body is not an AdmissionReview.
    UnreadableReview,
    /// An AdmissionReview of another version than v1.
    UnsupportedVersion,
    /// The review has no object, or the object is not a pod that can be read.
    UnreadablePod,
    /// The review is about something else than the creation of a pod.
    NotAPodCreation,
    /// No label `spark-role` that says driver or executor.
    NotSpark,
    /// `emberscope.dev/inject: "false"`.
    OptedOut,
    /// The sidecar is there already.
    AlreadyInjected,
    /// A pod that the kubelet made from a file; it cannot be changed.
    MirrorPod,
    /// A pod for Windows nodes.
    Windows,
    /// The pod shares its node's network: ports would clash between pods.
    HostNetwork,
    /// Kubelets that do not know native sidecars would wait for ever for the end of one.
    NoNativeSidecars,
    /// The pod has several containers, and none is called like Spark's.
    SparkContainerNotFound,
    /// Another container of the pod has the sidecar's port.
    PortInUse,
    /// A bug in this program.
    InternalError,
}

/// Why a pod that got the sidecar did not get everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Partial {
    /// `SPARK_SUBMIT_OPTS` comes from elsewhere (`valueFrom`) or may (`envFrom`), so no Spark
    /// setting was added.
    SubmitOptsFromElsewhere,
    /// The pod has its own scrape annotations; they stay.
    ScrapeAnnotationsKept,
    /// The pod insists on separate process namespaces.
    ProcessNamespaceRefused,
    /// The pod uses its node's process namespace.
    HostPid,
    /// An `emberscope.dev/…` annotation is unknown or has a bad value.
    BadOverride,
}

/// All skip reasons, for documentation and metrics.
pub const SKIPS: [Skip; 14] = [
    Skip::UnreadableReview,
    Skip::UnsupportedVersion,
    Skip::UnreadablePod,
    Skip::NotAPodCreation,
    Skip::NotSpark,
    Skip::OptedOut,
    Skip::AlreadyInjected,
    Skip::MirrorPod,
    Skip::Windows,
    Skip::HostNetwork,
    Skip::NoNativeSidecars,
    Skip::SparkContainerNotFound,
    Skip::PortInUse,
    Skip::InternalError,
];

/// All partial reasons, for documentation and metrics.
pub const PARTIALS: [Partial; 5] = [
    Partial::SubmitOptsFromElsewhere,
    Partial::ScrapeAnnotationsKept,
    Partial::ProcessNamespaceRefused,
    Partial::HostPid,
    Partial::BadOverride,
];

impl Skip {
    /// The code, as metric label and audit annotation.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnreadableReview => "unreadable_review",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnreadablePod => "unreadable_pod",
            Self::NotAPodCreation => "not_a_pod_creation",
            Self::NotSpark => "not_spark",
            Self::OptedOut => "opted_out",
            Self::AlreadyInjected => "already_injected",
            Self::MirrorPod => "mirror_pod",
            Self::Windows => "windows",
            Self::HostNetwork => "host_network",
            Self::NoNativeSidecars => "no_native_sidecars",
            Self::SparkContainerNotFound => "spark_container_not_found",
            Self::PortInUse => "port_in_use",
            Self::InternalError => "internal_error",
        }
    }

    /// What it means and what helps, in a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnreadableReview => "the request is not an AdmissionReview in JSON",
            Self::UnsupportedVersion => {
                "the review is not admission.k8s.io/v1; set admissionReviewVersions: [v1]"
            }
            Self::UnreadablePod => "the review has no object that can be read as a pod",
            Self::NotAPodCreation => "only the creation of pods is of interest",
            Self::NotSpark => "no label spark-role says driver or executor",
            Self::OptedOut => "the pod has the annotation emberscope.dev/inject: \"false\"",
            Self::AlreadyInjected => "the pod has a container emberscope-sidecar already",
            Self::MirrorPod => "a mirror pod cannot be changed",
            Self::Windows => "the sidecar runs on Linux only",
            Self::HostNetwork => {
                "the pod uses the host's network, where the sidecar's ports could clash"
            }
            Self::NoNativeSidecars => {
                "not every kubelet of the cluster knows native sidecars (Kubernetes 1.29), or the webhook could not find out; emberscope check says which"
            }
            Self::SparkContainerNotFound => {
                "none of the pod's containers is called spark-kubernetes-driver, spark-kubernetes-executor or executor"
            }
            Self::PortInUse => {
                "another container has the sidecar's port (choose one with emberscope.dev/port) or its push port"
            }
            Self::InternalError => "a bug in emberscope; its log has more",
        }
    }

    /// Whether the client is told: not where nothing is missing.
    #[must_use]
    pub const fn warns(self) -> bool {
        !matches!(self, Self::AlreadyInjected | Self::NotAPodCreation)
    }
}

impl Partial {
    /// The code, as metric label and audit annotation.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SubmitOptsFromElsewhere => "submit_opts_value_from",
            Self::ScrapeAnnotationsKept => "scrape_annotations_kept",
            Self::ProcessNamespaceRefused => "process_namespace_refused",
            Self::HostPid => "host_pid",
            Self::BadOverride => "bad_override",
        }
    }

    /// What it means and what helps, in a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SubmitOptsFromElsewhere => {
                "SPARK_SUBMIT_OPTS comes, or with envFrom may come, from a ConfigMap, Secret or field, so Spark's metrics settings were not added; with an env entry SPARK_SUBMIT_OPTS they are, in front of its value"
            }
            Self::ScrapeAnnotationsKept => {
                "the pod's own prometheus.io annotations were kept; scrape the container port emberscope instead"
            }
            Self::ProcessNamespaceRefused => {
                "shareProcessNamespace is false, so there are no figures of processes and cgroup"
            }
            Self::HostPid => "hostPID is set, so there are no figures of processes and cgroup",
            Self::BadOverride => "an emberscope.dev annotation was ignored",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own() {
        let skips = SKIPS.iter().map(|skip| skip.code());
        let partials = PARTIALS.iter().map(|partial| partial.code());
        let codes: Vec<_> = skips.chain(partials).collect();
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
    }
}
