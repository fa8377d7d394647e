//! The webhook's server: [`emberscope_core`] behind TLS and HTTP, and what keeps it running.
//!
//! ```text
//!                        .--------- Shared: settings, certificate, readiness, metrics ---------.
//!                        |                                                                     |
//! API server -> listener -> mutate -> body -> emberscope_core::admission::answer -> API server |
//! kubelet, Prometheus -> listener -> ops <-----------------------------------------------------|
//!                                                                                              |
//! Secret, caBundle, kubelets -> cluster -> certificate ----------------------------------------|
//! Spark's pods ---------------> cluster -> fuses ----------------------------------------------|
//! LimitRanges, quotas ------> limits ----> namespaces -----------------------------------------|
//! configuration file ---------> reload --------------------------------------------------------|
//! SIGTERM --------------------> lifecycle -----------------------------------------------------'
//! ```

mod body;
mod certificate;
mod cluster;
mod fuses;
mod intervals;
mod lifecycle;
mod listener;
mod metrics;
mod mutate;
mod ops;
mod peer;
mod peers;
mod readiness;
mod reload;
mod room;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use emberscope_certs::HotCertificate;
use emberscope_core::config::Image;
use emberscope_core::{AllSettings, ClusterState, Config, Namespaces, NativeSidecars, OwnImage};
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::net::{TcpListener, TcpSocket};
use tracing::info;

use fuses::SharedFuses;
use lifecycle::Phase;
use listener::{Limits, Listener};
use readiness::Readiness;

pub use intervals::Intervals;
pub use metrics::{Mended, Metrics};

/// How to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration file; without it the defaults apply.
    pub config: Option<PathBuf>,
    /// The address of `/mutate`.
    pub listen: SocketAddr,
    /// The address of `/healthz`, `/readyz` and `/metrics`.
    pub ops_listen: SocketAddr,
    /// Where the certificate comes from.
    pub certificate: Source,
    /// Where the image comes from that the configuration does not name.
    pub own_image: ImageSource,
    /// What the certificate is for: DNS names and IP addresses, the Service's first.
    pub names: Vec<String>,
    /// How long is waited for what.
    pub intervals: Intervals,
    /// How long to go on answering after SIGTERM before connections are drained.
    pub lame_duck: Duration,
}

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A Secret that is kept here, and a webhook configuration whose `caBundle` is.
    Secret {
        /// Namespace of the Secret.
        namespace: String,
        /// Its name.
        secret: String,
        /// Name of the MutatingWebhookConfiguration.
        configuration: String,
    },
    /// Files in this directory, that somebody else looks after.
    Directory(PathBuf),
    /// None but the memory: for trying things out, without a cluster.
    Memory {
        /// The file to write the authority to.
        ca_out: Option<PathBuf>,
    },
}

/// Where the image comes from that is injected when the configuration names none.
#[derive(Debug, Clone)]
pub enum ImageSource {
    /// The container that this program runs in.
    Pod {
        /// Its pod's namespace.
        namespace: String,
        /// Its pod.
        pod: String,
    },
    /// The command line; without it, the released name.
    Said(Option<Image>),
}

/// What the server's parts share.
#[derive(Debug)]
struct Shared {
    /// What decisions are made with; swapped as a whole.
    settings: ArcSwap<AllSettings>,
    /// What is known of the namespaces that pods are created in; swapped as a whole.
    namespaces: ArcSwap<Namespaces>,
    /// Where sidecars do not start.
    fuses: SharedFuses,
    /// What is counted.
    metrics: Metrics,
    /// What `/readyz` answers.
    readiness: Readiness,
    /// The certificate that handshakes get.
    certificate: Arc<HotCertificate>,
    /// How long is waited for what.
    intervals: Intervals,
}

impl Shared {
    /// Settings, and nothing served yet.
    fn new(settings: AllSettings, intervals: Intervals) -> Result<Self> {
        let metrics = Metrics::new()?;
        metrics.kubelets(settings.cluster.native_sidecars);
        Ok(Self {
            settings: ArcSwap::from_pointee(settings),
            namespaces: ArcSwap::default(),
            fuses: SharedFuses::default(),
            metrics,
            readiness: Readiness::default(),
            certificate: Arc::default(),
            intervals,
        })
    }

    /// So much more is known of the cluster from now on.
    fn learn(&self, what: impl Fn(&mut ClusterState)) {
        self.decide_by(|now| {
            let mut cluster = now.cluster.clone();
            what(&mut cluster);
            AllSettings::new(now.config.clone(), cluster)
        });
    }

    /// Decisions are made with these settings from now on.
    fn decide_by(&self, settings: impl Fn(&AllSettings) -> AllSettings) {
        self.settings.rcu(|now| settings(now));
        self.metrics.kubelets(self.settings.load().cluster.native_sidecars);
    }
}

/// What the kernel keeps of what a connection was sent and nobody has read, in bytes; it takes twice
/// that for its own bookkeeping. Enough for 32 MB/s where an answer takes a millisecond.
const RECEIVE_BUFFER: u32 = 32 << 10;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Serves until SIGTERM or SIGINT, then drains.
pub fn run(options: Options) -> Result<()> {
    let config = Config::load(options.config.as_deref())?;
    // Two threads: one core is the design's budget; a second keeps health checks answered while a
    // large pod is worked on.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(serve(options, config))
}

async fn serve(options: Options, config: Config) -> Result<()> {
    let listener = bind(options.listen)?;
    let ops_listener = bind(options.ops_listen)?;
    let phase = lifecycle::watch_signals(options.lame_duck)?;

    // Nothing is injected before the cluster was asked what its kubelets know.
    let native_sidecars = match &options.certificate {
        Source::Memory { .. } => NativeSidecars::Everywhere,
        Source::Secret { .. } | Source::Directory(_) => NativeSidecars::Unknown,
    };
    let own_image = match &options.own_image {
        ImageSource::Pod { .. } => OwnImage::Unread,
        ImageSource::Said(image) => OwnImage::said(image.clone()),
    };
    let cluster = ClusterState { native_sidecars, own_image };
    let settings = AllSettings::new(config, cluster);
    let shared = Arc::new(Shared::new(settings, options.intervals)?);
    let listens = |tls, limits| Listener {
        tls,
        limits,
        phase: phase.clone(),
        evictions: shared.metrics.evictions(),
    };
    let ops = listens(None, Limits::OPS);
    let ops = tokio::spawn(ops.serve(ops_listener, ops::router(Arc::clone(&shared))));
    info!(ops = %options.ops_listen, "serving /healthz, /readyz and /metrics");

    if let Some(file) = options.config.clone() {
        tokio::spawn(reload::watch(file, Arc::clone(&shared)));
    }
    let tls = Some(Arc::new(tls_config(&shared.certificate)?));
    let webhook = listens(tls, Limits::WEBHOOK);
    let webhook =
        tokio::spawn(webhook.serve(listener, mutate::router(Arc::clone(&shared), phase.clone())));
    info!(address = %options.listen, "serving /mutate");
    let keeping = tokio::spawn(keep(options, Arc::clone(&shared)));

    let mut ended = phase;
    let mut failed = Ok(());
    tokio::select! {
        // What keeps the certificate only returns when it cannot go on.
        result = keeping => failed = result.context("what keeps the certificate panicked")?,
        () = lifecycle::reached(&mut ended, Phase::LameDuck) => {
            shared.readiness.end();
            webhook.await.context("the webhook's listener panicked")?;
            ops.await.context("the health listener panicked")?;
            info!("all connections are drained");
        }
    }
    failed
}

/// Keeps the certificate and what is known of kubelets right, for as long as the server lives.
async fn keep(options: Options, shared: Arc<Shared>) -> Result<()> {
    let names = options.names;
    let mut own_pod = None;
    if let ImageSource::Pod { namespace, pod } = options.own_image {
        let own = cluster::OwnPod { namespace, pod };
        own_pod = Some(own.clone());
        // Asked before the server is ready: a pod that comes at once need not be left alone.
        if !own.ask(&shared).await {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { own.go_on_asking(&shared).await });
        }
    }
    if !matches!(options.certificate, Source::Memory { .. }) {
        tokio::join!(cluster::watch_pods(own_pod, &shared), cluster::limits::watch(&shared));
    }
    match options.certificate {
        Source::Secret { namespace, secret, configuration } => {
            let keeper = cluster::Keeper::new(&namespace, &secret, &configuration).await?;
            keeper.run(&names, &shared).await;
            Ok(())
        }
        Source::Directory(directory) => {
            let served = certificate::from_directory(&directory, &shared)?;
            let kubelets = cluster::Kubelets::connect().await;
            // Asked before the server is ready: a pod that comes at once need not be left alone.
            let pause = kubelets.ask(&shared).await;
            tokio::select! {
                result = certificate::reread(&directory, served, &shared) => result,
                () = kubelets.go_on_asking(pause, &shared) => Ok(()),
            }
        }
        Source::Memory { ca_out } => {
            certificate::in_memory(&names, ca_out.as_deref(), &shared).await
        }
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        // What nobody has read yet is kept by the kernel, in the container's memory. Connections
        // inherit it.
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().with_context(|| {
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
