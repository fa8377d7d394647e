//! Which application is meant: every run that is called so, and the latest of them.

use emberscope_ask::Refusal;
use kube::Client;

use super::names::{IDENTITY, NAMED, PRESENCE};
use super::series::{self, Series, quoted};
use crate::facts::{Application, Time, Unknown};

/// Labels that may say what an application is called.
const CALLED: [&str; 4] =
    ["application_id", "pod", "spark_app_name", "emr_containers_amazonaws_com_job_id"];

/// Times at which is looked when an application was there.
const LOOKS: f64 = 500.0;

/// Times at which is looked who was there at all: of very many each look costs.
const LOOKS_AT_ALL: f64 = 120.0;

/// A run of an application, as its driver's series show it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Run {
    pub(super) cluster: Option<String>,
    pub(super) namespace: String,
    pub(super) pod: Option<String>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) emr_job_id: Option<String>,
    pub(super) team: Option<String>,
    /// When it was first and last seen, to a step.
    pub(super) seen: [f64; 2],
    /// How far off that may be, in seconds.
    pub(super) step: f64,
}

impl Run {
    /// What is known of it by this alone.
    pub(super) fn application(&self) -> Application {
        Application {
            id: self.id.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            driver_pod: self.pod.clone(),
            emr_job_id: self.emr_job_id.clone(),
            team: self.team.clone(),
            cluster: self.cluster.clone(),
            started_at: Some(Time(self.seen[0])),
            last_seen_at: Some(Time(self.seen[1])),
            ..Application::default()
        }
    }

    /// Its matchers.
    pub(super) fn matchers(&self) -> String {
        let mut matchers = vec![format!("namespace={}", quoted(&self.namespace))];
        if let Some(cluster) = &self.cluster {
            matchers.push(format!("cluster={}", quoted(cluster)));
        }
        matchers
            .into_iter()
            .chain(self.id.as_ref().map(|id| format!("application_id={}", quoted(id))))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// Every run in that time that is called so.
pub(super) async fn in_prometheus(
    client: &Client,
    called: &str,
    namespace: Option<&str>,
    window: [f64; 2],
) -> Result<Vec<Run>, Refusal> {
    let step = step(window, LOOKS);
    let inside = namespace.map(|name| format!(", namespace={}", quoted(name))).unwrap_or_default();
    let one = |metric: &str, label: &str| {
        format!("last_over_time({metric}{{{label}={}{inside}}}[{step:.0}s])", quoted(called))
    };
    let each: Vec<String> = CALLED.iter().map(|label| one(PRESENCE, label)).collect();
    let expression = format!("max by ({IDENTITY}) ({})", each.join(" or "));
    let found = runs(&series::over(client, &expression, window, step).await?, step);
    if !found.is_empty() {
        return Ok(found);
    }
    // Where targets have no label of the name, Spark's own pages have it.
    let named = one(NAMED, "application_name");
    let expression = format!("max by ({IDENTITY}, application_name) ({named})");
    Ok(runs(&series::over(client, &expression, window, step).await?, step))
}

/// Every run in that time, in one namespace or in all.
pub(super) async fn every(
    client: &Client,
    namespace: Option<&str>,
    window: [f64; 2],
) -> Result<Vec<Run>, Refusal> {
    let step = step(window, LOOKS_AT_ALL);
    let inside = namespace.map(|name| format!("namespace={}", quoted(name))).unwrap_or_default();
    let expression =
        format!("max by ({IDENTITY}) (last_over_time({PRESENCE}{{{inside}}}[{step:.0}s]))");
    Ok(runs(&series::over(client, &expression, window, step).await?, step))
}

fn step([start, end]: [f64; 2], looks: f64) -> f64 {
    ((end - start) / looks).ceil().max(15.0)
}

fn runs(series: &[Series], step: f64) -> Vec<Run> {
    let run = |one: &Series| {
        let label = |name| one.label(name).map(str::to_owned);
        Some(Run {
            cluster: label("cluster"),
            namespace: label("namespace").unwrap_or_default(),
            pod: label("pod"),
            id: label("application_id"),
            name: label("spark_app_name").or(label("application_name")),
            emr_job_id: label("emr_containers_amazonaws_com_job_id"),
            team: label("team"),
            seen: [one.samples.first()?.0 - step, one.samples.last()?.0],
            step,
        })
    };
    let mut runs: Vec<Run> = series.iter().filter_map(run).collect();
    // A driver without an id is one that has not told it yet; with it there is another series of the same pod.
    let with_id: Vec<(String, Option<String>)> = runs
        .iter()
        .filter(|run| run.id.is_some())
        .map(|run| (run.namespace.clone(), run.pod.clone()))
        .collect();
    runs.retain(|run| {
        run.id.is_some() || !with_id.contains(&(run.namespace.clone(), run.pod.clone()))
    });
    runs.sort_by(|a, b| b.seen[0].total_cmp(&a.seen[0]));
    runs
}

/// The latest run; that there are others at the same time is said.
pub(super) fn choose(runs: Vec<Run>, unknown: &mut Vec<Unknown>) -> Option<Run> {
    let mut runs = runs.into_iter();
    let chosen = runs.next()?;
    let elsewhere = |run: &Run| run.namespace != chosen.namespace || run.cluster != chosen.cluster;
    // One that began before this one ended is another application, not another run.
    let beside: Vec<String> = runs
        .filter(|run| elsewhere(run) || run.seen[1] > chosen.seen[0] + run.step)
        .take(5)
        .map(|run| {
            format!("{} in namespace {}", run.id.or(run.pod).unwrap_or_default(), run.namespace)
        })
        .collect();
    if !beside.is_empty() {
        unknown.push(Unknown {
            what: "which one is meant".into(),
            why: format!("others are called so too: {}; this is the latest. An id, a pod or -n NAMESPACE names one", beside.join(", ")),
        });
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, namespace: &str, seen: [f64; 2]) -> Run {
        Run { id: Some(id.into()), namespace: namespace.into(), seen, step: 15.0, ..Run::default() }
    }

    #[test]
    fn the_latest_run_is_meant_and_one_beside_it_is_said() {
        let mut unknown = Vec::new();
        let runs = vec![
            run("c", "x", [200.0, 300.0]),
            run("b", "y", [190.0, 260.0]),
            run("a", "x", [0.0, 100.0]),
        ];
        assert_eq!(choose(runs, &mut unknown).unwrap().id.as_deref(), Some("c"));
        assert!(
            unknown[0].why.contains("b in namespace y") && !unknown[0].why.contains("a in"),
            "{unknown:?}"
        );
        assert_eq!(choose(Vec::new(), &mut unknown), None);
    }

    #[test]
    fn matchers_name_the_run_alone() {
        let run = Run { cluster: Some("c".into()), ..run("a\"b", "x", [0.0, 1.0]) };
        assert_eq!(run.matchers(), r#"namespace="x", cluster="c", application_id="a\"b""#);
    }
}
