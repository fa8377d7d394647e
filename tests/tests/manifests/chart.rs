//! `manifests/chart`: what Helm makes of it is what the kustomizations are, value by value.

mod options;
mod same;
mod values;

use std::path::Path;
use std::process::Command;

use emberscope_tests::cluster::control_plane;
use serde_json::Value;

use super::{documents, root};

/// Runs Helm on the chart; `Err` is what it says.
fn helm(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(control_plane::helm().unwrap())
        .args(arguments)
        .current_dir(root().join("manifests"))
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// The objects of a release `emberscope` in that namespace, hooks included.
fn release(namespace: &str, values: &[&str]) -> Result<Vec<Value>, String> {
    release_of(Path::new("chart"), namespace, values)
}

/// The same of a chart that is somewhere else.
pub(super) fn release_of(
    chart: &Path,
    namespace: &str,
    values: &[&str],
) -> Result<Vec<Value>, String> {
    let mut arguments = vec!["template", "emberscope", chart.to_str().unwrap()];
    arguments.extend(["--namespace", namespace]);
    arguments.extend(values.iter().flat_map(|value| ["--set", value]));
    helm(&arguments).map(|text| documents(&text))
}

/// Whether Helm alone makes it, for `helm test`.
fn is_hook(object: &Value) -> bool {
    object["metadata"]["annotations"].get("helm.sh/hook").is_some()
}
