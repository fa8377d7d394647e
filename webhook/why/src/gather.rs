//! Gathers facts: the edge. Everything below that is not a question is a function of its answer.
//!
//! ```text
//! find: which application -+-> metrics: queries -> figures --+--> facts
//!                          '-> cluster: pods, events, log  --'
//! ```

mod cluster;
mod figures;
mod find;
mod fleet;
mod metrics;
mod names;
mod nearest;
mod queries;
mod series;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use emberscope_ask::clients::{self, Cluster, Login};
use emberscope_ask::prometheus::{NAMESPACE, SERVICE, through_the_api_server};
use emberscope_ask::{self as ask, Refusal, Resource};
use kube::Client;

use crate::facts::{Asked, Facts, Source, Time, Unknown};

pub use queries::{Cost, Kind, QUERIES, Query};

/// Prometheus' clock and this machine's may differ by so much, in seconds.
const CLOCKS_APART: f64 = 30.0;

/// Whom to ask, and about what.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// In which namespace; without it in all of them.
    pub namespace: Option<String>,
    /// How far back to look, in seconds.
    pub since: f64,
    /// The Prometheus to ask; without it the one of the manifests, through the API server.
    pub prometheus: Option<hyper::Uri>,
    /// How it wants to be asked.
    pub login: Login,
    /// The kubeconfig; without it the usual places.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; without it the current one.
    pub context: Option<String>,
}

/// Who can be asked.
struct Whom {
    /// A Prometheus, and what it is called.
    prometheus: Option<(Client, String)>,
    cluster: Option<Cluster>,
    /// The time, by Prometheus' clock where there is one.
    now: f64,
    /// Who cannot be asked, and why.
    unknown: Vec<Unknown>,
}

/// The facts of the application that is called so: a name (then its latest run), an id, a driver's pod or an EMR
/// job. An error says that there is none, and what there is.
pub(crate) async fn facts(options: &Options, called: &str) -> Result<Facts> {
    let whom = whom(options).await?;
    let mut facts = Facts { asked_at: Time(whom.now), unknown: whom.unknown, ..Facts::default() };
    let window = [whom.now - options.since, whom.now];
    let mut known = Vec::new();
    if let Some((client, place)) = &whom.prometheus {
        let found = find::in_prometheus(client, called, options.namespace.as_deref(), window).await;
        let answered = matches!(&found, Ok(runs) if !runs.is_empty());
        facts.asked.push(Asked { source: Source::Prometheus, place: place.clone(), answered });
        match found {
            Ok(runs) => known = runs,
            Err(refusal) => facts.unknown.push(unknown("figures", &refusal)),
        }
    }
    let chosen = find::choose(known, &mut facts.unknown);
    if let Some(run) = &chosen {
        facts.application = run.application();
    }
    if let Some(cluster) = &whom.cluster {
        let place = cluster.config.cluster_url.to_string();
        let namespace =
            chosen.as_ref().map(|run| run.namespace.clone()).or(options.namespace.clone());
        let pods =
            cluster::pods(&cluster.client, called, namespace.as_deref(), &facts.application).await;
        let answered = matches!(&pods, Ok(pods) if !pods.is_empty());
        facts.asked.push(Asked { source: Source::ApiServer, place, answered });
        match pods {
            Ok(pods) => cluster::fill(&cluster.client, pods, &mut facts).await,
            Err(refusal) => facts.unknown.push(unknown("pods", &refusal)),
        }
    }
    if let (Some(run), Some((client, _))) = (&chosen, &whom.prometheus) {
        metrics::fill(client, run, whom.now, &mut facts).await;
        metrics::earlier(client, run, window, &mut facts).await;
    }
    if chosen.is_none() && facts.pods.is_empty() {
        bail!(
            nearest::sentence(
                called,
                whom.prometheus.as_ref(),
                whom.cluster.as_ref(),
                options,
                window,
                &facts
            )
            .await
        );
    }
    if chosen.is_none() && whom.prometheus.is_some() {
        facts.unknown.push(Unknown {
            what: "figures of memory, CPU, stages and executors".into(),
            why: "Prometheus has none of this application: has it the sidecar, and is it scraped? emberscope check tells".into(),
        });
    }
    Ok(facts)
}

/// The facts of every application of a namespace, or of all of them: those that tell how bad it is.
pub(crate) async fn all(options: &Options) -> Result<Vec<Facts>> {
    let whom = whom(options).await?;
    let Some((client, _)) = &whom.prometheus else {
        let why: Vec<String> =
            whom.unknown.into_iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
        bail!("no Prometheus to ask: {}", why.join("; "));
    };
    let window = [whom.now - options.since, whom.now];
    Ok(fleet::facts(client, options.namespace.as_deref(), window).await?)
}

/// Finds out who can be asked. That nobody can is an error.
async fn whom(options: &Options) -> Result<Whom> {
    let mut unknown = Vec::new();
    let cluster = clients::cluster(options.kubeconfig.as_deref(), options.context.as_deref()).await;
    let cluster = match cluster {
        Ok(cluster) => Some(cluster),
        // What was asked for by a flag has to be there.
        Err(error) if options.kubeconfig.is_some() || options.context.is_some() => {
            return Err(error);
        }
        Err(error) => {
            let why = error.to_string();
            unknown.push(Unknown { what: "pods, events and the driver's log".into(), why });
            None
        }
    };
    let prometheus = match (&options.prometheus, &cluster) {
        (Some(url), _) => {
            let place = url.to_string().trim_end_matches('/').to_owned();
            Ok((clients::prometheus(url, &options.login)?, place))
        }
        (None, Some(cluster)) => shipped(cluster).await,
        (None, None) => Err("--prometheus URL names one".to_owned()),
    };
    let here =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let mut now = here;
    let prometheus = match prometheus {
        Err(why) => {
            unknown.push(Unknown { what: "figures of Prometheus".into(), why });
            None
        }
        Ok((client, place)) => match series::clock(&client).await {
            Ok(clock) => {
                if (clock - here).abs() > CLOCKS_APART {
                    unknown.push(Unknown {
                        what: "the time to a second".into(),
                        why: format!("the clocks of Prometheus and of this machine are {} apart; Prometheus' holds", crate::units::seconds((clock - here).abs())),
                    });
                }
                now = clock;
                Some((client, place))
            }
            Err(refusal) => {
                unknown.push(Unknown {
                    what: "figures of Prometheus".into(),
                    why: format!("{place} does not answer queries: {refusal}"),
                });
                None
            }
        },
    };
    if prometheus.is_none() && cluster.is_none() {
        let why: Vec<String> =
            unknown.into_iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
        bail!("nobody to ask: {}", why.join("; "));
    }
    Ok(Whom { prometheus, cluster, now, unknown })
}

/// The Prometheus of the manifests, where it is.
async fn shipped(cluster: &Cluster) -> Result<(Client, String), String> {
    let services = Resource { api: "v1", kind: "services", namespace: Some(NAMESPACE) };
    match ask::get(&cluster.client, &services, SERVICE).await {
        Ok(_) => {
            let client = through_the_api_server(&cluster.config)?;
            Ok((client, format!("Service {NAMESPACE}/{SERVICE}")))
        }
        Err(Refusal::Missing) => Err("there is no Service emberscope-monitoring/emberscope-prometheus; --prometheus URL names another".to_owned()),
        Err(refusal) => Err(format!("{refusal}; --prometheus URL names one")),
    }
}

fn unknown(what: &str, refusal: &Refusal) -> Unknown {
    Unknown { what: what.to_owned(), why: refusal.to_string() }
}
