//! What a single pod asks for by annotation, over the configuration.
//!
//! One row of [`ANNOTATIONS`] is one override: its name, its documentation, and what it sets.

use super::consent::Consent;
use crate::config::{Config, Image, LEAST_MEMORY, LogLevel, Port, SharedProcesses, SidecarConfig};
use crate::contract::{INJECTED, PREFIX};
use crate::origin::{Origin, Sourced};
use crate::pod::{Pod, PodSpec};
use crate::quantity::Quantity;

/// An annotation that users may set.
#[derive(Debug, Clone, Copy)]
pub struct Annotation {
    /// Behind [`PREFIX`].
    pub name: &'static str,
    /// What its value looks like.
    pub value: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Sets what it is about; or says what is wrong with the value, and sets nothing.
    set: fn(&mut PodSettings, &str, Origin) -> Result<(), String>,
}

/// Every annotation that users may set.
pub const ANNOTATIONS: &[Annotation] = &[
    Annotation {
        name: "inject",
        value: "\"true\" or \"false\" (or \"enabled\", \"disabled\")",
        help: "all but \"true\" leaves this pod alone; a label of the same name does too",
        // The rules ask `consent`, before anything else counts.
        set: |_, value, _| consent(value),
    },
    Annotation {
        name: "container",
        value: "the name of a container",
        help: "which container is Spark's, where it is not called as Spark calls it",
        set: |pod, value, by| {
            pod.container = Some(Sourced { value: container(value)?, origin: by });
            Ok(())
        },
    },
    Annotation {
        name: "image",
        value: "an image",
        help: "the sidecar's image",
        set: |pod, value, by| put(&mut pod.sidecar.image, Image::try_from(value.to_owned()), by),
    },
    Annotation {
        name: "cpu-request",
        value: "a quantity",
        help: "the sidecar's CPU request",
        set: |pod, value, by| {
            let resources = &mut pod.sidecar.resources;
            put(&mut resources.cpu_request, quantity(value), by.clone())?;
            put(&mut resources.guaranteed_cpu, quantity(value), by)
        },
    },
    Annotation {
        name: "memory-limit",
        value: "a quantity",
        help: "the sidecar's memory limit",
        set: |pod, value, by| put(&mut pod.sidecar.resources.memory_limit, memory_limit(value), by),
    },
    Annotation {
        name: "port",
        value: "1024 to 65535",
        help: "the port of /metrics",
        set: |pod, value, by| {
            let port = port(value, pod.push_port);
            put(&mut pod.sidecar.port, port, by)
        },
    },
    Annotation {
        name: "linger-seconds",
        value: "0 to 65535",
        help: "how long the last values are served at most after Spark ended",
        set: |pod, value, by| put(&mut pod.sidecar.linger_seconds, seconds(value), by),
    },
    Annotation {
        name: "share-process-namespace",
        value: "auto or never",
        help: "never: the pod's containers are not made to share a process namespace",
        set: |pod, value, by| {
            put(&mut pod.sidecar.share_process_namespace, shared_processes(value), by)
        },
    },
    Annotation {
        name: "log-level",
        value: "error, warn, info, debug or trace",
        help: "how much the sidecar logs",
        set: |pod, value, by| put(&mut pod.sidecar.log_level, log_level(value), by),
    },
    Annotation {
        name: "spark-confs",
        value: "\"true\" or \"false\"",
        help: "\"false\" adds no Spark settings",
        set: |pod, value, by| put(&mut pod.spark_confs, switch(value), by),
    },
];

/// The configuration as one pod wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodSettings {
    /// The name of Spark's container.
    pub(super) container: Option<Sourced<String>>,
    /// Whether it wants Spark's settings.
    pub(super) spark_confs: Sourced<bool>,
    /// The configuration, with what the pod asks for in place.
    pub(super) sidecar: SidecarConfig,
    /// Annotations that were ignored: each with the reason.
    pub(super) ignored: Vec<String>,
    /// Where Spark pushes to: no port for anything else.
    push_port: u16,
}

impl PodSettings {
    /// Reads the pod's annotations over the configuration.
    ///
    /// An annotation that is unknown or has a bad value changes nothing and is named in `ignored`.
    pub(super) fn of(pod: &Pod<'_>, config: &Config, push_port: u16) -> Self {
        let mut settings = Self {
            container: None,
            spark_confs: Sourced::default(true),
            sidecar: config.sidecar.clone(),
            ignored: Vec::new(),
            push_port,
        };
        let annotations = pod.annotations().into_iter().flatten();
        let mut ours: Vec<(&str, &str)> = annotations
            .filter(|(key, _)| &***key != INJECTED)
            .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, &**value)))
            .collect();
        ours.sort_unstable();
        for (name, value) in ours {
            let known = ANNOTATIONS.iter().find(|annotation| annotation.name == name);
            let set = known.ok_or_else(|| "is unknown".to_owned()).and_then(|annotation| {
                (annotation.set)(&mut settings, value.trim(), Origin::Annotation(annotation.name))
            });
            if let Err(problem) = set {
                settings.ignored.push(format!("{PREFIX}{name}: {problem}"));
            }
        }
        let containers = pod.spec.as_ref().map(PodSpec::containers).unwrap_or_default();
        let is_named = |name: &str| containers.iter().any(|container| &*container.name == name);
        if let Some(name) = settings.container.take_if(|name| !is_named(name)) {
            let problem = format!("no container of the pod is called {:?}", *name);
            settings.ignored.push(format!("{PREFIX}container: {problem}"));
        }
        // A limit below the request takes the request down, and the other way round for CPU.
        let resources = &mut settings.sidecar.resources;
        if *resources.memory_request > *resources.memory_limit {
            resources.memory_request = resources.memory_limit.clone();
        }
        if *resources.cpu_limit < *resources.cpu_request {
            resources.cpu_limit = resources.cpu_request.clone();
        }
        settings
    }
}

fn put<T>(place: &mut Sourced<T>, value: Result<T, String>, by: Origin) -> Result<(), String> {
    *place = Sourced { value: value?, origin: by };
    Ok(())
}

fn switch(value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{value:?} is neither \"true\" nor \"false\"")),
    }
}

fn quantity(value: &str) -> Result<Quantity, String> {
    let quantity: Quantity = value.parse().map_err(|error| format!("{error}"))?;
    if quantity.is_zero() { Err("is zero".to_owned()) } else { Ok(quantity) }
}

fn memory_limit(value: &str) -> Result<Quantity, String> {
    match quantity(value)? {
        limit if limit < Quantity::mebi(LEAST_MEMORY) => {
            Err(format!("{value} is less than {LEAST_MEMORY}Mi, in which nothing starts"))
        }
        limit => Ok(limit),
    }
}

fn consent(value: &str) -> Result<(), String> {
    match Consent::by(value) {
        Consent::Unclear => Err(format!("{value:?} is neither \"true\" nor \"false\"")),
        Consent::Given | Consent::Refused => Ok(()),
    }
}

fn container(value: &str) -> Result<String, String> {
    if value.is_empty() { Err("names no container".to_owned()) } else { Ok(value.to_owned()) }
}

fn shared_processes(value: &str) -> Result<SharedProcesses, String> {
    let known = SharedProcesses::ALL.iter().copied().find(|one| one.as_str() == value);
    known.ok_or_else(|| format!("{value:?} is neither \"auto\" nor \"never\""))
}

fn port(value: &str, push_port: u16) -> Result<Port, String> {
    let number: i64 = value.parse().map_err(|_| format!("{value:?} is not a number"))?;
    let port = Port::try_from(number)?;
    if port.get() == push_port { Err(format!("{value} is the push port")) } else { Ok(port) }
}

fn seconds(value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| format!("{value:?} is not a number of seconds"))
}

fn log_level(value: &str) -> Result<LogLevel, String> {
    let known = LogLevel::ALL.iter().copied().find(|level| level.as_str() == value);
    known.ok_or_else(|| format!("{value:?} is not one of error, warn, info, debug, trace"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::SidecarResources;

    fn read(annotations: &serde_json::Value) -> PodSettings {
        let pod = json!({"metadata": {"annotations": annotations}}).to_string();
        PodSettings::of(&serde_json::from_str(&pod).unwrap(), &Config::default(), 9815)
    }

    #[test]
    fn each_documented_annotation_is_known_and_a_bad_value_of_it_is_named_and_changes_nothing() {
        for Annotation { name, .. } in ANNOTATIONS {
            let key = format!("{PREFIX}{name}");
            let result = read(&json!({ key.as_str(): "" }));
            assert_eq!(result.ignored.len(), 1, "{name}");
            assert!(result.ignored[0].starts_with(&key), "{:?}", result.ignored);
            assert!(!result.ignored[0].contains("unknown"), "{:?}", result.ignored);
            assert_eq!(result.sidecar, Config::default().sidecar);
        }
    }

    #[test]
    fn an_unknown_annotation_is_named_and_other_peoples_are_not_ours() {
        let result = read(&json!({
            "emberscope.dev/imge": "x", "emberscope.dev/injected": "1", "other.dev/x": "y",
        }));
        assert_eq!(result.ignored, ["emberscope.dev/imge: is unknown"]);
    }

    #[test]
    fn good_values_take_effect() {
        let result = read(&json!({
            "emberscope.dev/image": "me/sidecar:2", "emberscope.dev/cpu-request": "200m",
            "emberscope.dev/memory-limit": "8Mi", "emberscope.dev/port": "9900",
            "emberscope.dev/linger-seconds": "0", "emberscope.dev/log-level": "debug",
            "emberscope.dev/spark-confs": "false", "emberscope.dev/inject": "false",
        }));
        assert!(result.ignored.is_empty(), "{:?}", result.ignored);
        assert!(!*result.spark_confs);
        let sidecar = result.sidecar;
        assert_eq!((sidecar.image.as_str(), sidecar.port.get()), ("me/sidecar:2", 9900));
        assert_eq!((*sidecar.linger_seconds, *sidecar.log_level), (0, LogLevel::Debug));
        assert_eq!(sidecar.log_level.origin, Origin::Annotation("log-level"));
        let SidecarResources { memory_request, cpu_limit, .. } = sidecar.resources;
        assert_eq!((&*memory_request, &*cpu_limit), (&Quantity::zero(), &Quantity::milli(200)));
        assert_eq!(*memory_request.value.as_str(), *"0");
        assert_eq!(cpu_limit.origin, Origin::Annotation("cpu-request"));
    }
}
