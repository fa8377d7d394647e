//! Whom the check talks to: the cluster's API server and, if one is named, a Prometheus.

use anyhow::{Context as _, Result};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::Options;

/// The cluster that is checked.
pub(super) struct Cluster {
    /// A client as kubectl would have one.
    pub(super) client: Client,
    /// What it was made of.
    pub(super) config: kube::Config,
    /// Whether this is inside of it.
    pub(super) inside: bool,
}

/// A client as kubectl would have one.
pub(super) async fn cluster(options: &Options) -> Result<Cluster> {
    let chosen = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let (mut config, inside) = if let Some(file) = &options.kubeconfig {
        let kubeconfig = Kubeconfig::read_from(file).context("cannot use --kubeconfig")?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &chosen).await;
        (config.with_context(|| format!("cannot use {}", file.display()))?, false)
    } else {
        match kube::Config::from_kubeconfig(&chosen).await {
            Ok(config) => (config, false),
            Err(error) if options.context.is_some() => {
                return Err(error).context("cannot use --context");
            }
            Err(error) => match kube::Config::incluster() {
                Ok(config) => (config, true),
                Err(_) => {
                    return Err(error)
                        .context("no cluster to check: no kubeconfig, and not in a pod");
                }
            },
        }
    };
    // Each question has a time limit of its own.
    config.default_retry = false;
    let client =
        Client::try_from(config.clone()).context("cannot make a client for the cluster")?;
    Ok(Cluster { client, config, inside })
}

/// A client for Prometheus: the cluster's, with nothing of a cluster's but TLS and a token.
pub(super) fn prometheus(options: &Options) -> Result<Option<Client>> {
    let Some(url) = &options.prometheus else {
        return Ok(None);
    };
    let mut config = kube::Config::new(url.clone());
    config.default_retry = false;
    if url.scheme_str() == Some("http") {
        // No authority is needed; an image from scratch has none, and a client that wants them.
        config.root_cert = Some(Vec::new());
    }
    if let Some(file) = &options.prometheus_token_file {
        let token = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read --prometheus-token-file {}", file.display()))?;
        config.auth_info.token = Some(token.trim().to_owned().into());
    }
    let client = Client::try_from(config);
    client.context("cannot make a client for Prometheus: SSL_CERT_FILE names authorities").map(Some)
}
