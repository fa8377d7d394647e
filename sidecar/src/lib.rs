//! The sidecar: beside one Spark driver or executor, it answers `GET /metrics` with everything
//! that is known of it.
//!
//! ```text
//! GET /metrics -> scrape -+- spark driver page ---+
//!                         +- spark executors page +
//!                         +- executor push -------+--> merge -> encode -> body
//!                         +- cgroup --------------+
//!                         +- processes -----------+
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`args`] | what the webhook, or a hand, tells the sidecar |
//! | [`http`] | HTTP: requests in, pages out, with limits for clients |
//! | [`scrape`] | one scrape: all sources at once, under one deadline |
//! | [`sources::spark`] | Spark's two pages and its push, repaired and renamed |
//! | [`sources::cgroup`] | memory, CPU and pressure of the Spark container |
//! | [`sources::processes`] | the pod's processes by kind |
//! | [`node`] | what the pod's node is and has |
//! | [`exposition`] | the page, and its text |
//! | [`self_metrics`] | the sidecar's own figures |
//! | [`container_exit`] | how Spark's container ended, as far as a neighbour can know |
//! | [`shutdown`] | when it ends: when told, with the last values taken |

pub mod args;
pub mod container_exit;
pub mod exposition;
mod http;
pub mod node;
pub mod scrape;
pub mod self_metrics;
pub mod shutdown;
pub mod sources;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::watch;
use tracing::{info, warn};

use args::{Args, Role};
use exposition::PodLabels;
use http::{Address, Site};
use scrape::{Driver, Files, Frame, Scraper, Sources, Spark};
use self_metrics::Own;
use shutdown::{Ending, Life, Signals};
use sources::spark::Wanted;
use sources::spark::push::Store;
use sources::spark::ui::Ui;

/// The sidecar's whole life. Returns when it is time to leave.
///
/// # Errors
///
/// Only before it begins: the signals cannot be listened to. Everything that can go wrong later is
/// a figure on the page or a line in the log.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let Args {
        role,
        address: ip,
        port,
        spark_ui_port,
        push_port,
        container,
        application_id,
        metric_labels,
        profile,
        compat,
        max_series,
        pss_interval_seconds,
        linger_seconds,
        log_level: _,
        proc_root,
    } = args;
    info!(version = env!("CARGO_PKG_VERSION"), role = role.as_str(), container, "starting");
    let signals = Signals::listen().context("cannot listen to signals")?;
    let linger = Duration::from_secs(linger_seconds.into());
    let ending = Arc::new(Ending::new(Life::new(linger, Instant::now())));
    let own = Own::new(role);
    let pushes = receive(push_port);
    let spark = match role {
        Role::Driver => Spark::Driver(Arc::new(Driver::new(Ui::new(spark_ui_port), pushes))),
        Role::Executor => Spark::Executor(pushes),
    };
    let mut files = Files::new(proc_root, container);
    if pss_interval_seconds > 0 {
        files = files.with_pss(Duration::from_secs(pss_interval_seconds.into()));
    }
    let wanted = Arc::new(Wanted { application_id, profile, compat });
    let node = Arc::new(node::page());
    let sources = Sources { spark, files, wanted, node };
    let (pod_labels, left_out) = PodLabels::read(&metric_labels);
    for label in left_out {
        warn!(label, "left out: not NAME=VALUE, or the name has a meaning already");
    }
    let most = if max_series == 0 { usize::MAX } else { max_series as usize };
    let frame = Frame { pod_labels, max_series: most };
    let scraper = Arc::new(Scraper::new(sources, frame, own, Arc::clone(&ending)));

    let (stop, stopped) = watch::channel(false);
    let address = Address { ip, port };
    let site = Site { scraper: Arc::clone(&scraper), role };
    let server = tokio::spawn(answer(address, site, Arc::clone(&ending), stopped));
    tokio::spawn(Arc::clone(&scraper).refresh());

    let why = shutdown::watch(&ending, signals, || scraper.look()).await;
    info!(?why, "leaving");
    stop.send_replace(true);
    // It ends by itself within two seconds; if it has panicked, there is nothing to wait for.
    let _ = server.await;
    Ok(())
}

/// Takes Spark's pushes from now on.
fn receive(port: u16) -> Arc<Store> {
    let store = Arc::new(Store::default());
    let (address, pushed) = (Address { ip: Ipv4Addr::LOCALHOST.into(), port }, Arc::clone(&store));
    tokio::spawn(async move {
        let remedy = "Until then nothing of what Spark pushes is on the page; \
                      another --push-port has to be told to Spark's GraphiteSink too.";
        let listener = http::listen(address, "Spark's pushes", remedy).await;
        sources::spark::push::serve(listener, pushed).await;
    });
    store
}

/// Serves as soon as the port can be had, until `stop` says so.
async fn answer(
    address: Address,
    site: Site,
    ending: Arc<Ending>,
    mut stop: watch::Receiver<bool>,
) {
    let remedy = "Something else in this pod has the port: choose another with --port, \
                  or with the annotation emberscope.dev/port.";
    let listener = tokio::select! {
        listener = http::listen(address, "scrapes", remedy) => listener,
        () = http::said(&mut stop) => return,
    };
    ending.serves();
    http::serve(listener, http::routes(site), stop).await;
}
