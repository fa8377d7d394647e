//! Whether a patched pod still has everything that it had: the oracle for the promise that the webhook
//! takes nothing away.
//!
//! Three values may change, and only into what is worked out here from the pod as it was: a driver's
//! options, which ours are put in front of, scrape annotations that point at Spark's own pages, and the
//! list of containers that get no AWS token, which the sidecar is added to.

use serde_json::Value;

/// What stands in front of the user's options is options and a space.
const OPTION: &str = "-Dspark.";

const SKIP_CONTAINERS: &str = "/metadata/annotations/eks.amazonaws.com~1skip-containers";

const ANNOTATIONS: &str = "/metadata/annotations/prometheus.io~1";

/// JSON Pointers of what `original` has and `result` has not, or with another value. Lists are
/// compared position by position: what was there keeps its place.
#[must_use]
pub fn lost(original: &Value, result: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    compare(original, result, "", &mut |path, before, after| {
        if !is_ours(original, path, before, after) {
            lost.push(path.to_owned());
        }
    });
    lost
}

fn compare(
    original: &Value,
    result: &Value,
    path: &str,
    differs: &mut impl FnMut(&str, &Value, &Value),
) {
    match (original, result) {
        (Value::Object(original), Value::Object(result)) => {
            for (key, value) in original {
                let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                compare(value, result.get(key).unwrap_or(&Value::Null), &path, differs);
            }
        }
        (Value::Array(original), Value::Array(result)) => {
            for (index, value) in original.iter().enumerate() {
                let found = result.get(index).unwrap_or(&Value::Null);
                compare(value, found, &format!("{path}/{index}"), differs);
            }
        }
        // Null is nothing, so something in its place takes nothing away.
        (Value::Null, _) => {}
        _ if original == result => {}
        _ => differs(path, original, result),
    }
}

/// Whether a value is one of the three that may change, and changed into the right one.
fn is_ours(pod: &Value, path: &str, before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_str(), after.as_str()) else {
        return false;
    };
    if path == SKIP_CONTAINERS {
        let comma = if before.trim().is_empty() { "" } else { "," };
        return after == format!("{before}{comma}emberscope-sidecar");
    }
    if let Some(annotation) = path.strip_prefix(ANNOTATIONS) {
        let expected = match annotation {
            "port" => after.parse::<u16>().is_ok_and(|port| port >= 1024 && port != 4040),
            "path" => after == "/metrics",
            _ => false,
        };
        return expected && points_at_spark(pod);
    }
    let Some(variable) = path.strip_suffix("/value").and_then(|path| pod.pointer(path)) else {
        return false;
    };
    let ours = after.strip_suffix(before).unwrap_or_default();
    let ours = if before.is_empty() { Some(ours) } else { ours.strip_suffix(' ') };
    path.starts_with("/spec/containers/")
        && variable["name"] == "SPARK_SUBMIT_OPTS"
        && pod["metadata"]["labels"]["spark-role"] != "executor"
        && ours.is_some_and(|ours| ours.starts_with(OPTION))
}

/// Whether the pod is to be scraped where Spark itself serves.
fn points_at_spark(pod: &Value) -> bool {
    let says = |key: &str| {
        pod["metadata"]["annotations"][format!("prometheus.io/{key}")].as_str().unwrap_or_default()
    };
    let page = says("path").trim_end_matches('/');
    says("scrape") == "true"
        && says("port") == "4040"
        && ["/metrics/executors/prometheus", "/metrics/driver/prometheus", "/metrics/prometheus"]
            .contains(&page)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({
            "metadata": {"labels": {"spark-role": "driver"}, "annotations": {
                "prometheus.io/scrape": "true", "prometheus.io/port": "4040",
                "prometheus.io/path": "/metrics/executors/prometheus/",
                "eks.amazonaws.com/skip-containers": "a, b",
            }},
            "spec": {
                "containers": [{"name": "a", "env": [
                    {"name": "SPARK_SUBMIT_OPTS", "value": "-Da=b"}, {"name": "OTHER", "value": "x"},
                ]}],
                "initContainers": [{"name": "b", "env": [{"name": "SPARK_SUBMIT_OPTS", "value": "y"}]}],
                "volumes": null,
            },
        })
    }

    fn lost_with(path: &str, value: &Value) -> Vec<String> {
        let mut result = pod();
        *result.pointer_mut(path).unwrap() = value.clone();
        lost(&pod(), &result)
    }

    #[test]
    fn what_may_change_may_change_into_the_right_thing_only() {
        let options = "/spec/containers/0/env/0/value";
        for (path, right) in [
            (options, json!("-Dspark.c=d -Da=b")),
            ("/spec/volumes", json!([])),
            ("/metadata/annotations/prometheus.io~1port", json!("9814")),
            ("/metadata/annotations/prometheus.io~1path", json!("/metrics")),
            (SKIP_CONTAINERS, json!("a, b,emberscope-sidecar")),
        ] {
            assert!(lost_with(path, &right).is_empty(), "{path} {right}");
        }
        for (path, wrong) in [
            (options, json!("-Da=b -Dspark.c=d")),
            (options, json!("-Dspark.c=d-Da=b")),
            (options, json!("anything -Da=b")),
            ("/spec/containers/0/env/1/value", json!("-Dspark.c=d x")),
            ("/spec/initContainers/0/env/0/value", json!("-Dspark.c=d y")),
            ("/spec/containers/0/env/1", json!(null)),
            ("/metadata/annotations/prometheus.io~1port", json!("80")),
            ("/metadata/annotations/prometheus.io~1scrape", json!("false")),
            ("/metadata/annotations/prometheus.io~1path", json!("/")),
            (SKIP_CONTAINERS, json!("emberscope-sidecar")),
            (SKIP_CONTAINERS, json!("a, b,emberscope-sidecar,c")),
            ("/spec/containers", json!([])),
        ] {
            assert!(!lost_with(path, &wrong).is_empty(), "{path} {wrong}");
        }
        let mut theirs = pod();
        theirs["metadata"]["annotations"]["prometheus.io/port"] = json!("9000");
        let mut result = theirs.clone();
        result["metadata"]["annotations"]["prometheus.io/path"] = json!("/metrics");
        assert_eq!(lost(&theirs, &result), ["/metadata/annotations/prometheus.io~1path"]);
    }
}
