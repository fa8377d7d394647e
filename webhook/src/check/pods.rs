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
        let have = if sorted.injected == 1 { "has" } else { "have" };
        findings.push(INJECTED.pass(format!(
            "{} of {all} {noun} of the last 24 hours {have} the sidecar{read}",
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
mod tests;
