//! `emberscope check`: walks the chain from the API server to Prometheus and says where it breaks.
//!
//! ```text
//! Kubernetes -> server -> webhook -> namespaces -> pods -> sidecars -> Prometheus
//!     |            |         |            |          |         |            |
//!     '------------'---------'--- values -'----------'---------'------------'--> findings -> report
//! ```
//!
//! One module a link: it asks ([`emberscope_ask`]), and a function on the answers judges. What follows from a
//! break that was found already is not reported as another one.

mod call;
mod certificates;
mod finding;
mod fuses;
mod kubernetes;
mod limits;
mod namespaces;
mod pods;
mod policy;
mod prometheus;
mod replicas;
mod report;
mod server;
mod sidecars;
mod webhook;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use emberscope_ask::clients::{self, Cluster, Login};
use emberscope_ask::{self as ask, Refusal, Resource};
use emberscope_core::contract::NAME;
use emberscope_core::{AllSettings, ClusterState, Namespaces, NativeSidecars};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use finding::{
    ANSWERING, CA_BUNDLE, DEPLOYMENT, DRY_RUN, ENDPOINTS, INJECTED, LABELLED, NAMESPACE, Outcome,
    PROMETHEUS, SERVED_CERTIFICATE, SERVICE, STORED_CERTIFICATE, WEBHOOK,
};
use pods::Pods;
use policy::{By, Policies};
use server::Server;

pub use finding::{CHECKS, Check, Finding, Link};
pub use report::{all_well, json, text};

/// Pause between two walks while waiting.
const PAUSE: Duration = Duration::from_secs(2);

/// What to check.
#[derive(Debug, Clone)]
pub struct Options {
    /// Namespace of the webhook.
    pub namespace: String,
    /// The Prometheus to ask; without it the one of the manifests, through the API server.
    pub prometheus: Option<hyper::Uri>,
    /// File with the bearer token that it wants.
    pub prometheus_token_file: Option<PathBuf>,
    /// For how long to look again until nothing fails.
    pub wait: Duration,
    /// The kubeconfig; without it the usual places.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; without it the current one.
    pub context: Option<String>,
}

/// Walks the chain, while waiting until nothing fails; nothing if it was asked to end (Ctrl-C,
/// SIGTERM). An error is one of the options or of the kubeconfig.
pub fn run(options: &Options) -> Result<Option<Vec<Finding>>> {
    ask::until_asked_to_end(watch(options))
}

async fn watch(options: &Options) -> Result<Vec<Finding>> {
    let cluster =
        clients::cluster(options.kubeconfig.as_deref(), options.context.as_deref()).await?;
    let login = options.prometheus_token_file.clone().map_or(Login::None, Login::Token);
    let prometheus =
        options.prometheus.as_ref().map(|url| clients::prometheus(url, &login)).transpose()?;
    let start = Instant::now();
    loop {
        let findings = walk(options, &cluster, prometheus.as_ref()).await;
        let left = options.wait.saturating_sub(start.elapsed());
        if report::all_well(&findings) || left.is_zero() {
            return Ok(findings);
        }
        let failed = findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
        let failed: Vec<&str> = failed.map(|finding| finding.check.code).collect();
        let _ = writeln!(
            io::stderr(),
            "emberscope: not in order: {}; looking again for {} s",
            failed.join(", "),
            left.as_secs()
        );
        tokio::time::sleep(PAUSE.min(left)).await;
    }
}

/// One walk over all links.
async fn walk(options: &Options, cluster: &Cluster, prometheus: Option<&Client>) -> Vec<Finding> {
    let client = &cluster.client;
    let version = kubernetes::version(client).await;
    let mut findings = vec![kubernetes::api(&version)];
    let mut running = 0;
    let gone = kubernetes::is_gone(&version);
    if gone {
        let rest = [NAMESPACE, WEBHOOK, LABELLED, INJECTED, ANSWERING];
        let why = "not looked at: the API server does not answer";
        findings.extend(rest.map(|check| check.skip(why)));
    } else {
        let (of_cluster, with_sidecar) =
            Box::pin(of_cluster(options, client, cluster.inside, &version)).await;
        findings.extend(of_cluster);
        running = with_sidecar;
    }
    findings.extend(match (prometheus, &options.prometheus) {
        (Some(client), Some(url)) => {
            let url = url.to_string();
            prometheus::Seen::fetch(client).await.judge(url.trim_end_matches('/'), running)
        }
        _ if gone => vec![PROMETHEUS.skip("not asked: --prometheus URL names one")],
        _ => prometheus::shipped::judge(client, &cluster.config, running).await,
    });
    findings
}

/// All links but the first check and the last link; and how many pods with a sidecar run.
async fn of_cluster(
    options: &Options,
    client: &Client,
    inside: bool,
    version: &Result<Value, Refusal>,
) -> (Vec<Finding>, usize) {
    // Eight requests at once are a large future.
    let server = Box::pin(Server::fetch(client, &options.namespace)).await;
    let config = server.config().and_then(Result::ok);
    let roles = config.as_ref().map(|config| config.roles.clone()).unwrap_or_default();
    let kubelets = kubernetes::native_sidecars(client, version).await;
    let mut findings = vec![kubernetes::kubelets(&kubelets)];

    let configurations = Resource {
        api: "admissionregistration.k8s.io/v1",
        kind: "mutatingwebhookconfigurations",
        namespace: None,
    };
    let configuration = ask::get(client, &configurations, NAME).await;
    let namespaces = namespaces::fetch(client).await;
    let selected = namespaces.as_deref().map(|all| namespaces::selected(all, &options.namespace));
    let selected = selected.unwrap_or_default();
    let names: Vec<&str> = selected.iter().map(|one| one.name.as_str()).collect();
    let policies = Policies::fetch(client).await;
    let by = policies.by(&configuration);
    if by == By::Policy {
        findings.push(Policies::instead_of_a_server());
        findings.extend(policies.judge(&options.namespace, &roles));
    } else {
        findings.extend(server.judge());
        findings.extend(webhook::judge(&configuration, &options.namespace, &roles));
        findings.extend(policies.beside(&configuration));
    }
    if let (Ok(configuration), By::Webhook) = (&configuration, by) {
        findings.extend(
            certificates_meet(options, client, inside, &server, configuration, &findings).await,
        );
    }
    if configuration.is_ok() || by == By::Policy {
        findings.push(try_out(client, &names, &options.namespace, by, &findings).await);
    }
    findings.extend(namespaces::judge(&namespaces, &options.namespace));
    // A policy knows nothing of them.
    let limits = match by {
        By::Webhook if configuration.is_ok() => {
            findings.push(limits::judge(&limits::lacking(client, &options.namespace).await));
            let (limits, unread) = limits::fetch(client).await;
            findings.extend(unread);
            limits
        }
        By::Webhook | By::Policy => Namespaces::default(),
    };

    let comparable = config.is_some() && server.version() == Some(env!("CARGO_PKG_VERSION"));
    let settings = AllSettings::new(
        config.unwrap_or_default(),
        ClusterState {
            // What is not known here is no reason to take pods for left alone.
            native_sidecars: kubelets.unwrap_or(NativeSidecars::Everywhere),
            own_image: server.own_image(),
        },
    );
    let known = pods::Known {
        settings: &settings,
        // What cannot be read here is no reason to take pods for left alone.
        limits: &limits,
        comparable,
        by,
        installed: match by {
            By::Webhook => configuration.as_ref().ok().and_then(created),
            By::Policy => policies.installed(),
        },
        server: &options.namespace,
        now: Timestamp::now(),
    };
    let pods = match &namespaces {
        Ok(_) => Pods::fetch(client, &selected, &known).await,
        Err(refusal) => Err(refusal.clone()),
    };
    findings.extend(if selected.is_empty() && namespaces.is_ok() {
        vec![INJECTED.skip("not looked at: no namespace is labelled")]
    } else {
        pods::judge(&pods, &known)
    });

    if let (By::Webhook, Some(pod)) = (by, server.ready_pod()) {
        let page = fuses::fetch(client, &options.namespace, &pod).await;
        findings.push(fuses::judge(page.as_deref()));
    }
    let running = pods.map(|pods| pods.running).unwrap_or_default();
    let mut pages = Vec::new();
    for target in running.targets() {
        let page = sidecars::fetch(client, &target).await;
        pages.push((target, page));
    }
    findings.extend(sidecars::judge(&running, &pages, &options.namespace, known.now));
    (findings, running.count)
}

/// Whether the API server can trust what the server serves; `before`: what was found so far.
async fn certificates_meet(
    options: &Options,
    client: &Client,
    inside: bool,
    server: &Server,
    configuration: &Value,
    before: &[Finding],
) -> Vec<Finding> {
    let (namespace, now) = (&options.namespace, SystemTime::now());
    let encoded = webhook::ca_bundle(configuration);
    let (bundle_finding, bundle) = certificates::ca_bundle(encoded, namespace, now);
    let mut findings = vec![bundle_finding];
    let Some(bundle) = bundle else {
        return findings;
    };
    let to = call::Address::of(&webhook::webhook(configuration)["clientConfig"], namespace);
    findings.push(match server.secret() {
        Some(secret) => {
            let secrets = Resource { api: "v1", kind: "secrets", namespace: Some(namespace) };
            let found = ask::get(client, &secrets, &secret).await;
            certificates::stored(&secret, &found, &bundle, &to.host, namespace, now)
        }
        None => STORED_CERTIFICATE
            .skip("not looked at: the Deployment does not tell where the certificate is"),
    });
    let broken = failed(before, &[NAMESPACE, DEPLOYMENT, SERVICE, ENDPOINTS]);
    let broken = broken.or_else(|| failed(&findings, &[STORED_CERTIFICATE]));
    findings.push(match broken {
        Some(broken) => SERVED_CERTIFICATE.skip(follows("a TLS connection", broken)),
        None => call::served(&to, &bundle, inside, namespace).await,
    });
    findings
}

/// A pod in a dry run, unless it is known already that it could not be injected.
async fn try_out(
    client: &Client,
    namespaces: &[&str],
    server: &str,
    by: By,
    before: &[Finding],
) -> Finding {
    let of_webhook = |finding: &&Finding| {
        finding.outcome == Outcome::Fail && finding.check.link == Link::Webhook
            // Its failure does not keep the webhook from answering.
            && finding.check != finding::FAILURE_POLICY
    };
    let broken = failed(before, &[NAMESPACE, DEPLOYMENT, SERVICE, ENDPOINTS, CA_BUNDLE]);
    let broken = broken.or_else(|| before.iter().find(of_webhook).map(|one| one.check.code));
    match broken {
        Some(broken) => DRY_RUN.skip(follows("a dry run", broken)),
        None => call::dry_run(client, namespaces, server, by).await,
    }
}

/// The first of these checks that failed.
fn failed(findings: &[Finding], checks: &[finding::Check]) -> Option<&'static str> {
    let failed = findings.iter().filter(|one| one.outcome == Outcome::Fail);
    failed.map(|one| one.check).find(|check| checks.contains(check)).map(|check| check.code)
}

fn follows(what: &str, broken: &str) -> String {
    format!("{what} was not tried: it would fail with {broken}, above")
}

fn created(object: &Value) -> Option<Timestamp> {
    object["metadata"]["creationTimestamp"].as_str()?.parse().ok()
}
