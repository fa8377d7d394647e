//! Whom to ask: a cluster's API server, as `kubectl` would find it, and a Prometheus that is named.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};

/// A cluster.
pub struct Cluster {
    /// A client as kubectl would have one.
    pub client: Client,
    /// What it was made of.
    pub config: kube::Config,
    /// Whether this is inside of it.
    pub inside: bool,
}

/// How a Prometheus is to be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Login {
    /// As anybody.
    #[default]
    None,
    /// With the bearer token in this file.
    Token(PathBuf),
    /// With a name and the password in this file (HTTP basic authentication).
    Password(String, PathBuf),
}

/// A client as kubectl would have one; without `kubeconfig` and `context` by the usual places.
pub async fn cluster(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Cluster> {
    let chosen =
        KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let (mut config, inside) = if let Some(file) = kubeconfig {
        let kubeconfig = Kubeconfig::read_from(file).context("cannot use --kubeconfig")?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &chosen).await;
        (config.with_context(|| format!("cannot use {}", file.display()))?, false)
    } else {
        match kube::Config::from_kubeconfig(&chosen).await {
            Ok(config) => (config, false),
            Err(error) if context.is_some() => {
                return Err(error).context("cannot use --context");
            }
            Err(error) => match kube::Config::incluster() {
                Ok(config) => (config, true),
                Err(_) => {
                    return Err(error)
                        .context("no cluster to ask: no kubeconfig, and not in a pod");
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

/// A client for the Prometheus at `url`: the cluster's, with nothing of a cluster's but TLS and a login.
pub fn prometheus(url: &hyper::Uri, login: &Login) -> Result<Client> {
    let mut config = kube::Config::new(url.clone());
    config.default_retry = false;
    if url.scheme_str() == Some("http") {
        // No authority is needed; an image from scratch has none, and a client that wants them.
        config.root_cert = Some(Vec::new());
    }
    match login {
        Login::None => {}
        Login::Token(file) => {
            let token = secret(file, "--prometheus-token-file")?;
            config.auth_info.token = Some(token.into());
        }
        Login::Password(user, file) => {
            config.auth_info.username = Some(user.clone());
            let password = secret(file, "--prometheus-password-file")?;
            config.auth_info.password = Some(password.into());
        }
    }
    Client::try_from(config)
        .context("cannot make a client for Prometheus: SSL_CERT_FILE names authorities")
}

fn secret(file: &Path, flag: &str) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {flag} {}", file.display()))?;
    Ok(text.trim().to_owned())
}
