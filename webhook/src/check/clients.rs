//! Whom the check talks to: the cluster's API server and, if one is named, a Prometheus.

use anyhow::{Context as _, Result};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::args::Check;

/// A client as kubectl would have one, and whether it is inside the cluster.
pub(super) async fn cluster(args: &Check) -> Result<(Client, bool)> {
    let options = KubeConfigOptions { context: args.context.clone(), ..Default::default() };
    let (mut config, inside) = if let Some(file) = &args.kubeconfig {
        let kubeconfig = Kubeconfig::read_from(file).context("cannot use --kubeconfig")?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
        (config.with_context(|| format!("cannot use {}", file.display()))?, false)
    } else {
        match kube::Config::from_kubeconfig(&options).await {
            Ok(config) => (config, false),
            Err(error) if args.context.is_some() => {
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
    Ok((Client::try_from(config).context("cannot make a client for the cluster")?, inside))
}

/// A client for Prometheus: the cluster's, with nothing of a cluster's but TLS and a token.
pub(super) fn prometheus(args: &Check) -> Result<Option<Client>> {
    let Some(url) = &args.prometheus else {
        return Ok(None);
    };
    let mut config = kube::Config::new(url.clone());
    config.default_retry = false;
    if url.scheme_str() == Some("http") {
        // No authority is needed; an image from scratch has none, and a client that wants them.
        config.root_cert = Some(Vec::new());
    }
    if let Some(file) = &args.prometheus_token_file {
        let token = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read --prometheus-token-file {}", file.display()))?;
        config.auth_info.token = Some(token.trim().to_owned().into());
    }
    let client = Client::try_from(config);
    client.context("cannot make a client for Prometheus: SSL_CERT_FILE names authorities").map(Some)
}
