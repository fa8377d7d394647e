//! The key `sidecar`: the container that is injected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Image, LabelName};
use crate::contract::{PORT, PUSH_PORT, SPARK_PORTS};
use crate::origin::{Origin, Sourced};
use crate::quantity::Quantity;

/// The container that is injected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SidecarConfig {
    /// Its image; where nobody names one, that of [`OwnImage`](crate::OwnImage).
    #[serde(skip_serializing_if = "Sourced::is_default")]
    pub image: Sourced<Image>,
    /// When the kubelet pulls it; where nobody says, as that image is.
    #[serde(skip_serializing_if = "Sourced::is_default")]
    pub image_pull_policy: Sourced<ImagePullPolicy>,
    /// Secrets that the pod gets for pulling it, where it does not name them itself.
    pub image_pull_secrets: Sourced<Vec<SecretName>>,
    /// A key that earlier versions knew; nothing to set.
    #[serde(deserialize_with = "mode_is_gone", skip_serializing)]
    mode: Gone,
    /// The port of `/metrics`.
    pub port: Sourced<Port>,
    /// The loopback port that Spark pushes to.
    pub push_port: Sourced<Port>,
    /// For how long the last values are served after Spark ended, in seconds.
    pub linger_seconds: Sourced<u16>,
    /// How many scrapers take the last values of a pod too young to know them.
    pub scrapers: Sourced<u16>,
    /// How much it logs.
    pub log_level: Sourced<LogLevel>,
    /// How much of each of Spark's metrics it serves.
    pub profile: Sourced<MetricProfile>,
    /// Whose names it serves beside the stable ones.
    pub compat: Sourced<Compat>,
    /// Most series that it serves; 0 for no limit.
    pub max_series: Sourced<u32>,
    /// Time between two readings of what Python processes share, in seconds; 0 for never.
    pub pss_interval_seconds: Sourced<u32>,
    /// Whether the pod's containers are made to share a process namespace.
    pub share_process_namespace: Sourced<SharedProcesses>,
    /// Whether the pod gets the annotations by which some collectors find what to scrape.
    pub scrape_annotations: Sourced<ScrapeAnnotations>,
    /// What it may use.
    pub resources: SidecarResources,
    /// Labels of the pod that its figures carry: by the metric label's name, the pod label's key.
    pub metric_labels: BTreeMap<LabelName, Sourced<String>>,
}

/// What the sidecar requests and may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SidecarResources {
    /// CPU request in Burstable pods.
    pub cpu_request: Sourced<Quantity>,
    /// CPU limit, for Burstable pods whose containers all have one.
    pub cpu_limit: Sourced<Quantity>,
    /// CPU request and limit in Guaranteed pods, where the two have to be equal and not 0.
    pub guaranteed_cpu: Sourced<Quantity>,
    /// Memory request in Burstable pods.
    pub memory_request: Sourced<Quantity>,
    /// Memory limit.
    pub memory_limit: Sourced<Quantity>,
}

impl Default for SidecarConfig {
    fn default() -> Self {
        Self {
            image: Sourced::default(Image::of_this_version()),
            image_pull_policy: Sourced::default(ImagePullPolicy::IfNotPresent),
            image_pull_secrets: Sourced::default(Vec::new()),
            mode: Gone,
            port: Sourced::default(Port(PORT)),
            push_port: Sourced::default(Port(PUSH_PORT)),
            linger_seconds: Sourced::default(20),
            scrapers: Sourced::default(1),
            log_level: Sourced::default(LogLevel::Info),
            profile: Sourced::default(MetricProfile::Standard),
            compat: Sourced::default(Compat::None),
            max_series: Sourced::default(500_000),
            pss_interval_seconds: Sourced::default(0),
            share_process_namespace: Sourced::default(SharedProcesses::Auto),
            scrape_annotations: Sourced::default(ScrapeAnnotations::Auto),
            resources: SidecarResources::default(),
            metric_labels: BTreeMap::new(),
        }
    }
}

impl Default for SidecarResources {
    fn default() -> Self {
        Self {
            cpu_request: Sourced::default(Quantity::zero()),
            cpu_limit: Sourced::default(Quantity::milli(50)),
            guaranteed_cpu: Sourced::default(Quantity::milli(5)),
            memory_request: Sourced::default(Quantity::zero()),
            memory_limit: Sourced::default(Quantity::mebi(32)),
        }
    }
}

impl SidecarConfig {
    /// This, with what a profile says over it; `null` takes the default.
    pub(super) fn under(
        &self,
        change: &Map<String, Value>,
        profile: &str,
    ) -> Result<Self, serde_json::Error> {
        let mut merged = serde_json::to_value(self)?;
        merge(&mut merged, &Value::Object(change.clone()));
        let mut result: Self = serde_json::from_value(merged)?;
        // What was merged looks as if one file had said all of it.
        let mut base = self.clone();
        for ((path, origin), (_, before)) in result.origins().into_iter().zip(base.origins()) {
            match said(change, path) {
                None => origin.clone_from(before),
                Some(Value::Null) => *origin = Origin::Default,
                Some(_) => *origin = Origin::Profile(profile.to_owned()),
            }
        }
        for (name, key) in &mut result.metric_labels {
            key.origin = match (said(change, &["metricLabels", name.as_str()]), &self.metric_labels)
            {
                (None, base) if base.contains_key(name) => base[name].origin.clone(),
                _ => Origin::Profile(profile.to_owned()),
            };
        }
        Ok(result)
    }

    /// Where each value comes from, by the keys that lead to it in the file.
    fn origins(&mut self) -> [(&'static [&'static str], &mut Origin); 19] {
        let resources = &mut self.resources;
        [
            (&["image"], &mut self.image.origin),
            (&["imagePullPolicy"], &mut self.image_pull_policy.origin),
            (&["imagePullSecrets"], &mut self.image_pull_secrets.origin),
            (&["port"], &mut self.port.origin),
            (&["pushPort"], &mut self.push_port.origin),
            (&["lingerSeconds"], &mut self.linger_seconds.origin),
            (&["scrapers"], &mut self.scrapers.origin),
            (&["logLevel"], &mut self.log_level.origin),
            (&["profile"], &mut self.profile.origin),
            (&["compat"], &mut self.compat.origin),
            (&["maxSeries"], &mut self.max_series.origin),
            (&["pssIntervalSeconds"], &mut self.pss_interval_seconds.origin),
            (&["shareProcessNamespace"], &mut self.share_process_namespace.origin),
            (&["scrapeAnnotations"], &mut self.scrape_annotations.origin),
            (&["resources", "cpuRequest"], &mut resources.cpu_request.origin),
            (&["resources", "cpuLimit"], &mut resources.cpu_limit.origin),
            (&["resources", "guaranteedCpu"], &mut resources.guaranteed_cpu.origin),
            (&["resources", "memoryRequest"], &mut resources.memory_request.origin),
            (&["resources", "memoryLimit"], &mut resources.memory_limit.origin),
        ]
    }

    /// The arguments about what is served and to whom, where it is not what the sidecar does unasked.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let (mut arguments, default) = (Vec::new(), Self::default());
        if self.scrapers != default.scrapers {
            arguments.push(format!("--scrapers={}", *self.scrapers));
        }
        if self.profile != default.profile {
            arguments.push(format!("--profile={}", self.profile.as_str()));
        }
        if self.compat != default.compat {
            arguments.push(format!("--compat={}", self.compat.as_str()));
        }
        if self.max_series != default.max_series {
            arguments.push(format!("--max-series={}", *self.max_series));
        }
        if self.pss_interval_seconds != default.pss_interval_seconds {
            arguments.push(format!("--pss-interval-seconds={}", *self.pss_interval_seconds));
        }
        arguments
    }
}

/// What is said at the end of these keys, if anything; `null` on the way is said of all below it.
fn said<'m>(change: &'m Map<String, Value>, path: &[&str]) -> Option<&'m Value> {
    let (first, rest) = path.split_first()?;
    let mut found = change.get(*first)?;
    for key in rest {
        if found.is_null() {
            return Some(found);
        }
        found = found.get(key)?;
    }
    Some(found)
}

/// Puts an object's members over another's, at any depth; `null` removes.
fn merge(base: &mut Value, change: &Value) {
    match (base, change) {
        (Value::Object(base), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    base.remove(key);
                } else {
                    merge(base.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (base, change) => base.clone_from(change),
    }
}

/// The value of a key that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gone;

/// Refuses `sidecar.mode`, whatever its value.
fn mode_is_gone<'de, D: serde::Deserializer<'de>>(_: D) -> Result<Gone, D::Error> {
    Err(serde::de::Error::custom(
        "sidecar.mode is gone, since every sidecar is a native one; delete the line",
    ))
}

/// An enum of words that stand in the file, in pods and on command lines alike.
macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum $name {
            $($(#[$meaning])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    )*};
}

words! {
    /// How much of each of Spark's metrics is served.
    MetricProfile {
        /// What Prometheus can work with.
        Standard = "standard",
        /// Also means, extremes, standard deviations and rates.
        Full = "full",
    }

    /// Whose names are served beside the stable ones.
    Compat {
        /// Nobody's.
        None = "none",
        /// Spark's own of its driver page, which hold the application's id.
        Servlet = "servlet",
    }

    /// Whether the pod's containers are made to share a process namespace.
    SharedProcesses {
        /// Where neither the pod nor the command of one of its containers speaks against it.
        Auto = "auto",
        /// Nowhere.
        Never = "never",
    }

    /// Whether the pod gets `prometheus.io/scrape`, `/port` and `/path`.
    ScrapeAnnotations {
        /// Where its own do not point somewhere else.
        Auto = "auto",
        /// Nowhere: its container port is what it is found by.
        Never = "never",
    }

    /// When the kubelet pulls an image
    /// (<https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy>).
    ImagePullPolicy {
        Always = "Always",
        IfNotPresent = "IfNotPresent",
        Never = "Never",
    }

    /// How much the sidecar logs.
    LogLevel {
        Error = "error",
        Warn = "warn",
        Info = "info",
        Debug = "debug",
        Trace = "trace",
    }
}

/// The name of a Secret, 1 to 253 small letters, digits, hyphens and inner dots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretName(String);

impl SecretName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SecretName {
    type Error = String;

    /// After RFC 1123, as Kubernetes has it
    /// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>).
    fn try_from(name: String) -> Result<Self, Self::Error> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let label = |label: &str| {
            !label.is_empty()
                && label.chars().all(word)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() <= 253 && name.split('.').all(label) {
            Ok(Self(name))
        } else {
            Err(format!("{name:?} is no name of a Secret"))
        }
    }
}

/// A TCP port that a process without privileges can listen on, 1024 to 65535, less those where
/// Spark does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Port(u16);

impl Port {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for Port {
    type Error = String;

    fn try_from(port: i64) -> Result<Self, Self::Error> {
        match u16::try_from(port) {
            Ok(port) if SPARK_PORTS.iter().any(|sparks| sparks.contains(&port)) => {
                Err(format!("Spark may listen on port {port}"))
            }
            Ok(port) if port >= 1024 => Ok(Self(port)),
            _ => Err(format!("{port} is not a port from 1024 to 65535")),
        }
    }
}
