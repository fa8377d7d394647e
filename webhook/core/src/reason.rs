//! Why a pod was not injected, or not fully: one code each, the same in the warning that the
//! client sees, in the audit log and in the metric.

/// An enum of reasons, each with its code and, in a sentence, what it means and what helps.
macro_rules! reasons {
    (
        $(#[$about:meta])* $all:ident of $name:ident;
        $($(#[$meaning:meta])* $variant:ident = $code:literal, $sentence:literal;)*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$meaning])* $variant,)*
        }

        /// All of them, for documentation and metrics.
        pub const $all: &[$name] = &[$($name::$variant),*];

        impl $name {
            /// The code, as metric label and audit annotation.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// What it means and what helps, in a sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)*
                }
            }
        }
    };
}

reasons! {
    /// Why a pod got no patch at all.
    SKIPS of Skip;
    /// The body is not an AdmissionReview.
    UnreadableReview = "unreadable_review", "the request is not an AdmissionReview in JSON";
    /// An AdmissionReview of another version than v1.
    UnsupportedVersion = "unsupported_version", "the review is not admission.k8s.io/v1; set admissionReviewVersions: [v1]";
    /// The review has no object, or the object is not a pod that can be read.
    UnreadablePod = "unreadable_pod", "the review has no object that can be read as a pod";
    /// The review is about something else than the creation of a pod.
    NotAPodCreation = "not_a_pod_creation", "only the creation of pods is of interest";
    /// No label `spark-role` with a value that the configuration knows.
    NotSpark = "not_spark", "no label spark-role says driver, connect-server or executor, or what the configuration's roles say instead";
    /// `emberscope.dev/inject` says `false` or `disabled`.
    OptedOut = "opted_out", "the pod says emberscope.dev/inject: \"false\" or \"disabled\"";
    /// `emberscope.dev/inject` says something that nobody knows: no consent.
    UnclearConsent = "unclear_consent", "the pod's emberscope.dev/inject says neither \"true\" nor \"false\" (nor \"enabled\" nor \"disabled\"), so it is left alone";
    /// The sidecar is there already.
    AlreadyInjected = "already_injected", "the pod has a container emberscope-sidecar already";
    /// A pod that the kubelet made from a file; it cannot be changed.
    MirrorPod = "mirror_pod", "a mirror pod cannot be changed";
    /// A pod for Windows nodes.
    Windows = "windows", "the sidecar runs on Linux only";
    /// The pod shares its node's network: ports would clash between pods.
    HostNetwork = "host_network", "the pod uses the host's network, where the sidecar's ports could clash";
    /// Kubelets that do not know native sidecars would wait for ever for the end of one.
    NoNativeSidecars = "no_native_sidecars", "not every kubelet of the cluster knows native sidecars (Kubernetes 1.29), or the webhook cannot find out; emberscope check or the webhook's log says which";
    /// A guess at the image could have the pod wait for ever.
    NoImage = "no_image", "the webhook cannot read its own pod, whose image it would inject, and the configuration's sidecar.image names no other; its log says why";
    /// The pod has several containers, and nothing tells which is Spark's.
    SparkContainerNotFound = "spark_container_not_found", "nothing tells which of the pod's containers is Spark's: no name, variable or argument of Spark's; say it with emberscope.dev/container";
    /// Another container of the pod has the sidecar's port.
    PortInUse = "port_in_use", "another container has the sidecar's port (choose one with emberscope.dev/port) or its push port";
    /// No requests and limits of the sidecar satisfy a LimitRange.
    LimitRange = "limit_range", "a LimitRange of the namespace would refuse the pod with the sidecar, whatever requests and limits that has";
    /// What the sidecar adds does not fit in a quota.
    QuotaFull = "quota_full", "a ResourceQuota of the namespace has no room for what the sidecar adds, and would refuse the pod";
    /// The sidecar would have to ask for something, which a gang scheduler was not told.
    Gang = "gang", "a pod of a gang (YuniKorn, Volcano, Kueue or the coscheduling plugin) whose sidecar would have to ask for CPU or memory that the gang has not reserved, being Guaranteed or by a LimitRange or a setting";
    /// The fuse is blown.
    SidecarDoesNotStart = "sidecar_does_not_start", "sidecars with this image do not start in this namespace, and Spark would wait for them; emberscope check names the pods and what helps";
    /// A bug in this program.
    InternalError = "internal_error", "a bug in emberscope; its log has more";
}

impl Skip {
    /// Whether the client is told: not where nothing is missing.
    #[must_use]
    pub const fn warns(self) -> bool {
        !matches!(self, Self::AlreadyInjected | Self::NotAPodCreation)
    }
}

reasons! {
    /// Why a pod that got the sidecar did not get everything.
    PARTIALS of Partial;
    /// `SPARK_SUBMIT_OPTS` comes from elsewhere (`valueFrom`) or may (`envFrom`), so no Spark
    /// setting was added.
    SubmitOptsFromElsewhere = "submit_opts_value_from", "SPARK_SUBMIT_OPTS comes, or with envFrom may come, from a ConfigMap, Secret or field, so Spark's metrics settings were not added; with an env entry SPARK_SUBMIT_OPTS they are, in front of its value";
    /// The pod has its own scrape annotations; they stay.
    ScrapeAnnotationsKept = "scrape_annotations_kept", "the pod's own prometheus.io annotations were kept; scrape the container port emberscope instead";
    /// The pod insists on separate process namespaces.
    ProcessNamespaceRefused = "process_namespace_refused", "shareProcessNamespace is false, so there are no figures of processes and cgroup";
    /// The configuration, a profile or the pod says that it is not to be shared.
    ProcessNamespaceNotShared = "process_namespace_not_shared", "sidecar.shareProcessNamespace or emberscope.dev/share-process-namespace is never, so there are no figures of processes and cgroup";
    /// A container's command shows an init that ends when it is not process 1.
    NeedsPid1 = "needs_pid_1", "a container's command starts an init that has to be process 1, so processes are not shared, and there are no figures of processes and cgroup";
    /// The pod uses its node's process namespace.
    HostPid = "host_pid", "hostPID is set, so there are no figures of processes and cgroup";
    /// An `emberscope.dev/…` annotation is unknown or has a bad value.
    BadOverride = "bad_override", "an emberscope.dev annotation was ignored";
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
