//! What a single pod asks for by annotation, over the configuration.

use crate::config::{Config, LEAST_MEMORY, LogLevel, Port, image_problem};
use crate::pod::Pod;
use crate::quantity::Quantity;

/// What all annotations of this program begin with.
pub const PREFIX: &str = "emberscope.dev/";

/// Set on every injected pod: version and configuration fingerprint.
pub const INJECTED: &str = "emberscope.dev/injected";

/// An annotation that users may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Annotation {
    /// Behind [`PREFIX`].
    pub name: &'static str,
    /// What its value looks like.
    pub value: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// Every annotation that users may set.
pub const ANNOTATIONS: [Annotation; 8] = [
    Annotation {
        name: "inject",
        value: "\"true\" or \"false\"",
        help: "\"false\" leaves this pod alone",
    },
    Annotation { name: "image", value: "an image", help: "the sidecar's image" },
    Annotation { name: "cpu-request", value: "a quantity", help: "the sidecar's CPU request" },
    Annotation { name: "memory-limit", value: "a quantity", help: "the sidecar's memory limit" },
    Annotation { name: "port", value: "1024 to 65535", help: "the port of /metrics" },
    Annotation {
        name: "linger-seconds",
        value: "0 to 65535",
        help: "how long the last values are served after Spark ended",
    },
    Annotation {
        name: "log-level",
        value: "error, warn, info, debug or trace",
        help: "how much the sidecar logs",
    },
    Annotation {
        name: "spark-confs",
        value: "\"true\" or \"false\"",
        help: "\"false\" adds no Spark settings",
    },
];

/// The configuration as one pod wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// `emberscope.dev/inject`.
    pub inject: bool,
    /// `emberscope.dev/spark-confs`.
    pub spark_confs: bool,
    /// The configuration, with what the pod asks for in place.
    pub sidecar: crate::config::Sidecar,
    /// Annotations that were ignored: each with the reason.
    pub ignored: Vec<String>,
}

/// Reads the pod's annotations over the configuration.
///
/// An annotation that is unknown or has a bad value changes nothing and is named in `ignored`.
#[must_use]
pub fn read(pod: &Pod<'_>, config: &Config) -> Overridden {
    let mut result = Overridden {
        inject: true,
        spark_confs: true,
        sidecar: config.sidecar.clone(),
        ignored: Vec::new(),
    };
    let annotations = pod.annotations().into_iter().flatten();
    let mut ours: Vec<(&str, &str)> = annotations
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, &**value)))
        .filter(|(name, _)| *name != "injected")
        .collect();
    ours.sort_unstable();
    for (name, value) in ours {
        if let Err(problem) = apply(&mut result, name, value.trim()) {
            result.ignored.push(format!("{PREFIX}{name}: {problem}"));
        }
    }
    let resources = &mut result.sidecar.resources;
    if resources.memory_request > resources.memory_limit {
        resources.memory_request = resources.memory_limit.clone();
    }
    if resources.cpu_limit < resources.cpu_request {
        resources.cpu_limit = resources.cpu_request.clone();
    }
    result
}

fn apply(result: &mut Overridden, name: &str, value: &str) -> Result<(), String> {
    let sidecar = &mut result.sidecar;
    match name {
        "inject" => result.inject = switch(value)?,
        "spark-confs" => result.spark_confs = switch(value)?,
        "image" => match image_problem(value) {
            Some(problem) => return Err(problem.to_owned()),
            None => value.clone_into(&mut sidecar.image),
        },
        "cpu-request" => sidecar.resources.cpu_request = quantity(value)?,
        "memory-limit" => match quantity(value)? {
            limit if limit < Quantity::mebi(LEAST_MEMORY) => {
                return Err(format!(
                    "{value} is less than {LEAST_MEMORY}Mi, in which nothing starts"
                ));
            }
            limit => sidecar.resources.memory_limit = limit,
        },
        "port" => sidecar.port = port(value, sidecar.push_port)?,
        "linger-seconds" => {
            sidecar.linger_seconds =
                value.parse().map_err(|_| format!("{value:?} is not a number of seconds"))?;
        }
        "log-level" => {
            sidecar.log_level =
                value.parse::<LogLevel>().map_err(|problem| format!("{value:?} is {problem}"))?;
        }
        _ => return Err("is unknown".to_owned()),
    }
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

fn port(value: &str, push_port: Port) -> Result<Port, String> {
    let number: i64 = value.parse().map_err(|_| format!("{value:?} is not a number"))?;
    let port = Port::try_from(number)?;
    if port == push_port { Err(format!("{value} is the push port")) } else { Ok(port) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_annotations(annotations: &serde_json::Value) -> Overridden {
        let pod = json!({"metadata": {"annotations": annotations}}).to_string();
        read(&serde_json::from_str(&pod).unwrap(), &Config::default())
    }

    #[test]
    fn each_documented_annotation_is_known_and_a_bad_value_of_it_is_named_and_changes_nothing() {
        for Annotation { name, .. } in ANNOTATIONS {
            let key = format!("{PREFIX}{name}");
            let result = read_annotations(&json!({ key.as_str(): "" }));
            assert_eq!(result.ignored.len(), 1, "{name}");
            assert!(result.ignored[0].starts_with(&key), "{:?}", result.ignored);
            assert!(!result.ignored[0].contains("unknown"), "{:?}", result.ignored);
            assert_eq!(result.sidecar, Config::default().sidecar);
        }
    }

    #[test]
    fn an_unknown_annotation_is_named_and_other_peoples_are_not_ours() {
        let result = read_annotations(&json!({
            "emberscope.dev/imge": "x", "emberscope.dev/injected": "1", "other.dev/x": "y",
        }));
        assert_eq!(result.ignored, ["emberscope.dev/imge: is unknown"]);
    }

    #[test]
    fn good_values_take_effect() {
        let result = read_annotations(&json!({
            "emberscope.dev/image": "me/sidecar:2", "emberscope.dev/cpu-request": "200m",
            "emberscope.dev/memory-limit": "8Mi", "emberscope.dev/port": "9900",
            "emberscope.dev/linger-seconds": "0", "emberscope.dev/log-level": "debug",
            "emberscope.dev/spark-confs": "false", "emberscope.dev/inject": "false",
        }));
        assert!(result.ignored.is_empty(), "{:?}", result.ignored);
        assert!(!result.inject && !result.spark_confs);
        let sidecar = result.sidecar;
        assert_eq!((sidecar.image.as_str(), sidecar.port.get()), ("me/sidecar:2", 9900));
        assert_eq!((sidecar.linger_seconds, sidecar.log_level), (0, LogLevel::Debug));
        // A limit below the request takes the request down, and the other way round for CPU.
        assert_eq!(sidecar.resources.memory_request, Quantity::mebi(8));
        assert_eq!(sidecar.resources.cpu_limit, Quantity::milli(200));
    }
}
