//! The fifth link: whether Spark's pods have the sidecar, and if not, why.

use std::collections::BTreeMap;

use emberscope_core::namespace_state::Quota;
use emberscope_core::plan::ORDER;
use emberscope_core::{AllSettings, NamespaceState, Namespaces, Pod, Skip, contract, outcome_for};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Client;
use serde_json::Value;

use crate::certificates::logs;
use crate::finding::{Finding, INJECTED, UP_TO_DATE};
use crate::namespaces::{Namespace, listed};
use crate::policy::By;
use crate::server::plural;
use crate::sidecars::{self, Running};
use emberscope_ask::{self as ask, Refusal, Resource};

/// Pods that ended are looked at when they were created since.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// What the pods are judged by.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// The settings of the configuration that is installed.
    pub(super) settings: &'a AllSettings,
    /// The LimitRanges and quotas of namespaces.
    pub(super) limits: &'a Namespaces,
    /// Whether their fingerprint is the server's: it is of the same version, and the configuration
    /// was read.
    pub(super) comparable: bool,
    /// Who injects.
    pub(super) by: By,
    /// Since when.
    pub(super) installed: Option<Timestamp>,
    /// The webhook's namespace.
    pub(super) server: &'a str,
    /// The time.
    pub(super) now: Timestamp,
}

/// Why a pod has no sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Without {
    /// It wants none.
    OptedOut,
    /// It was created before the namespace opted in, or before the installation.
    Older,
    /// A quota may have been full, or the API server had no answer.
    QuotaThen,
    /// A rule of the webhook's, by its place in [`ORDER`].
    Rule(usize),
    /// The pod cannot be read.
    Unreadable,
}

/// A pod that should have been injected.
#[derive(Debug, Clone)]
struct Missed {
    namespace: String,
    /// With the namespace.
    name: String,
    created: Option<Timestamp>,
}

/// What is kept of all recent pods.
#[derive(Debug, Default)]
pub(super) struct Pods {
    injected: usize,
    other: BTreeMap<String, Vec<String>>,
    without: BTreeMap<Without, Vec<String>>,
    missed: Vec<Missed>,
    /// When the newest pod with the sidecar was created, by namespace.
    newest: BTreeMap<String, Timestamp>,
    /// Those that run.
    pub(super) running: Running,
    /// Whether there are more pods than were read.
    more: bool,
}

impl Pods {
    /// Reads the Spark pods of these namespaces.
    pub(super) async fn fetch(
        client: &Client,
        namespaces: &[&Namespace],
        known: &Known<'_>,
    ) -> Result<Self, Refusal> {
        let mut pods = Self::default();
        let roles: Vec<&str> = known.settings.config.roles.all().collect();
        let selector = format!("{} in ({})", contract::SPARK_ROLE, roles.join(","));
        for namespace in namespaces {
            let of = Resource { api: "v1", kind: "pods", namespace: Some(&namespace.name) };
            let take = |pod| pods.take(&pod, namespace, known);
            let more = ask::each(client, &of, &selector, take).await?;
            pods.more |= more;
        }
        Ok(pods)
    }

    /// Counts one pod of a namespace in.
    fn take(&mut self, pod: &Value, namespace: &Namespace, known: &Known<'_>) {
        if !is_recent(pod, known.now) {
            return;
        }
        let metadata = &pod["metadata"];
        let name = format!("{}/{}", namespace.name, metadata["name"].as_str().unwrap_or_default());
        let raw = pod.to_string();
        let view = serde_json::from_str::<Pod<'_>>(&raw).ok();
        if !sidecars::is_in(pod) {
            let since = namespace.labelled_by.max(known.installed);
            match why(pod, view.as_ref(), &namespace.name, since, known) {
                Some(why) => self.without.entry(why).or_default().push(name),
                None => self.missed.push(Missed {
                    namespace: namespace.name.clone(),
                    name,
                    created: created(pod),
                }),
            }
            return;
        }
        self.injected += 1;
        if let Some(created) = created(pod) {
            let newest = self.newest.entry(namespace.name.clone()).or_insert(created);
            *newest = created.max(*newest);
        }
        let role = view.as_ref().and_then(|view| known.settings.config.roles.of(view));
        self.running.take(pod, role);
        let by = metadata["annotations"][contract::INJECTED].as_str();
        let now = view.map(|view| &*known.settings.of(&namespace.name, &view).injected);
        if let (true, Some(by), Some(now)) = (known.comparable, by, now)
            && by != now
        {
            self.other.entry(by.to_owned()).or_default().push(name);
        }
    }
}

/// All findings of the link.
pub(super) fn judge(pods: &Result<Pods, Refusal>, known: &Known<'_>) -> Vec<Finding> {
    let pods = match pods {
        Ok(pods) => pods,
        Err(refusal) => return vec![INJECTED.refused("which pods Spark has", refusal)],
    };
    let without: usize = pods.without.values().map(Vec::len).sum();
    let all = pods.injected + without + pods.missed.len();
    let read = if pods.more { " (of those that were read)" } else { "" };
    if all == 0 {
        return vec![INJECTED.skip(format!(
            "no Spark pod runs in these namespaces or was created in the last 24 hours{read}"
        ))];
    }
    let mut findings = Vec::new();
    if pods.injected > 0 {
        let noun = plural(all, "Spark pod");
        let have = if pods.injected == 1 { "has" } else { "have" };
        findings.push(INJECTED.pass(format!(
            "{} of {all} {noun} of the last 24 hours {have} the sidecar{read}",
            pods.injected
        )));
    }
    findings.extend(pods.without.iter().map(|(why, pods)| without_sidecar(*why, pods)));
    findings.extend(missed(pods, known));
    if pods.injected > 0 {
        findings.extend(up_to_date(pods, known));
    }
    findings
}

/// Pods that nobody injected: a failure, unless it is over, since later pods of the namespace have
/// the sidecar.
fn missed(pods: &Pods, known: &Known<'_>) -> Vec<Finding> {
    let is_over = |pod: &&Missed| pods.newest.get(&pod.namespace).copied() > pod.created;
    let (over, still): (Vec<&Missed>, Vec<&Missed>) = pods.missed.iter().partition(is_over);
    let finding = |pods: &[&Missed], is_over: bool| {
        let names: Vec<&str> = pods.iter().map(|pod| &*pod.name).collect();
        let (count, noun) = (names.len(), plural(names.len(), "pod"));
        let (have, them) = if count == 1 { ("has", "it") } else { ("have", "them") };
        let (would, cause) = match known.by {
            By::Webhook => ("webhook", "the API server had no answer from it"),
            By::Policy => ("policy", "it did nothing"),
        };
        let listed = listed(&names);
        let what = format!(
            "{count} {noun} {have} no sidecar, though the {would} would inject {them}: {cause}"
        );
        if is_over {
            return INJECTED.warn(
                format!("{what} then; pods that were created later have it: {listed}"),
                "the next run of the job has it",
            );
        }
        let remedy = match known.by {
            By::Webhook => logs(known.server),
            By::Policy => explain(names[0]),
        };
        INJECTED.fail(format!("{what}: {listed}"), remedy)
    };
    let both = [(over, true), (still, false)].into_iter();
    both.filter(|(pods, _)| !pods.is_empty()).map(|(pods, over)| finding(&pods, over)).collect()
}

/// Why a pod has no sidecar: the webhook's own decision about it, as it is now; none where it should
/// have been injected.
fn why(
    pod: &Value,
    view: Option<&Pod<'_>>,
    namespace: &str,
    since: Option<Timestamp>,
    known: &Known<'_>,
) -> Option<Without> {
    let Some(view) = view else {
        return Some(Without::Unreadable);
    };
    let state = known.limits.of(namespace);
    let skip = |state| outcome_for(view, namespace, known.settings, state).skip();
    match skip(state) {
        Some(Skip::OptedOut) => Some(Without::OptedOut),
        Some(skip) => {
            let rule = ORDER.iter().position(|rule| *rule == skip);
            Some(rule.map_or(Without::Unreadable, Without::Rule))
        }
        _ if since.is_some_and(|since| created(pod).is_some_and(|at| at < since)) => {
            Some(Without::Older)
        }
        _ if skip(&used_up(state)) == Some(Skip::QuotaFull) => Some(Without::QuotaThen),
        _ => None,
    }
}

/// A namespace as it may have been when the pod was created: with nothing left of its quotas.
fn used_up(state: &NamespaceState) -> NamespaceState {
    let quotas = state.quotas.iter().cloned().map(Quota::used_up).collect();
    NamespaceState { quotas, ..state.clone() }
}

/// The command that says more about one pod.
fn explain(pod: &str) -> String {
    let (namespace, name) = pod.split_once('/').unwrap_or(("NAMESPACE", pod));
    format!("kubectl get pod {name} -n {namespace} -o yaml | emberscope explain -f -")
}

fn without_sidecar(why: Without, pods: &[String]) -> Finding {
    let count = pods.len();
    let (noun, have) = (plural(count, "pod"), if count == 1 { "has" } else { "have" });
    let names = listed(pods);
    let explain = || pods.first().map(|pod| explain(pod)).unwrap_or_default();
    match why {
        Without::OptedOut => {
            INJECTED.pass(format!("{count} {noun} opted out by annotation: {names}"))
        }
        Without::Older => INJECTED.warn(
            format!("{count} {noun} {have} no sidecar, being older than the label or the installation: {names}"),
            "the next run of the job has it",
        ),
        Without::QuotaThen => INJECTED.warn(
            format!("{count} {noun} {have} no sidecar: when created, a quota of the namespace may have been full ({}), or the API server had no answer from the webhook: {names}", Skip::QuotaFull.code()),
            "leave room for one sidecar per Spark pod in the namespace's quotas",
        ),
        Without::Rule(rule) => {
            let skip = ORDER[rule];
            INJECTED.warn(
                format!("{count} {noun} {have} no sidecar, {}: {}: {names}", skip.code(), skip.sentence()),
                explain(),
            )
        }
        Without::Unreadable => INJECTED.warn(
            format!("{count} {noun} {have} no sidecar and cannot be read: {names}"),
            explain(),
        ),
    }
}

fn up_to_date(pods: &Pods, known: &Known<'_>) -> Vec<Finding> {
    if known.by == By::Policy {
        return vec![
            UP_TO_DATE
                .skip("not compared: a policy does not say by which configuration it was made"),
        ];
    }
    if !known.comparable {
        return vec![UP_TO_DATE.skip(
            "not compared: the configuration cannot be read, or the server is of another version than this program",
        )];
    }
    let now = &known.settings.default().injected;
    if pods.other.is_empty() {
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
    pods.other.iter().map(finding).collect()
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
