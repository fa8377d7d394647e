//! The third link, tried out: a TLS connection as the API server's, and a pod in a dry run.

use std::sync::Arc;

use emberscope_core::contract::{INJECTED, NAME, SIDECAR};
use kube::Client;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::certificates::logs;
use crate::finding::{DRY_RUN, Finding, SERVED_CERTIFICATE};
use crate::policy::By;
use emberscope_ask::{self as ask, Refusal, Resource};

/// Where the API server calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The host, which is also the name in the certificate.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// Whether it is a Service's, which only the cluster's inside can reach.
    pub(super) of_service: bool,
}

impl Address {
    /// The address in a webhook's `clientConfig`.
    pub(super) fn of(client: &Value, namespace: &str) -> Self {
        let url = client["url"].as_str().and_then(|url| url.parse::<hyper::Uri>().ok());
        if let Some((uri, host)) = url.as_ref().and_then(|uri| Some((uri, uri.host()?))) {
            let (host, port) = (host.to_owned(), uri.port_u16().unwrap_or(443));
            return Self { host, port, of_service: false };
        }
        let port = client["service"]["port"].as_u64().and_then(|port| port.try_into().ok());
        Self {
            host: format!("{NAME}.{namespace}.svc"),
            port: port.unwrap_or(443),
            of_service: true,
        }
    }
}

/// Connects to the webhook as the API server does, trusting the bundle alone.
pub(super) async fn served(
    address: &Address,
    bundle: &str,
    inside: bool,
    namespace: &str,
) -> Finding {
    let Address { host, port, of_service } = address;
    if *of_service && !inside {
        return SERVED_CERTIFICATE.skip(format!(
            "{host} can be reached from inside the cluster only; the dry run below has the API server call it"
        ));
    }
    let shaken = tokio::time::timeout(ask::TIMEOUT, handshake(host, *port, bundle)).await;
    match shaken {
        Ok(Ok(())) => SERVED_CERTIFICATE.pass(format!(
            "{host}:{port} answers with a certificate that the caBundle vouches for (TLS from here)"
        )),
        Ok(Err(why)) => SERVED_CERTIFICATE
            .fail(format!("{host}:{port} (TLS from here): {why}"), logs(namespace)),
        Err(_) => SERVED_CERTIFICATE.fail(
            format!("{host}:{port} does not answer within {} s", ask::TIMEOUT.as_secs()),
            format!("kubectl get networkpolicies -n {namespace}"),
        ),
    }
}

async fn handshake(host: &str, port: u16, bundle: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    let authorities = CertificateDer::pem_slice_iter(bundle.as_bytes()).flatten();
    roots.add_parsable_certificates(authorities);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    tls.map(drop).map_err(|error| error.to_string())
}

/// A driver pod that any admission lets pass; it is never kept.
fn probe(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "emberscope-check",
            "namespace": namespace,
            "labels": {"spark-role": "driver"},
        },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 185,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "spark-kubernetes-driver",
                "image": "emberscope-check",
                "resources": {
                    "requests": {"cpu": "1m", "memory": "1Mi"},
                    "limits": {"cpu": "1m", "memory": "16Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
}

/// Namespaces in which a dry run is tried, where the first ones refuse pods like ours.
const TRIED: usize = 3;

/// Has the API server admit a driver pod without keeping it, in the first namespace that takes one.
pub(super) async fn dry_run(client: &Client, namespaces: &[&str], server: &str, by: By) -> Finding {
    let mut finding = DRY_RUN.skip("a dry run was not tried: no namespace is labelled");
    for namespace in namespaces.iter().take(TRIED) {
        let pods = Resource { api: "v1", kind: "pods", namespace: Some(namespace) };
        let answer = ask::create_dry(client, &pods, &probe(namespace)).await;
        finding = admitted(&answer, namespace, server, by);
        if !matches!(answer, Err(Refusal::Answered { .. })) {
            break;
        }
    }
    finding
}

fn admitted(pod: &Result<Value, Refusal>, namespace: &str, server: &str, by: By) -> Finding {
    let lets =
        format!("the API server lets a driver pod into {namespace} without the sidecar (dry run)");
    match (pod, by) {
        (Ok(pod), _) if injected(pod) => DRY_RUN.pass(format!(
            "the API server gave a driver pod in {namespace} the sidecar (dry run, nothing was kept)"
        )),
        (Ok(_), By::Webhook) => DRY_RUN.fail(
            format!("{lets}: its call to the webhook fails"),
            format!(
                "{}\nthe API server's log and its metric apiserver_admission_webhook_fail_open_count say more; on EKS the cluster's security group has to let it reach port 8443 of the nodes",
                logs(server)
            ),
        ),
        (Ok(_), By::Policy) => DRY_RUN.fail(
            format!("{lets}: the policy does nothing to it"),
            "emberscope policy | kubectl diff -f -\nan API server that has just started, or a policy of a moment ago, takes some seconds",
        ),
        (Err(refusal @ Refusal::Forbidden(_)), _) => DRY_RUN.warn(
            format!("no dry run: {refusal}"),
            format!(
                "kubectl auth can-i create pods -n {namespace}\ncheck as an administrator: a dry run keeps nothing, but this right is more than the role for checks gives"
            ),
        ),
        (Err(refusal), _) => DRY_RUN.warn(
            format!("no dry run: the API server refuses a driver pod in {namespace}: {refusal}"),
            format!("kubectl describe resourcequotas,limitranges -n {namespace}"),
        ),
    }
}

fn injected(pod: &Value) -> bool {
    let inits = pod["spec"]["initContainers"].as_array().into_iter().flatten();
    let ours = inits.into_iter().any(|container| container["name"] == SIDECAR);
    ours && pod["metadata"]["annotations"][INJECTED].is_string()
}

#[cfg(test)]
mod tests {
    use emberscope_core::{AllSettings, Config, NamespaceState, outcome_for};

    use super::*;
    use crate::finding::Outcome;

    #[test]
    fn the_probe_is_a_pod_that_the_webhook_injects() {
        let settings = AllSettings::offline(Config::default());
        let (mut pod, raw) = (probe("a"), probe("a").to_string());
        let outcome = outcome_for(
            &serde_json::from_str(&raw).unwrap(),
            "a",
            &settings,
            &NamespaceState::default(),
        );
        json_patch::patch(&mut pod, &outcome.patch).unwrap();
        assert_eq!(admitted(&Ok(pod), "a", "emberscope", By::Webhook).outcome, Outcome::Pass);
        assert_eq!(
            admitted(&Ok(probe("a")), "a", "emberscope", By::Webhook).outcome,
            Outcome::Fail
        );
    }

    #[test]
    fn a_right_that_is_missing_or_a_quota_is_no_failure_of_the_webhooks() {
        for refusal in [
            Refusal::Forbidden("create pods in namespace a".into()),
            Refusal::Answered { code: 403, message: "exceeded quota".into() },
        ] {
            let found = admitted(&Err(refusal.clone()), "a", "emberscope", By::Webhook);
            assert_eq!(found.outcome, Outcome::Warn);
            assert!(found.sentence.contains(&refusal.to_string()), "{}", found.sentence);
        }
    }

    #[test]
    fn the_address_is_the_services_or_the_urls() {
        let service = Address::of(&json!({"service": {"name": "emberscope"}}), "ns");
        assert_eq!(
            (&*service.host, service.port, service.of_service),
            ("emberscope.ns.svc", 443, true)
        );
        let url = Address::of(&json!({"url": "https://localhost:8443/mutate"}), "ns");
        assert_eq!((&*url.host, url.port, url.of_service), ("localhost", 8443, false));
    }
}
