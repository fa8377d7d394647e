//! The sidecar's whole life: who holds what.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};

use crate::args::{Args, Role};
use crate::exposition::PodLabels;
use crate::http::{self, RouteState};
use crate::node;
use crate::scrape::{MergeOptions, Scraper};
use crate::self_metrics::SelfMetrics;
use crate::served;
use crate::shutdown::{Linger, Shutdown, Signals};
use crate::sources::Source;
use crate::sources::cgroup::Cgroup;
use crate::sources::processes::Processes;
use crate::sources::spark::client::Client;
use crate::sources::spark::push::{self, Store};
use crate::sources::spark::{DriverPage, ExecutorsPage, Push, StatusApi, Wanted};

/// Runs the sidecar. Returns when it is time to leave.
///
/// Nothing that goes wrong ends it: that is a figure on the page or a line in the log.
pub async fn run(args: Args, signals: Signals) {
    let Args {
        role,
        address: ip,
        port,
        spark_ui_port,
        push_port,
        push_period_seconds,
        container,
        application_id,
        metric_labels,
        profile,
        compat,
        max_series,
        pss_interval_seconds,
        linger_seconds,
        scrapers,
        log_level: _,
        proc_root,
    } = args;
    info!(version = env!("CARGO_PKG_VERSION"), role = role.as_str(), container, "starting");
    let linger = Linger {
        at_most: Duration::from_secs(linger_seconds.into()),
        scrapers: usize::from(scrapers),
    };
    let shutdown = Arc::new(Shutdown::new(linger));

    let wanted = Arc::new(Wanted { application_id, profile, compat });
    let pushes = Pushes {
        store: receive(push_port),
        period: Duration::from_secs(push_period_seconds.into()),
    };
    let mut sources = spark(role, spark_ui_port, pushes, wanted);
    let pss = (pss_interval_seconds > 0).then(|| Duration::from_secs(pss_interval_seconds.into()));
    let processes = Arc::new(Processes::new(proc_root.clone(), pss));
    let cgroup = Arc::new(Cgroup::new(proc_root, container, Arc::clone(&processes)));
    // The processes first: they tell whose control group is wanted.
    sources.extend([processes as Arc<dyn Source>, Arc::clone(&cgroup) as _]);

    let (pod_labels, left_out) = PodLabels::read(&metric_labels, &served::label_names());
    for label in left_out {
        warn!(label, "left out: not NAME=VALUE, or the name has a meaning already");
    }
    let max_series = if max_series == 0 { usize::MAX } else { max_series as usize };
    let options = MergeOptions { pod_labels, max_series };
    let own = Arc::new(SelfMetrics::new(role));
    let scraper = Scraper::new(sources, cgroup, node::page(), options, own, Arc::clone(&shutdown));
    let scraper = Arc::new(scraper);

    let (stop, stopped) = watch::channel(false);
    let state = RouteState { scraper: Arc::clone(&scraper), shutdown: Arc::clone(&shutdown), role };
    let address = SocketAddr::new(ip, port);
    let server = tokio::spawn(answer(address, state, Arc::clone(&shutdown), stopped));
    tokio::spawn(Arc::clone(&scraper).look_now_and_then());

    let why = signals.time_to_leave(&shutdown, || drop(scraper.look())).await;
    info!(?why, "leaving");
    stop.send_replace(true);
    // It ends by itself within two seconds; if it has panicked, there is nothing to wait for.
    let _ = server.await;
}

/// What Spark pushes, and how often.
struct Pushes {
    store: Arc<Store>,
    period: Duration,
}

/// Spark's own figures.
fn spark(
    role: Role,
    ui_port: u16,
    Pushes { store, period }: Pushes,
    wanted: Arc<Wanted>,
) -> Vec<Arc<dyn Source>> {
    match role {
        Role::Driver => {
            let client = Arc::new(Client::new(ui_port, wanted.application_id.clone()));
            let page = Arc::new(DriverPage::new(Arc::clone(&client), Arc::clone(&wanted)));
            let api = StatusApi::new(Arc::clone(&client), Arc::clone(&wanted), Arc::clone(&store));
            let api = Arc::new(api);
            tokio::spawn(Arc::clone(&api).ask_now_and_then());
            let push = Push::of_driver(store, wanted, period, Arc::clone(&page));
            vec![page, Arc::new(ExecutorsPage::new(client)), api, Arc::new(push)]
        }
        Role::Executor => vec![Arc::new(Push::of_executor(store, wanted, period))],
    }
}

/// Takes Spark's pushes from now on.
fn receive(port: u16) -> Arc<Store> {
    let store = Arc::new(Store::default());
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
    let pushed = Arc::clone(&store);
    tokio::spawn(async move {
        let remedy = "Until then nothing of what Spark pushes is on the page; \
                      another --push-port has to be told to Spark's GraphiteSink too.";
        let listener = http::listen(address, "Spark's pushes", remedy).await;
        push::serve(listener, pushed).await;
    });
    store
}

/// Serves as soon as the port can be had, until `stop` says so.
async fn answer(
    address: SocketAddr,
    state: RouteState,
    shutdown: Arc<Shutdown>,
    mut stop: watch::Receiver<bool>,
) {
    let remedy = "Something else in this pod has the port: choose another with --port, \
                  or with the annotation emberscope.dev/port.";
    let listener = tokio::select! {
        listener = http::listen(address, "scrapes", remedy) => listener,
        () = http::said(&mut stop) => return,
    };
    shutdown.serves();
    http::serve(listener, http::routes(state), shutdown, stop).await;
}
