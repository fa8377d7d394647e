//! The sixth link: whether sidecars answer, and how their sources do.

mod sources;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use emberscope_core::Role;
use emberscope_core::contract::{OPT_IN as LABEL, PORT_NAME, SIDECAR};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use crate::finding::{ANSWERING, Finding, SOURCES, STARTED};
use crate::namespaces::listed;
use crate::server::plural;
use emberscope_ask::{self as ask, Refusal};
use sources::{down, is_a_sidecars};

/// Pods that are asked.
const ASKED: usize = 3;

/// One running pod with a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    namespace: String,
    name: String,
    port: i64,
    /// When Spark's container started.
    since: Option<Timestamp>,
}

impl Target {
    fn display(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn logs(&self) -> String {
        format!("kubectl logs -n {} {} -c {SIDECAR}", self.namespace, self.name)
    }
}

/// What is kept of pods that have a sidecar and have not ended.
#[derive(Debug, Default)]
pub(super) struct Running {
    drivers: Vec<Target>,
    executors: Vec<Target>,
    /// Pods whose Spark container runs.
    pub(super) count: usize,
    /// Pods that have not ended.
    live: usize,
    /// Pods whose sidecar does not start, by reason.
    stuck: BTreeMap<String, Vec<Stuck>>,
}

/// A pod whose sidecar does not start.
#[derive(Debug)]
struct Stuck {
    /// With the namespace.
    pod: String,
    /// What the kubelet says.
    message: String,
}

impl Running {
    /// Counts one pod with a sidecar in.
    pub(super) fn take(&mut self, pod: &Value, role: Option<Role>) {
        if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            return;
        }
        self.live += 1;
        if let Some((reason, stuck)) = stuck(pod) {
            self.stuck.entry(reason).or_default().push(stuck);
        } else if is_running(pod) {
            self.count += 1;
            let of_role =
                if role == Some(Role::Driver) { &mut self.drivers } else { &mut self.executors };
            if of_role.len() < ASKED {
                of_role.extend(target(pod));
            }
        }
    }

    /// Up to three running pods, drivers first.
    ///
    /// Only those whose Spark container runs: after its end a sidecar keeps the last figures for one
    /// scrape, which has to be Prometheus'.
    pub(super) fn targets(&self) -> Vec<Target> {
        self.drivers.iter().chain(&self.executors).take(ASKED).cloned().collect()
    }

    fn started(&self, server: &str) -> Vec<Finding> {
        if self.live == 0 {
            return Vec::new();
        }
        if self.stuck.is_empty() {
            return vec![STARTED.pass("no pod waits for its sidecar")];
        }
        self.stuck.iter().filter_map(|(reason, pods)| not_started(reason, pods, server)).collect()
    }
}

/// Whether a pod has the sidecar.
pub(super) fn is_in(pod: &Value) -> bool {
    container(pod).is_some()
}

fn container(pod: &Value) -> Option<&Value> {
    let mut inits = pod["spec"]["initContainers"].as_array()?.iter();
    inits.find(|one| one["name"] == SIDECAR)
}

/// What the kubelet says of a pod's sidecar.
fn status(pod: &Value) -> Option<&Value> {
    let mut inits = pod["status"]["initContainerStatuses"].as_array()?.iter();
    inits.find(|one| one["name"] == SIDECAR)
}

/// Why a sidecar does not start, if it does not: anything but its turn or its image to come.
fn stuck(pod: &Value) -> Option<(String, Stuck)> {
    let metadata = |key: &str| pod["metadata"][key].as_str().unwrap_or_default();
    let told = |reason: &str, message: &str| {
        let pod = format!("{}/{}", metadata("namespace"), metadata("name"));
        let message = message.lines().next().unwrap_or_default().to_owned();
        Some((reason.to_owned(), Stuck { pod, message }))
    };
    if container(pod)?["restartPolicy"] != "Always" {
        return told("restartPolicy", "something took its restartPolicy, so that it never ends");
    }
    let waiting = &status(pod)?["state"]["waiting"];
    match waiting["reason"].as_str()? {
        "PodInitializing" | "ContainerCreating" => None,
        reason => told(reason, waiting["message"].as_str().unwrap_or_default()),
    }
}

fn not_started(reason: &str, pods: &[Stuck], server: &str) -> Option<Finding> {
    let first = pods.first()?;
    let names: Vec<&str> = pods.iter().map(|one| &*one.pod).collect();
    let (namespace, name) = first.pod.split_once('/')?;
    let message =
        if first.message.is_empty() { String::new() } else { format!(": {}", first.message) };
    let mut remedy = format!("kubectl describe pod {name} -n {namespace}");
    if ["Image", "Pull"].iter().any(|word| reason.contains(word)) {
        let _ = write!(
            remedy,
            "\nkubectl edit configmap emberscope -n {server}\nsidecar.image there, or without it the webhook's own image, has to be one that these nodes can pull"
        );
    }
    let _ = write!(
        remedy,
        "\nkubectl label namespace {namespace} {LABEL}-\nuntil it is mended: without the label, new pods start without the sidecar"
    );
    let _ = write!(
        remedy,
        "\nwhat waits: kubectl delete pod NAME -n {namespace}; Spark asks for other executors, but the job of a driver has to be submitted again"
    );
    let noun = plural(names.len(), "pod");
    Some(STARTED.fail(
        format!(
            "the sidecar of {} {noun} does not start ({reason}), and Spark waits for it: {}{message}",
            names.len(),
            listed(&names)
        ),
        remedy,
    ))
}

/// Whether Spark and sidecar run, as far as the kubelet has told.
fn is_running(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let mut sparks = statuses.into_iter();
    pod["status"]["phase"] == "Running"
        && pod["metadata"]["deletionTimestamp"].is_null()
        && sparks.all(|status| status["state"]["terminated"].is_null())
        && status(pod).is_none_or(|sidecar| sidecar["state"]["waiting"].is_null())
}

fn target(pod: &Value) -> Option<Target> {
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let mut sparks = statuses.into_iter();
    let since = sparks.find_map(|status| status["state"]["running"]["startedAt"].as_str());
    let mut ports = container(pod)?["ports"].as_array()?.iter();
    let text = |key: &str| pod["metadata"][key].as_str().map(str::to_owned);
    Some(Target {
        namespace: text("namespace")?,
        name: text("name")?,
        port: ports.find(|port| port["name"] == PORT_NAME)?["containerPort"].as_i64()?,
        since: since.and_then(|since| since.parse().ok()),
    })
}

/// The sidecar's figures about its sources, through the API server's proxy.
pub(super) async fn fetch(client: &Client, target: &Target) -> Result<String, Refusal> {
    let Target { namespace, name, port, .. } = target;
    let families =
        "name[]=emberscope_source_up&name[]=emberscope_source_errors_total".replace("[]", "%5B%5D");
    let path =
        format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/metrics?{families}");
    ask::text(client, &path, &format!("get pods/proxy in namespace {namespace}")).await
}

/// All findings of the link.
pub(super) fn judge(
    running: &Running,
    pages: &[(Target, Result<String, Refusal>)],
    server: &str,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = running.started(server);
    if pages.is_empty() {
        findings.push(ANSWERING.skip("no pod with a sidecar runs at the moment"));
        return findings;
    }
    let ours = |page: &&(Target, Result<String, Refusal>)| {
        page.1.as_ref().is_ok_and(|page| is_a_sidecars(page))
    };
    let answered: Vec<String> =
        pages.iter().filter(ours).map(|(target, _)| target.display()).collect();
    if !answered.is_empty() {
        findings.push(ANSWERING.pass(format!("sidecars answer: {}", listed(&answered))));
    }
    for (target, page) in pages {
        match page {
            Ok(page) if is_a_sidecars(page) => findings.extend(down(target, page, now)),
            Ok(_) => findings.push(ANSWERING.fail(
                format!(
                    "at {} port {} answers something that is no sidecar",
                    target.display(),
                    target.port
                ),
                target.logs(),
            )),
            Err(refusal) => findings.push(silent(target, refusal)),
        }
    }
    let down = findings.iter().any(|finding| finding.check == SOURCES);
    if !answered.is_empty() && !down {
        findings.push(SOURCES.pass("all their sources are up"));
    }
    findings
}

fn silent(target: &Target, refusal: &Refusal) -> Finding {
    let Target { namespace, name, port, .. } = target;
    let what = format!("the sidecar of {}", target.display());
    let forward = format!(
        "kubectl port-forward -n {namespace} {name} {port} & sleep 3; curl http://127.0.0.1:{port}/metrics"
    );
    match refusal {
        Refusal::Forbidden(_) => ANSWERING.refused(&what, refusal),
        // There is somebody at that address, who says no.
        Refusal::Answered { message, .. } if message.contains("connection refused") => ANSWERING
            .fail(
                format!("{what} does not answer on port {port}: connection refused"),
                target.logs(),
            ),
        Refusal::Missing => ANSWERING.skip(format!("{what} is gone")),
        // Networks that let Prometheus through may well keep API servers out.
        _ => ANSWERING
            .warn(format!("{what} cannot be reached through the API server: {refusal}"), forward),
    }
}

#[cfg(test)]
mod tests;
