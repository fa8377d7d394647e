//! The few fields of a pod that deciding needs, borrowed from the raw JSON.
//!
//! Everything else is skipped unread and survives: the patch is computed against positions in the
//! raw object, never by writing a pod back.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

/// A string of the review: borrowed unless it has escapes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Labels or annotations.
pub type StringMap<'a> = HashMap<Text<'a>, Text<'a>>;

/// A pod (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>).
///
/// `null`, an absent key and an empty value are told apart only where a patch needs it: `Option`.
#[derive(Debug, Default, Deserialize)]
pub struct Pod<'a> {
    /// Name, labels and annotations.
    #[serde(borrow, default)]
    pub metadata: Option<Metadata<'a>>,
    /// Containers and their surroundings.
    #[serde(borrow, default)]
    pub spec: Option<PodSpec<'a>>,
}

/// A pod's metadata.
#[derive(Debug, Default, Deserialize)]
pub struct Metadata<'a> {
    /// Labels.
    #[serde(borrow, default)]
    pub labels: Option<StringMap<'a>>,
    /// Annotations.
    #[serde(borrow, default)]
    pub annotations: Option<StringMap<'a>>,
}

/// A pod's spec.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // Kubernetes documents them.
pub struct PodSpec<'a> {
    #[serde(borrow, default)]
    pub containers: Option<Vec<Container<'a>>>,
    #[serde(borrow, default)]
    pub init_containers: Option<Vec<Container<'a>>>,
    #[serde(borrow, default)]
    pub volumes: Option<Vec<Named<'a>>>,
    #[serde(borrow, default)]
    pub image_pull_secrets: Option<Vec<Reference<'a>>>,
    #[serde(default)]
    pub security_context: Option<RunAs>,
    #[serde(default)]
    pub share_process_namespace: Option<bool>,
    #[serde(rename = "hostPID", default)]
    pub host_pid: Option<bool>,
    #[serde(default)]
    pub host_network: Option<bool>,
    #[serde(default)]
    pub automount_service_account_token: Option<bool>,
    #[serde(default)]
    pub termination_grace_period_seconds: Option<i64>,
    #[serde(borrow, default)]
    pub os: Option<Named<'a>>,
    #[serde(borrow, default)]
    pub node_selector: Option<StringMap<'a>>,
    #[serde(borrow, default)]
    pub priority_class_name: Option<Text<'a>>,
    #[serde(default)]
    pub active_deadline_seconds: Option<i64>,
    /// What its runtime takes beside the containers.
    #[serde(borrow, default)]
    pub overhead: Option<HashMap<Text<'a>, Amount<'a>>>,
    /// Resources of the pod as a whole (Kubernetes 1.34).
    #[serde(borrow, default)]
    pub resources: Option<Resources<'a>>,
}

/// A container or init container.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Container<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub command: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub args: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub env: Option<Vec<EnvVar<'a>>>,
    /// Whole `ConfigMap`s and Secrets of variables; what is in them is not known here.
    #[serde(default)]
    pub env_from: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(borrow, default)]
    pub ports: Option<Vec<ContainerPort<'a>>>,
    #[serde(borrow, default)]
    pub resources: Option<Resources<'a>>,
    #[serde(default)]
    pub security_context: Option<RunAs>,
    #[serde(borrow, default)]
    pub restart_policy: Option<Text<'a>>,
}

/// One environment variable.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct EnvVar<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub value: Option<Text<'a>>,
    #[serde(default)]
    pub value_from: Option<serde::de::IgnoredAny>,
}

/// A container port.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ContainerPort<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    pub container_port: i64,
    #[serde(borrow, default)]
    pub protocol: Option<Text<'a>>,
}

/// Requests and limits, by resource name.
#[derive(Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub struct Resources<'a> {
    #[serde(borrow, default)]
    pub requests: Option<HashMap<Text<'a>, Amount<'a>>>,
    #[serde(borrow, default)]
    pub limits: Option<HashMap<Text<'a>, Amount<'a>>>,
}

/// A quantity as JSON has it: `"16Mi"`, or a bare number in hand-written pods.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Amount<'a> {
    /// The usual form.
    Text(#[serde(borrow)] Cow<'a, str>),
    /// A bare number.
    Number(serde_json::Number),
}

/// The user part of a security context; a container's and a pod's have it alike.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RunAs {
    #[serde(default)]
    pub run_as_user: Option<i64>,
    #[serde(default)]
    pub run_as_group: Option<i64>,
}

/// A reference to an object of the same namespace; its name may be missing.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Reference<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
}

/// An object of which only the name matters.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Named<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
}

impl<'a> Pod<'a> {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        let labels = self.metadata.as_ref()?.labels.as_ref()?;
        labels.get(key).map(|value| &**value)
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations()?.get(key).map(|value| &**value)
    }

    /// All annotations, if the pod has the map.
    #[must_use]
    pub fn annotations(&self) -> Option<&StringMap<'a>> {
        self.metadata.as_ref()?.annotations.as_ref()
    }
}

impl<'a> PodSpec<'a> {
    /// The app containers.
    #[must_use]
    pub fn containers(&self) -> &[Container<'a>] {
        self.containers.as_deref().unwrap_or_default()
    }

    /// The init containers.
    #[must_use]
    pub fn init_containers(&self) -> &[Container<'a>] {
        self.init_containers.as_deref().unwrap_or_default()
    }
}

impl Container<'_> {
    /// The words of the command line, as far as the pod says it: a shell's script is taken apart too.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let said = [&self.command, &self.args].into_iter().flatten().flatten();
        said.flat_map(|argument| argument.split_whitespace())
    }

    /// The number of the port with this name.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<i64> {
        let ports = self.ports.as_deref().unwrap_or_default();
        let named = ports.iter().find(|port| port.name.as_deref() == Some(name));
        named.map(|port| port.container_port)
    }

    /// The value of an environment variable, if it is a plain one.
    #[must_use]
    pub fn env(&self, name: &str) -> Option<&str> {
        // Of entries with one name the kubelet uses the last.
        let variables = self.env.as_deref().unwrap_or_default();
        variables.iter().rfind(|variable| &*variable.name == name)?.value.as_deref()
    }
}
