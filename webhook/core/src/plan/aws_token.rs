//! On EKS a webhook adds the token of the service account's AWS role to every container that it finds.
//! The sidecar needs none: an annotation that it reads names the containers to leave out.

use crate::contract::{SIDECAR, SKIP_CONTAINERS};
use crate::pod::Pod;

/// The annotation with the sidecar among the names; none where it is among them already.
pub(super) fn annotation(pod: &Pod<'_>) -> Option<(&'static str, String)> {
    let names = pod.annotation(SKIP_CONTAINERS).unwrap_or_default();
    if names.split(',').any(|name| name.trim() == SIDECAR) {
        return None;
    }
    let comma = if names.trim().is_empty() { "" } else { "," };
    Some((SKIP_CONTAINERS, format!("{names}{comma}{SIDECAR}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_sidecar_is_added_to_the_names_that_are_there_once() {
        for (names, expected) in [
            (None, Some("emberscope-sidecar")),
            (Some(""), Some("emberscope-sidecar")),
            (Some("a, b"), Some("a, b,emberscope-sidecar")),
            (Some("a, emberscope-sidecar"), None),
            (Some("emberscope-sidecar-2"), Some("emberscope-sidecar-2,emberscope-sidecar")),
        ] {
            let annotations = names.map(|names| json!({SKIP_CONTAINERS: names}));
            let pod = json!({"metadata": {"annotations": annotations}}).to_string();
            let found = annotation(&serde_json::from_str(&pod).unwrap());
            assert_eq!(found.map(|(_, value)| value).as_deref(), expected, "{names:?}");
        }
    }
}
