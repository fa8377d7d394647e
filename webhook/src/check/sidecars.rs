//! The sixth link: whether sidecars answer, and how their sources do.

use kube::Client;
use serde_json::Value;

use super::ask::{self, Refusal};
use super::finding::{ANSWERING, Finding, SOURCES};
use super::namespaces::listed;
use crate::decide::SIDECAR;
use crate::overrides;

/// Pods that are asked.
const ASKED: usize = 3;

/// One running pod with a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    namespace: String,
    name: String,
    port: i64,
}

impl Target {
    fn display(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// Up to three running pods with a sidecar, drivers first.
///
/// Only those whose Spark container runs: after its end a sidecar keeps the last figures for one
/// scrape, which has to be Prometheus'.
pub(super) fn targets(pods: &[Value]) -> Vec<Target> {
    let mut running: Vec<&Value> = pods.iter().filter(|pod| is_running(pod)).collect();
    running.sort_by_key(|pod| pod["metadata"]["labels"]["spark-role"] != "driver");
    running.into_iter().filter_map(target).take(ASKED).collect()
}

fn is_running(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let mut sparks = statuses.filter(|status| status["name"] != SIDECAR);
    pod["status"]["phase"] == "Running"
        && pod["metadata"]["deletionTimestamp"].is_null()
        && pod["metadata"]["annotations"][overrides::INJECTED].is_string()
        && sparks.all(|status| status["state"]["terminated"].is_null())
}

fn target(pod: &Value) -> Option<Target> {
    let lists = ["initContainers", "containers"].map(|list| pod["spec"][list].as_array());
    let sidecar = lists.into_iter().flatten().flatten().find(|one| one["name"] == SIDECAR)?;
    let mut ports = sidecar["ports"].as_array()?.iter();
    let text = |key: &str| pod["metadata"][key].as_str().map(str::to_owned);
    Some(Target {
        namespace: text("namespace")?,
        name: text("name")?,
        port: ports.find(|port| port["name"] == "emberscope")?["containerPort"].as_i64()?,
    })
}

/// The sidecar's figures about its sources, through the API server's proxy.
pub(super) async fn fetch(client: &Client, target: &Target) -> Result<String, Refusal> {
    let Target { namespace, name, port } = target;
    let families =
        "name[]=emberscope_source_up&name[]=emberscope_source_errors_total".replace("[]", "%5B%5D");
    let path =
        format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/metrics?{families}");
    ask::text(client, &path, &format!("get pods/proxy in namespace {namespace}")).await
}

/// All findings of the link.
pub(super) fn judge(pages: &[(Target, Result<String, Refusal>)]) -> Vec<Finding> {
    if pages.is_empty() {
        return vec![ANSWERING.skip("no pod with a sidecar runs at the moment")];
    }
    let answered: Vec<String> =
        pages.iter().filter(|(_, page)| page.is_ok()).map(|(target, _)| target.display()).collect();
    let mut findings = Vec::new();
    if !answered.is_empty() {
        findings.push(ANSWERING.pass(format!("sidecars answer: {}", listed(&answered))));
    }
    for (target, page) in pages {
        match page {
            Ok(page) => findings.extend(down(target, page)),
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
    let Target { namespace, name, port } = target;
    let what = format!("the sidecar of {}", target.display());
    let forward = format!(
        "kubectl port-forward -n {namespace} {name} {port} & curl http://127.0.0.1:{port}/metrics"
    );
    match refusal {
        Refusal::Forbidden(_) => ANSWERING.refused(&what, refusal),
        // There is somebody at that address, who says no.
        Refusal::Answered { message, .. } if message.contains("connection refused") => ANSWERING
            .fail(
                format!("{what} does not answer on port {port}: connection refused"),
                format!("kubectl logs -n {namespace} {name} -c {SIDECAR}"),
            ),
        Refusal::Missing => ANSWERING.skip(format!("{what} is gone")),
        // Networks that let Prometheus through may well keep API servers out.
        _ => ANSWERING
            .warn(format!("{what} cannot be reached through the API server: {refusal}"), forward),
    }
}

/// The sources of a page that are down, with the reason that was counted most.
fn down(target: &Target, page: &str) -> Option<Finding> {
    let samples = |family: &'static str| {
        page.lines().filter_map(move |line| {
            let (labels, value) = line.strip_prefix(family)?.strip_prefix('{')?.split_once("} ")?;
            Some((labels, value.trim().parse::<f64>().ok()?))
        })
    };
    let up: Vec<_> = samples("emberscope_source_up").collect();
    let down: Vec<&str> = up
        .iter()
        .filter(|(_, value)| *value == 0.0)
        .filter_map(|(labels, _)| label(labels, "source"))
        .collect();
    if down.is_empty() {
        return None;
    }
    let reason = |source: &str| {
        let errors = samples("emberscope_source_errors_total");
        let of_source = errors.filter(|(labels, _)| label(labels, "source") == Some(source));
        of_source.max_by(|a, b| a.1.total_cmp(&b.1)).and_then(|(labels, _)| label(labels, "reason"))
    };
    let each: Vec<String> = down
        .iter()
        .map(|source| format!("{source} ({})", reason(source).unwrap_or("no reason counted")))
        .collect();
    let what = format!("sources of {} are down: {}", target.display(), each.join(", "));
    let logs = format!("kubectl logs -n {} {} -c {SIDECAR}", target.namespace, target.name);
    Some(if down.len() == up.len() { SOURCES.fail(what, logs) } else { SOURCES.warn(what, logs) })
}

/// The value of one label; the values of these families have nothing to unescape.
fn label<'l>(labels: &'l str, name: &str) -> Option<&'l str> {
    labels.split(',').find_map(|pair| {
        let value = pair.trim().strip_prefix(name)?.strip_prefix("=\"")?;
        value.strip_suffix('"')
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    fn running(name: &str, role: &str) -> Value {
        json!({
            "metadata": {
                "name": name, "namespace": "a", "labels": {"spark-role": role},
                "annotations": {overrides::INJECTED: "x"},
            },
            "spec": {"initContainers": [{
                "name": SIDECAR, "ports": [{"name": "emberscope", "containerPort": 9900}],
            }]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "s", "state": {"running": {}}}]},
        })
    }

    fn one(page: Result<&str, Refusal>) -> Vec<(Outcome, String)> {
        let target = Target { namespace: "a".into(), name: "d".into(), port: 9814 };
        let findings = judge(&[(target, page.map(str::to_owned))]);
        findings.into_iter().map(|one| (one.outcome, one.sentence)).collect()
    }

    #[test]
    fn drivers_are_asked_first_and_pods_whose_spark_ended_not_at_all() {
        let mut ended = running("ended", "driver");
        ended["status"]["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 0}});
        let pods = ["e1", "e2", "e3"].map(|name| running(name, "executor"));
        let mut pods = pods.to_vec();
        pods.extend([ended, running("d", "driver")]);
        let targets: Vec<_> = targets(&pods).into_iter().map(|one| (one.name, one.port)).collect();
        assert_eq!(targets, [("d".into(), 9900), ("e1".into(), 9900), ("e2".into(), 9900)]);
    }

    #[test]
    fn sources_that_are_down_are_named_with_the_reason() {
        let page = "\
# HELP emberscope_source_up x
emberscope_source_up{source=\"processes\"} 1
emberscope_source_up{source=\"cgroup\"} 0
emberscope_source_errors_total{reason=\"other_gid\",source=\"cgroup\"} 3
emberscope_source_errors_total{reason=\"not_found\",source=\"cgroup\"} 1
";
        let found = one(Ok(page));
        assert_eq!(found[1], (Outcome::Warn, "sources of a/d are down: cgroup (other_gid)".into()));
        let all_down = one(Ok("emberscope_source_up{source=\"cgroup\"} 0\n"));
        assert_eq!(all_down[1].0, Outcome::Fail);
        let up = one(Ok("emberscope_source_up{source=\"cgroup\"} 1\n"));
        assert_eq!(up[1], (Outcome::Pass, "all their sources are up".into()));
    }

    #[test]
    fn a_closed_port_is_a_failure_and_a_closed_network_a_warning() {
        let answered =
            |message: &str| Err(Refusal::Answered { code: 503, message: message.into() });
        assert_eq!(
            one(answered("dial tcp 10.0.0.1:9814: connect: connection refused"))[0].0,
            Outcome::Fail
        );
        assert_eq!(one(Err(Refusal::Late))[0].0, Outcome::Warn);
        assert_eq!(one(Err(Refusal::Forbidden("get pods/proxy".into())))[0].0, Outcome::Warn);
        assert_eq!(judge(&[])[0].outcome, Outcome::Skip);
    }
}
