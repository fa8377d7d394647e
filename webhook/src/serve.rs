//! `emberscope serve`: the pure core behind TLS and HTTP, and what keeps it running.
//!
//! | module | what it keeps right |
//! |---|---|
//! | [`listener`] | connections: TLS, limits, lame duck |
//! | [`mutate`] | `/mutate` |
//! | [`ops`] | `/healthz`, `/readyz`, `/metrics` |
//! | [`certificate`] | the certificate that is served |
//! | [`cluster`] | the Secret, the `caBundle`, what kubelets know |
//! | [`reload`] | the configuration, while it changes |
//! | [`metrics`], [`readiness`], [`phase`] | what is counted, what is ready, what ends when |

pub mod certificate;
pub mod cluster;
pub mod listener;
pub mod metrics;
pub mod mutate;
pub mod ops;
pub mod phase;
pub mod readiness;
pub mod reload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use emberscope_certs::HotCertificate;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tracing::info;
use tracing_subscriber::EnvFilter;

use crate::args::{LogFormat, Serve};
use crate::config::Config;
use crate::settings::{AllSettings, NativeSidecars};
use cluster::native_sidecars;
use listener::{Limits, Listener};
use metrics::Metrics;
use phase::Phase;
use readiness::Readiness;

/// What the server's parts share.
#[derive(Debug)]
pub struct Shared {
    /// What decisions are made with; swapped as a whole.
    pub settings: ArcSwap<AllSettings>,
    /// What is counted.
    pub metrics: Metrics,
    /// What `/readyz` answers.
    pub readiness: Readiness,
    /// The certificate that handshakes get.
    pub certificate: Arc<HotCertificate>,
}

impl Shared {
    /// Settings, and nothing served yet.
    pub fn new(settings: AllSettings) -> Result<Self> {
        let metrics = Metrics::new()?;
        metrics.kubelets(settings.native_sidecars);
        Ok(Self {
            settings: ArcSwap::from_pointee(settings),
            metrics,
            readiness: Readiness::default(),
            certificate: Arc::default(),
        })
    }

    /// Decisions are made with these settings from now on.
    pub fn decide_by(&self, settings: impl Fn(&AllSettings) -> AllSettings) {
        self.settings.rcu(|now| settings(now));
        self.metrics.kubelets(self.settings.load().native_sidecars);
    }
}

/// Serves until SIGTERM or SIGINT, then drains.
pub fn run(args: Serve) -> Result<()> {
    log(&args);
    let config = Config::load(args.config.as_deref())?;
    // Two threads: one core is the design's budget; a second keeps health checks answered while a
    // large pod is worked on.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(serve(args, config))
}

async fn serve(args: Serve, config: Config) -> Result<()> {
    let listener = bind(args.listen).await?;
    let ops_listener = bind(args.ops_listen).await?;
    let phase = phase::watch_signals(Duration::from_secs(args.lame_duck_seconds))?;

    // Nothing is injected before the cluster was asked what its kubelets know. With a certificate in
    // memory there is no cluster.
    let native_sidecars = match (&args.tls_secret, &args.cert_dir) {
        (None, None) => NativeSidecars::Everywhere,
        _ => NativeSidecars::Unknown,
    };
    let shared = Arc::new(Shared::new(AllSettings::new(config, native_sidecars))?);
    let ops = Listener { tls: None, limits: Limits::OPS, phase: phase.clone() };
    let ops = tokio::spawn(ops.serve(ops_listener, ops::router(Arc::clone(&shared))));
    info!(ops = %args.ops_listen, "serving /healthz, /readyz and /metrics");

    if let Some(file) = args.config.clone() {
        tokio::spawn(reload::watch(file, Arc::clone(&shared)));
    }
    let keeper = tokio::spawn(keep(args.clone(), Arc::clone(&shared)));
    let tls = Some(TlsAcceptor::from(Arc::new(tls_config(&shared.certificate)?)));
    let webhook = Listener { tls, limits: Limits::WEBHOOK, phase: phase.clone() };
    let webhook =
        tokio::spawn(webhook.serve(listener, mutate::router(Arc::clone(&shared), phase.clone())));
    info!(address = %args.listen, "serving /mutate");

    let mut ended = phase;
    let mut failed = Ok(());
    tokio::select! {
        // The certificate's keeper only returns when it cannot go on.
        result = keeper => failed = result.context("the keeper of the certificate panicked")?,
        () = phase::reached(&mut ended, Phase::LameDuck) => {
            shared.readiness.end();
            webhook.await.context("the webhook's listener panicked")?;
            ops.await.context("the health listener panicked")?;
            info!("all connections are drained");
        }
    }
    failed
}

/// Keeps the certificate and what is known of kubelets right, for as long as the server lives.
async fn keep(args: Serve, shared: Arc<Shared>) -> Result<()> {
    let names = certificate::names(&args);
    match (&args.tls_secret, &args.webhook_configuration, &args.cert_dir) {
        (Some(secret), Some(configuration), _) => {
            let keeper = cluster::Keeper::new(&args.namespace, secret, configuration).await?;
            keeper.run(&names, &shared).await;
            Ok(())
        }
        (_, _, Some(dir)) => {
            // Somebody else looks after the Secret and the caBundle; nobody else asks the kubelets.
            let current = certificate::from_directory(dir, &shared)?;
            let Some(client) = native_sidecars::client().await else {
                return certificate::reread(dir, current, &shared).await;
            };
            // Asked before the server is ready: a pod that comes at once need not be left alone.
            let mut pause = native_sidecars::round(&client, &shared).await;
            let asking = async {
                loop {
                    tokio::time::sleep(pause).await;
                    pause = native_sidecars::round(&client, &shared).await;
                }
            };
            tokio::select! {
                result = certificate::reread(dir, current, &shared) => result,
                () = asking => Ok(()),
            }
        }
        _ => certificate::in_memory(&names, args.ca_out.as_deref(), &shared).await,
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; --listen and --ops-listen choose others")
    })
}

/// TLS 1.2 and 1.3 with the hot certificate; HTTP/1.1 only, which is what API servers speak.
fn tls_config(certificate: &Arc<HotCertificate>) -> Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(certificate) as _);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn log(args: &Serve) {
    // The client for the API server says every failure by itself, as an error and without the reason;
    // what is done about it is said here, with the reason.
    let quiet = if args.log_level < tracing::Level::DEBUG { ",kube_client=off" } else { "" };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{}{quiet}", args.log_level)))
        .with_writer(std::io::stderr)
        .with_target(false);
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    match args.log_format {
        LogFormat::Text => builder.with_ansi(terminal).init(),
        LogFormat::Json => builder.json().init(),
    }
}
