//! The fifth link: whether Spark's pods have the sidecar, and if not, why.

use std::collections::BTreeMap;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Client;
use serde_json::Value;

use super::ask::{self, Refusal, Resource};
use super::certificates::logs;
use super::finding::{Finding, INJECTED, UP_TO_DATE};
use super::namespaces::{Namespace, listed};
use super::server::plural;
use crate::decide::{self, Decision};
use crate::overrides;
use crate::pod::Pod;
use crate::reason::Skip;
use crate::settings::AllSettings;

/// Pods that ended are looked at when they were created since.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// What the pods are judged by.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// The settings of the configuration that is installed.
    pub(super) settings: &'a AllSettings,
    /// Whether their fingerprint is the server's: it is of the same version, and the configuration
    /// was read.
    pub(super) comparable: bool,
    /// When the webhook configuration was created.
    pub(super) installed: Option<Timestamp>,
    /// The webhook's namespace.
    pub(super) server: &'a str,
    /// The time.
    pub(super) now: Timestamp,
}

/// The Spark pods of these namespaces; whether there are more than were read.
pub(super) async fn fetch(
    client: &Client,
    namespaces: &[&Namespace],
) -> Result<(Vec<Value>, bool), Refusal> {
    let (mut pods, mut more) = (Vec::new(), false);
    for namespace in namespaces {
        let of = Resource { api: "v1", kind: "pods", namespace: Some(&namespace.name) };
        let (found, cut) = ask::list(client, &of, "spark-role in (driver,executor)").await?;
        pods.extend(found);
        more |= cut;
    }
    Ok((pods, more))
}

/// Why a pod has no sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Without {
    /// It wants none.
    OptedOut,
    /// It was created before the namespace opted in, or before the installation.
    Older,
    /// A rule of the webhook's, by its place in [`decide::ORDER`].
    Rule(usize),
    /// The pod cannot be read.
    Unreadable,
    /// Nothing: it should have been injected.
    Missed,
}

/// Every recent pod's state.
#[derive(Debug, Default)]
struct Sorted {
    injected: usize,
    other: BTreeMap<String, Vec<String>>,
    without: BTreeMap<Without, Vec<String>>,
}

/// All findings of the link.
pub(super) fn judge(
    pods: &Result<(Vec<Value>, bool), Refusal>,
    namespaces: &[&Namespace],
    known: &Known<'_>,
) -> Vec<Finding> {
    let (pods, more) = match pods {
        Ok((pods, more)) => (pods, *more),
        Err(refusal) => return vec![INJECTED.refused("which pods Spark has", refusal)],
    };
    let sorted = sort(pods, namespaces, known);
    let without: usize = sorted.without.values().map(Vec::len).sum();
    let all = sorted.injected + without;
    if all == 0 {
        return vec![
            INJECTED
                .skip("no Spark pod runs in these namespaces or was created in the last 24 hours"),
        ];
    }
    let mut findings = Vec::new();
    let read = if more { " (of those that were read)" } else { "" };
    if sorted.injected > 0 {
        let noun = plural(all, "Spark pod");
        findings.push(INJECTED.pass(format!(
            "{} of {all} {noun} of the last 24 hours have the sidecar{read}",
            sorted.injected
        )));
    }
    findings.extend(sorted.without.iter().map(|(why, pods)| without_sidecar(*why, pods, known)));
    if sorted.injected > 0 {
        findings.extend(up_to_date(&sorted, known));
    }
    findings
}

fn sort(pods: &[Value], namespaces: &[&Namespace], known: &Known<'_>) -> Sorted {
    let mut sorted = Sorted::default();
    for pod in pods.iter().filter(|pod| is_recent(pod, known.now)) {
        let metadata = &pod["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        let name = format!("{namespace}/{}", metadata["name"].as_str().unwrap_or_default());
        let Some(by) = metadata["annotations"][overrides::INJECTED].as_str() else {
            let labelled = namespaces.iter().find(|one| one.name == namespace);
            let since = labelled.and_then(|one| one.labelled_by).max(known.installed);
            sorted.without.entry(why(pod, namespace, since, known)).or_default().push(name);
            continue;
        };
        sorted.injected += 1;
        let raw = pod.to_string();
        let view = serde_json::from_str::<Pod<'_>>(&raw).ok();
        let now = view.map(|view| known.settings.of(namespace, &view).injected.clone());
        if known.comparable && now.is_some_and(|now| now != by) {
            sorted.other.entry(by.to_owned()).or_default().push(name);
        }
    }
    sorted
}

/// Why a pod has no sidecar: the webhook's own decision about it, as it is now.
fn why(pod: &Value, namespace: &str, since: Option<Timestamp>, known: &Known<'_>) -> Without {
    let raw = pod.to_string();
    let Ok(view) = serde_json::from_str::<Pod<'_>>(&raw) else {
        return Without::Unreadable;
    };
    match decide::decide(&view, known.settings.of(namespace, &view)) {
        Decision::Skip(Skip::OptedOut) => Without::OptedOut,
        Decision::Skip(skip) => decide::ORDER
            .iter()
            .position(|rule| *rule == skip)
            .map_or(Without::Unreadable, Without::Rule),
        _ if since.is_some_and(|since| created(pod).is_some_and(|at| at < since)) => Without::Older,
        _ => Without::Missed,
    }
}

fn without_sidecar(why: Without, pods: &[String], known: &Known<'_>) -> Finding {
    let count = pods.len();
    let (noun, have) = (plural(count, "pod"), if count == 1 { "has" } else { "have" });
    let names = listed(pods);
    let (namespace, name) =
        pods.first().and_then(|name| name.split_once('/')).unwrap_or(("NAMESPACE", "NAME"));
    let explain =
        format!("kubectl get pod {name} -n {namespace} -o yaml | emberscope explain -f -");
    match why {
        Without::OptedOut => {
            INJECTED.pass(format!("{count} {noun} opted out by annotation: {names}"))
        }
        Without::Older => INJECTED.warn(
            format!("{count} {noun} {have} no sidecar, being older than the label or the installation: {names}"),
            "the next run of the job has it",
        ),
        Without::Rule(rule) => {
            let skip = decide::ORDER[rule];
            INJECTED.warn(
                format!("{count} {noun} {have} no sidecar, {}: {}: {names}", skip.code(), skip.sentence()),
                explain,
            )
        }
        Without::Unreadable => INJECTED
            .warn(format!("{count} {noun} {have} no sidecar and cannot be read: {names}"), explain),
        Without::Missed => INJECTED.fail(
            format!(
                "{count} {noun} {have} no sidecar, though the webhook would inject {}: the API server had no answer from it: {names}",
                if count == 1 { "it" } else { "them" }
            ),
            logs(known.server),
        ),
    }
}

fn up_to_date(sorted: &Sorted, known: &Known<'_>) -> Vec<Finding> {
    if !known.comparable {
        return vec![UP_TO_DATE.skip(
            "not compared: the configuration cannot be read, or the server is of another version than this program",
        )];
    }
    let now = &known.settings.default().injected;
    if sorted.other.is_empty() {
        return vec![UP_TO_DATE.pass(format!("all of them by what is installed now ({now})"))];
    }
    let finding = |(by, pods): (&String, &Vec<String>)| {
        let noun = plural(pods.len(), "pod");
        UP_TO_DATE.warn(
            format!(
                "{} {noun} by another version or configuration ({by}; now it would be {now}): {}",
                pods.len(),
                listed(pods)
            ),
            "nothing to do: the next run of the job has the new one",
        )
    };
    sorted.other.iter().map(finding).collect()
}

fn is_recent(pod: &Value, now: Timestamp) -> bool {
    let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    !ended || created(pod).is_some_and(|at| now.duration_since(at) < RECENT)
}

fn created(pod: &Value) -> Option<Timestamp> {
    pod["metadata"]["creationTimestamp"].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;
    use crate::config::Config;

    const NOON: &str = "2026-03-01T12:00:00Z";

    fn pod(name: &str, created: &str) -> Value {
        json!({
            "metadata": {
                "name": name, "namespace": "a", "creationTimestamp": created,
                "labels": {"spark-role": "driver"}, "annotations": {},
            },
            "spec": {"containers": [{"name": "spark-kubernetes-driver"}]},
            "status": {"phase": "Running"},
        })
    }

    fn judged(pods: Vec<Value>) -> Vec<(Outcome, String)> {
        let settings = AllSettings::new(Config::default(), true);
        let namespace = Namespace::of(&json!({"metadata": {"name": "a", "managedFields": [{
            "time": "2026-03-01T10:00:00Z",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:emberscope.dev/inject": {}}}},
        }]}}));
        let known = Known {
            settings: &settings,
            comparable: true,
            installed: Some("2026-03-01T09:00:00Z".parse().unwrap()),
            server: "emberscope",
            now: NOON.parse().unwrap(),
        };
        let findings = judge(&Ok((pods, false)), &[&namespace], &known);
        findings.into_iter().map(|one| (one.outcome, one.sentence)).collect()
    }

    fn injected(mut pod: Value, by: &str) -> Value {
        pod["metadata"]["annotations"][overrides::INJECTED] = json!(by);
        pod
    }

    #[test]
    fn no_pods_are_nothing_to_judge() {
        let mut old = pod("old", "2026-02-27T11:00:00Z");
        old["status"]["phase"] = json!("Succeeded");
        for pods in [vec![], vec![old]] {
            assert_eq!(judged(pods)[0].0, Outcome::Skip);
        }
    }

    #[test]
    fn pods_that_are_injected_by_what_is_installed_pass() {
        let now = AllSettings::new(Config::default(), true).default().injected.clone();
        let found = judged(vec![injected(pod("d", NOON), &now)]);
        assert!(found.iter().all(|one| one.0 == Outcome::Pass), "{found:?}");
        assert!(found[0].1.starts_with("1 of 1 Spark pod"), "{}", found[0].1);
    }

    #[test]
    fn pods_by_another_configuration_are_a_warning_that_names_both() {
        let found = judged(vec![injected(pod("d", NOON), "0.0.1-00000000")]);
        assert_eq!(found[1].0, Outcome::Warn);
        assert!(found[1].1.contains("0.0.1-00000000"), "{}", found[1].1);
        assert!(found[1].1.ends_with("a/d"), "{}", found[1].1);
    }

    #[test]
    fn a_pod_without_sidecar_is_explained_by_its_age_its_wish_a_rule_or_else_fails() {
        let mut opted_out = pod("opted-out", NOON);
        opted_out["metadata"]["annotations"]["emberscope.dev/inject"] = json!("false");
        let mut host = pod("host", NOON);
        host["spec"]["hostNetwork"] = json!(true);
        for (pod, outcome, words) in [
            (opted_out, Outcome::Pass, "opted out by annotation: a/opted-out"),
            (pod("older", "2026-03-01T09:30:00Z"), Outcome::Warn, "older than the label"),
            (host, Outcome::Warn, "host_network: the pod uses the host's network"),
            (
                pod("missed", "2026-03-01T11:00:00Z"),
                Outcome::Fail,
                "had no answer from it: a/missed",
            ),
        ] {
            let found = judged(vec![pod]);
            assert_eq!((found.len(), found[0].0), (1, outcome), "{found:?}");
            assert!(found[0].1.contains(words), "{}", found[0].1);
        }
    }
}
