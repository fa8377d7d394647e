//! What a pod says about the sidecar, and what becomes of it: one table, held against the function, the
//! shipped match conditions and the policy.

use serde_json::{Value, json};

/// What becomes of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// It gets the sidecar.
    Injected,
    /// It is left alone; the webhook need not be asked.
    LeftAlone,
    /// It is left alone, with a warning.
    LeftAloneWithAWarning,
}

use Becomes::{Injected, LeftAlone, LeftAloneWithAWarning};

/// The annotation `emberscope.dev/inject`, the label of that name, and what becomes of the pod.
pub const CASES: [(Option<&str>, Option<&str>, Becomes); 27] = [
    (None, None, Injected),
    (Some("true"), None, Injected),
    (Some("True"), None, Injected),
    (Some("TRUE"), None, Injected),
    (Some("enabled"), None, Injected),
    (Some("Enabled"), None, Injected),
    (Some(" true\n"), None, Injected),
    (None, Some("true"), Injected),
    (None, Some("Enabled"), Injected),
    (Some("false"), None, LeftAlone),
    (Some("False"), None, LeftAlone),
    (Some("FALSE"), None, LeftAlone),
    (Some(" false "), None, LeftAlone),
    (Some("disabled"), None, LeftAlone),
    (Some("Disabled"), None, LeftAlone),
    (None, Some("false"), LeftAlone),
    (None, Some("Disabled"), LeftAlone),
    (Some("true"), Some("false"), LeftAlone),
    (Some("false"), Some("true"), LeftAlone),
    (Some("maybe"), Some("false"), LeftAlone),
    (Some(""), None, LeftAloneWithAWarning),
    (Some("no"), None, LeftAloneWithAWarning),
    (Some("0"), None, LeftAloneWithAWarning),
    (Some("flase"), None, LeftAloneWithAWarning),
    (Some("true false"), None, LeftAloneWithAWarning),
    (None, Some(""), LeftAloneWithAWarning),
    (Some("true"), Some("yes"), LeftAloneWithAWarning),
];

/// The pod with that annotation and label.
#[must_use]
pub fn saying(mut pod: Value, annotation: Option<&str>, label: Option<&str>) -> Value {
    for (place, said) in [("annotations", annotation), ("labels", label)] {
        if let Some(said) = said {
            pod["metadata"][place]["emberscope.dev/inject"] = json!(said);
        }
    }
    pod
}
