//! Who may do what in the cluster: the API server's certificate, tokens, kubeconfigs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use emberscope_certs::authority;
use kube::config::{KubeConfigOptions, Kubeconfig};
use rcgen::KeyPair;
use serde_json::json;

/// The administrator's token; it is good for one API server on loopback, for as long as that lives.
const ADMIN_TOKEN: &str = "administrator";

/// Files in the cluster's folder.
#[derive(Debug)]
pub struct Credentials {
    folder: PathBuf,
    url: String,
    /// The authority of the API server's certificate (PEM).
    pub authority: PathBuf,
    /// The kubeconfig of the cluster's administrator.
    pub admin_kubeconfig: PathBuf,
}

impl Credentials {
    /// Makes a certificate for 127.0.0.1, keys for service accounts, and an administrator.
    pub(super) fn make(folder: &Path, port: u16) -> Result<Self> {
        let now = SystemTime::now();
        let ca = authority::generate(now)?;
        let leaf = authority::issue(&ca, &["127.0.0.1".into(), "localhost".into()], now)?;
        let service_accounts = KeyPair::generate()?;
        for (name, text) in [
            ("ca.pem", &ca.certificate),
            ("api-server.pem", &leaf.certificate),
            ("api-server.key", &leaf.key),
            ("service-accounts.key", &service_accounts.serialize_pem()),
            ("service-accounts.pem", &service_accounts.public_key_pem()),
            ("tokens.csv", &format!("{ADMIN_TOKEN},admin,1,\"system:masters\"\n")),
        ] {
            fs::write(folder.join(name), text)?;
        }
        let mut credentials = Self {
            folder: folder.to_path_buf(),
            url: format!("https://127.0.0.1:{port}"),
            authority: folder.join("ca.pem"),
            admin_kubeconfig: PathBuf::new(),
        };
        credentials.admin_kubeconfig = credentials.kubeconfig("admin", ADMIN_TOKEN)?;
        Ok(credentials)
    }

    /// The API server's side of all this.
    pub(super) fn api_server_flags(&self) -> Vec<String> {
        let flag =
            |flag: &str, file: &str| format!("--{flag}={}", self.folder.join(file).display());
        vec![
            flag("tls-cert-file", "api-server.pem"),
            flag("tls-private-key-file", "api-server.key"),
            flag("service-account-signing-key-file", "service-accounts.key"),
            flag("service-account-key-file", "service-accounts.pem"),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            flag("token-auth-file", "tokens.csv"),
        ]
    }

    /// Writes a kubeconfig for whoever has this token.
    pub fn kubeconfig(&self, name: &str, token: &str) -> Result<PathBuf> {
        let file = self.folder.join(format!("{name}.kubeconfig"));
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": {"server": self.url, "certificate-authority": self.authority}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": "tests", "user": name}}],
            "current-context": name,
        });
        fs::write(&file, config.to_string())
            .with_context(|| format!("{} could not be written", file.display()))?;
        Ok(file)
    }

    /// A client of the administrator's.
    pub(super) async fn client(&self) -> Result<kube::Client> {
        let config = Kubeconfig::read_from(&self.admin_kubeconfig)?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(config, &options).await?;
        Ok(kube::Client::try_from(config)?)
    }

    /// The administrator's token, for programs that take no kubeconfig.
    #[must_use]
    pub fn admin_token(&self) -> &'static str {
        ADMIN_TOKEN
    }
}
