//! The fourth link: which namespaces opted in, and which only seem to have.

use emberscope_core::contract::{OPT_IN as LABEL, OPT_IN_VALUE as ENABLED};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use crate::finding::{Finding, LABELLED, MISTYPED};
use crate::server::plural;
use emberscope_ask::{self as ask, Refusal, Resource};

/// The values that say the opposite outright; `false` is what pods say.
const DISABLED: [&str; 2] = ["disabled", "false"];

/// Namespaces that are left out whatever their labels.
const SYSTEM: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Names in a sentence.
const NAMED: usize = 10;

/// One namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namespace {
    pub(super) name: String,
    /// The label's value.
    label: Option<String>,
    /// The value of an annotation of the same name, which does nothing.
    annotation: Option<String>,
    /// When whoever set the label last changed the namespace: the label is as old, or older.
    pub(super) labelled_by: Option<Timestamp>,
}

impl Namespace {
    /// What counts of a Namespace object.
    pub(super) fn of(object: &Value) -> Self {
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let label = format!("f:{LABEL}");
        let managers = metadata["managedFields"].as_array().into_iter().flatten();
        let setter = managers
            .filter(|entry| entry["fieldsV1"]["f:metadata"]["f:labels"].get(&label).is_some())
            .filter_map(|entry| entry["time"].as_str()?.parse().ok())
            .max();
        Self {
            name: text(&metadata["name"]).unwrap_or_default(),
            label: text(&metadata["labels"][LABEL]),
            annotation: text(&metadata["annotations"][LABEL]),
            labelled_by: setter,
        }
    }

    fn is_labelled(&self) -> bool {
        self.label.as_deref() == Some(ENABLED)
    }
}

/// All namespaces.
pub(super) async fn fetch(client: &Client) -> Result<Vec<Namespace>, Refusal> {
    let all = Resource { api: "v1", kind: "namespaces", namespace: None };
    let (objects, _) = ask::list(client, &all, "").await?;
    Ok(objects.iter().map(Namespace::of).collect())
}

/// Those whose pods the webhook is asked about.
pub(super) fn selected<'n>(all: &'n [Namespace], server: &str) -> Vec<&'n Namespace> {
    let system = |name: &str| name == server || SYSTEM.contains(&name);
    all.iter().filter(|one| one.is_labelled() && !system(&one.name)).collect()
}

/// All findings of the link.
pub(super) fn judge(all: &Result<Vec<Namespace>, Refusal>, server: &str) -> Vec<Finding> {
    let all = match all {
        Ok(all) => all,
        Err(refusal) => return vec![LABELLED.refused("which namespaces are labelled", refusal)],
    };
    let label =
        |name: &str| format!("kubectl label namespace {name} {LABEL}={ENABLED} --overwrite");
    let names: Vec<&str> = selected(all, server).into_iter().map(|one| one.name.as_str()).collect();
    let mut findings = vec![if names.is_empty() {
        LABELLED.fail(
            format!("no namespace has the label {LABEL}={ENABLED}, so no pod gets the sidecar"),
            label("NAME"),
        )
    } else {
        let are = if names.len() == 1 { "is" } else { "are" };
        let noun = plural(names.len(), "namespace");
        LABELLED.pass(format!("{} {noun} {are} labelled: {}", names.len(), listed(&names)))
    }];
    let before = findings.len();
    for one in all {
        match (&one.label, &one.annotation) {
            (Some(value), _) if value != ENABLED && !DISABLED.contains(&&**value) => {
                findings.push(MISTYPED.fail(
                    format!("namespace {} has {LABEL}={value}, which does nothing", one.name),
                    label(&one.name),
                ));
            }
            (None, Some(value)) if !DISABLED.contains(&&**value) => findings.push(MISTYPED.fail(
                format!(
                    "namespace {} has {LABEL}={value} as an annotation, which does nothing",
                    one.name
                ),
                label(&one.name),
            )),
            (Some(value), _) if value == ENABLED && SYSTEM.contains(&one.name.as_str()) => {
                findings.push(MISTYPED.warn(
                    format!("namespace {} is labelled, but never selected", one.name),
                    format!("kubectl label namespace {} {LABEL}-", one.name),
                ));
            }
            _ => {}
        }
    }
    if findings.len() == before {
        findings.push(MISTYPED.pass(format!("no namespace has another value of {LABEL}")));
    }
    findings
}

/// The first names, and how many more there are.
pub(super) fn listed(names: &[impl AsRef<str>]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    match names.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{} and {more} more", first.join(", ")),
        _ => first.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Outcome;

    fn namespace(name: &str, value: Option<&str>) -> Namespace {
        let labels = value.map(|value| json!({LABEL: value}));
        Namespace::of(&json!({"metadata": {"name": name, "labels": labels}}))
    }

    fn outcomes(all: Vec<Namespace>) -> Vec<(&'static str, Outcome)> {
        let findings = judge(&Ok(all), "emberscope");
        findings.iter().map(|one| (one.check.code, one.outcome)).collect()
    }

    #[test]
    fn labelled_namespaces_are_listed() {
        let many = (0..12).map(|number| namespace(&format!("team-{number}"), Some(ENABLED)));
        let found = judge(&Ok(many.collect()), "emberscope");
        assert!(found[0].sentence.starts_with("12 namespaces are labelled: team-0, team-1"));
        assert!(found[0].sentence.ends_with("team-9 and 2 more"), "{}", found[0].sentence);
    }

    #[test]
    fn the_servers_own_and_the_systems_namespaces_do_not_count() {
        let found = outcomes(vec![
            namespace("emberscope", Some(ENABLED)),
            namespace("kube-system", Some(ENABLED)),
        ]);
        assert_eq!(found, [("labelled", Outcome::Fail), ("mistyped", Outcome::Warn)]);
    }

    #[test]
    fn a_mistyped_value_fails_with_the_command_that_mends_it() {
        let all = vec![namespace("a", Some(ENABLED)), namespace("b", Some("true"))];
        let found = judge(&Ok(all), "emberscope");
        assert_eq!(found[1].outcome, Outcome::Fail);
        assert_eq!(
            found[1].remedy.as_deref(),
            Some("kubectl label namespace b emberscope.dev/inject=enabled --overwrite")
        );
        let annotated = json!({"metadata": {"name": "c", "annotations": {LABEL: "enabled"}}});
        let all = vec![namespace("a", Some(ENABLED)), Namespace::of(&annotated)];
        assert_eq!(outcomes(all)[1], ("mistyped", Outcome::Fail));
        for no in DISABLED {
            let all = vec![namespace("a", Some(ENABLED)), namespace("b", Some(no))];
            assert_eq!(outcomes(all)[1], ("mistyped", Outcome::Pass), "{no}");
        }
    }

    #[test]
    fn the_label_is_as_old_as_its_managers_last_change_at_most() {
        let object = json!({"metadata": {"name": "a", "managedFields": [
            {"time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": {"f:x": {}}}}},
            {"time": "2026-02-01T00:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:emberscope.dev/inject": {}}}}},
        ]}});
        let expected: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
        assert_eq!(Namespace::of(&object).labelled_by, Some(expected));
    }
}
