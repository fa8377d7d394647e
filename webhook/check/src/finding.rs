//! What is looked at, and what was found.

use emberscope_ask::Refusal;
use serde::{Serialize, Serializer};

/// A link of the chain from the API server to the metrics' store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Link {
    Kubernetes,
    Server,
    Webhook,
    Namespaces,
    Pods,
    Sidecars,
    Prometheus,
}

impl Link {
    /// All links, in the order in which they are walked.
    pub const ALL: [Self; 7] = [
        Self::Kubernetes,
        Self::Server,
        Self::Webhook,
        Self::Namespaces,
        Self::Pods,
        Self::Sidecars,
        Self::Prometheus,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Server => "server",
            Self::Webhook => "webhook",
            Self::Namespaces => "namespaces",
            Self::Pods => "pods",
            Self::Sidecars => "sidecars",
            Self::Prometheus => "prometheus",
        }
    }

    /// The heading for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Kubernetes => "Kubernetes",
            Self::Server => "The webhook's server",
            Self::Webhook => "The API server's call to it",
            Self::Namespaces => "Namespaces",
            Self::Pods => "Spark's pods",
            Self::Sidecars => "Sidecars",
            Self::Prometheus => "Prometheus",
        }
    }
}

/// One thing that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// The link that it belongs to.
    pub link: Link,
    /// Its name in JSON and documentation.
    pub code: &'static str,
    /// What has to hold.
    pub help: &'static str,
}

macro_rules! checks {
    ($($name:ident = $link:ident, $code:literal, $help:literal;)*) => {
        $(#[doc = $help] #[allow(clippy::doc_markdown)] pub(crate) const $name: Check =
            Check { link: Link::$link, code: $code, help: $help };)*
        /// Every check, in the order in which they are made.
        pub const CHECKS: &[Check] = &[$($name),*];
    };
}

checks! {
    API = Kubernetes, "api", "the API server answers, and its version is one that Emberscope works with";
    NATIVE_SIDECARS = Kubernetes, "native_sidecars", "every kubelet knows native sidecars (1.29): where not, pods are left alone";
    NAMESPACE = Server, "namespace", "the webhook's namespace exists";
    DEPLOYMENT = Server, "deployment", "all replicas of the Deployment are ready";
    SERVICE = Server, "service", "the Service exists and has the port that the API server calls";
    ENDPOINTS = Server, "endpoints", "the Service's EndpointSlices have a ready endpoint";
    CONFIGURATION = Server, "configuration", "the ConfigMap holds a configuration that is valid";
    NETWORK_POLICY = Server, "network_policy", "the NetworkPolicy is there (warning)";
    DISRUPTION_BUDGET = Server, "disruption_budget", "the PodDisruptionBudget is there (warning)";
    WEBHOOK = Webhook, "webhook", "the MutatingWebhookConfiguration exists and points at the Service";
    FAILURE_POLICY = Webhook, "failure_policy", "failurePolicy is Ignore: no pod is refused because of the webhook";
    TIMEOUT = Webhook, "timeout", "timeoutSeconds is short (warning)";
    SELECTORS = Webhook, "selectors", "Spark's pods in labelled namespaces are shown to the webhook, and no others";
    POLICY = Webhook, "policy", "where `emberscope policy` takes the webhook's place: its policies are there";
    POLICY_BINDING = Webhook, "policy_binding", "each of these policies is bound";
    CA_BUNDLE = Webhook, "ca_bundle", "the caBundle holds an authority that is valid now and for some time";
    STORED_CERTIFICATE = Webhook, "stored_certificate", "the caBundle vouches for the certificate in the Secret";
    SERVED_CERTIFICATE = Webhook, "served_certificate", "the caBundle vouches for the certificate that is served";
    DRY_RUN = Webhook, "dry_run", "the API server gives a driver pod the sidecar, in a dry run";
    LABELLED = Namespaces, "labelled", "a namespace has the label emberscope.dev/inject=enabled";
    MISTYPED = Namespaces, "mistyped", "no namespace has that label with another value, or as an annotation";
    LIMITS = Namespaces, "limits", "the webhook may read LimitRanges and quotas, so that they refuse no pod because of its sidecar (warning)";
    INJECTED = Pods, "injected", "Spark's pods of the last 24 hours in these namespaces have the sidecar";
    UP_TO_DATE = Pods, "up_to_date", "they have it by the version and configuration that are installed (warning)";
    FUSES = Pods, "fuses", "the webhook sees Spark's pods (warning), and leaves none alone because the sidecar does not start";
    STARTED = Sidecars, "started", "no pod waits for its sidecar, such as for an image that cannot be pulled";
    ANSWERING = Sidecars, "answering", "the sidecars of up to three running pods answer, asked through the API server";
    SOURCES = Sidecars, "sources", "their sources are up";
    PROMETHEUS = Prometheus, "prometheus", "Prometheus answers";
    TARGETS = Prometheus, "targets", "its targets that are Spark's pods are up";
    SAMPLES = Prometheus, "samples", "figures of sidecars arrived in the last five minutes";
    REMOTE_WRITE = Prometheus, "remote_write", "remote write keeps up and loses nothing";
    RULES = Prometheus, "rules", "rules over Emberscope's metrics are loaded and work (warning)";
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It was not made; the sentence says why.
    Skip,
    /// Something is not as it should be, or could not be seen; metrics may arrive all the same.
    Warn,
    /// The chain is broken here.
    Fail,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    #[serde(serialize_with = "code")]
    pub check: Check,
    /// What became of it.
    pub outcome: Outcome,
    /// What was seen, in a sentence.
    pub sentence: String,
    /// What helps: a command where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

fn code<S: Serializer>(check: &Check, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(check.code)
}

impl Check {
    /// The check holds.
    pub(crate) fn pass(self, sentence: impl Into<String>) -> Finding {
        self.found(Outcome::Pass, sentence.into(), None)
    }

    /// The check was not made, for this reason.
    pub(crate) fn skip(self, sentence: impl Into<String>) -> Finding {
        self.found(Outcome::Skip, sentence.into(), None)
    }

    /// Worth a look.
    pub(crate) fn warn(self, sentence: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.found(Outcome::Warn, sentence.into(), Some(remedy.into()))
    }

    /// The check does not hold.
    pub(crate) fn fail(self, sentence: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.found(Outcome::Fail, sentence.into(), Some(remedy.into()))
    }

    fn found(self, outcome: Outcome, sentence: String, remedy: Option<String>) -> Finding {
        Finding { check: self, outcome, sentence, remedy }
    }
}

impl Check {
    /// The finding where an answer was refused. A missing right is no failure of the cluster's.
    pub(crate) fn refused(self, what: &str, refusal: &Refusal) -> Finding {
        match refusal {
            Refusal::Forbidden(_) => self.warn(format!("{what} is not known: {refusal}"), GRANT),
            _ => self.fail(format!("{what}: {refusal}"), "kubectl get --raw '/readyz?verbose'"),
        }
    }
}

/// What gives the rights that do no harm.
const GRANT: &str = "kubectl apply -f manifests/components/check/clusterrole.yaml
kubectl create clusterrolebinding emberscope-check --clusterrole=emberscope-check --user=NAME";
