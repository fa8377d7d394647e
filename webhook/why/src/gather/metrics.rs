//! Asks Prometheus about one run.

use std::collections::BTreeSet;

use emberscope_ask::Refusal;
use kube::Client;

use super::figures::{self, Lines, Parts};
use super::find::{self, Run};
use super::queries::{self, Kind, Query};
use super::series::{self, Series, literal, quoted};
use super::unknown;
use crate::facts::{Container, Facts, Role, Run as Earlier, Time, Unknown};

/// Times of an application at which is looked.
const LOOKS: f64 = 200.0;

/// For so long after a driver's last figures its sidecar may still say how it ended, in seconds.
const LINGER: f64 = 60.0;

/// Pods whose memory is looked at over time.
const FEW: usize = 8;

/// Pods up to which each is named in a matcher; of more their common beginnings are.
const NAMED: usize = 40;

/// Earlier runs that are compared with.
const EARLIER: usize = 10;

/// How a run's queries are filled in.
struct Asking<'a> {
    client: &'a Client,
    app: String,
    pods: String,
    few: String,
    window: [f64; 2],
    step: f64,
    refused: Option<Refusal>,
}

impl Asking<'_> {
    async fn ask(&mut self, query: &Query) -> Vec<Series> {
        let [start, end] = self.window;
        let range = format!("{:.0}s", end - start + self.step);
        let expression = (query.expression)()
            .replace("$app", &self.app)
            .replace("$pods", &self.pods)
            .replace("$few", &self.few)
            .replace("$range", &range);
        let answer = match query.kind {
            Kind::Instant => series::at(self.client, &expression, end).await,
            Kind::Range => series::over(self.client, &expression, self.window, self.step).await,
        };
        answer.unwrap_or_else(|refusal| {
            self.refused.get_or_insert(refusal);
            Vec::new()
        })
    }
}

/// Adds what Prometheus knows of the run.
pub(super) async fn fill(client: &Client, run: &Run, now: f64, facts: &mut Facts) {
    let window = [run.seen[0] - run.step, (run.seen[1] + run.step + LINGER).min(now)];
    let step = ((window[1] - window[0]) / LOOKS).ceil().max(5.0);
    let mut asking = Asking {
        client,
        app: run.matchers(),
        pods: String::new(),
        few: String::new(),
        window,
        step,
        refused: None,
    };
    let status = asking.ask(&queries::APPLICATION).await;
    figures::info(&status, &mut facts.application);
    facts.settings = figures::settings(&status);
    facts.driver = figures::driver(&asking.ask(&queries::DRIVER_FIGURES).await);
    facts.executors = figures::executors(&asking.ask(&queries::EXECUTOR_FIGURES).await);
    facts.losses = figures::losses(&asking.ask(&queries::EXECUTOR_LOSSES).await);
    facts.stages = figures::stages(&asking.ask(&queries::STAGE_FIGURES).await);
    facts.streams = figures::streams(&asking.ask(&queries::STREAM_FIGURES).await);
    let lines = Lines {
        executors: asking.ask(&queries::EXECUTORS).await,
        slots: asking.ask(&queries::SLOTS).await,
        active_tasks: asking.ask(&queries::ACTIVE_TASKS).await,
        active_jobs: asking.ask(&queries::ACTIVE_JOBS).await,
        target: asking.ask(&queries::TARGETS).await,
    };
    facts.timeline = figures::timeline(&lines);
    for executor in &mut facts.executors {
        executor.slots = slots_of(&lines, facts.timeline.len(), facts.settings.executor_cores);
    }
    of_pods(&mut asking, run, facts).await;
    ends(facts, now);
    if facts.stages.is_empty() && facts.driver.is_some() {
        facts.unknown.push(Unknown {
            what: "stages".into(),
            why: "Prometheus has no spark_stage_* of it: Spark's status API was not read, or no stage ran".into(),
        });
    }
    if let Some(refusal) = asking.refused {
        facts.unknown.push(unknown("some of the figures", &refusal));
    }
}

/// What one executor can run at once, if all can run the same.
fn slots_of(lines: &Lines, moments: usize, cores: Option<f64>) -> Option<f64> {
    let most = |series: &[Series]| {
        series.first()?.samples.iter().map(|(_, value)| *value).reduce(f64::max)
    };
    let (slots, executors) = (most(&lines.slots)?, most(&lines.executors)?);
    (moments > 0 && executors > 0.0).then_some(slots / executors).or(cores)
}

/// Containers, by the pods that are known of.
async fn of_pods(asking: &mut Asking<'_>, run: &Run, facts: &mut Facts) {
    let mut pods: BTreeSet<&str> =
        facts.executors.iter().filter_map(|one| one.pod.as_deref()).collect();
    pods.extend(facts.pods.iter().map(|pod| pod.name.as_str()));
    pods.extend(run.pod.as_deref());
    if pods.is_empty() {
        let why =
            "Prometheus' series have no label pod: its scrape configuration does not set it".into();
        facts.unknown.push(Unknown { what: "figures of containers".into(), why });
        return;
    }
    let inside = match &run.cluster {
        Some(cluster) => {
            format!("namespace={}, cluster={}", quoted(&run.namespace), quoted(cluster))
        }
        None => format!("namespace={}", quoted(&run.namespace)),
    };
    asking.pods = format!("{inside}, pod=~{}", quoted(&pattern(&pods)));
    let figures_ = asking.ask(&queries::CONTAINER_FIGURES).await;
    let parts = Parts {
        garbage: asking.ask(&queries::GARBAGE).await,
        working_sets: asking.ask(&queries::WORKING_SETS).await,
        anonymous: asking.ask(&queries::ANONYMOUS_MEMORY).await,
        heaps: asking.ask(&queries::HEAPS).await,
        lives: asking.ask(&queries::LIVES).await,
        figures: figures_,
    };
    let mut containers = figures::containers(&parts, run.pod.as_deref(), &facts.executors);
    let few: BTreeSet<&str> = few(&containers).into_iter().collect();
    if !few.is_empty() {
        asking.few = format!("{inside}, pod=~{}", quoted(&pattern(&few)));
        let over_time = asking.ask(&queries::BILLS).await;
        figures::bills(&over_time, &mut containers);
    }
    facts.sources_down = figures::sources_down(&parts.figures);
    let ended = parts.figures.iter().filter(|one| {
        one.name() == "emberscope_spark_ended" && one.label("pod") == run.pod.as_deref()
    });
    if let Some(driver) = &mut facts.driver {
        driver.spark_ended =
            ended.filter_map(Series::last).reduce(f64::max).map(|ended| ended > 0.0);
    }
    facts.containers = containers;
}

/// The driver, those that were killed, and those that came nearest to their limits.
fn few(containers: &[Container]) -> Vec<&str> {
    let rank = |one: &Container| {
        let killed = one.last_state.is_some_and(crate::facts::LastState::is_oom)
            || one.oom_kills.unwrap_or_default() > 0.0;
        let ratio =
            one.working_set_peak_bytes.unwrap_or_default() / one.limit_bytes.unwrap_or(f64::MAX);
        f64::from(u8::from(one.role == Role::Driver)) * 4.0
            + f64::from(u8::from(killed)) * 2.0
            + ratio
    };
    let mut ranked: Vec<&Container> = containers.iter().collect();
    ranked.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    ranked.into_iter().take(FEW).map(|one| one.pod.as_str()).collect()
}

/// A regular expression for these pods; of very many one for their beginnings and a number.
fn pattern(pods: &BTreeSet<&str>) -> String {
    if pods.len() <= NAMED {
        return pods.iter().map(|pod| literal(pod)).collect::<Vec<_>>().join("|");
    }
    let mut patterns = BTreeSet::new();
    for pod in pods {
        let numbered = pod
            .rsplit_once('-')
            .filter(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()));
        patterns.insert(
            numbered
                .map_or_else(|| literal(pod), |(start, _)| format!("{}-[0-9]+", literal(start))),
        );
    }
    patterns.into_iter().collect::<Vec<_>>().join("|")
}

/// When it was last seen, and when it ended, more exactly than to a step of the search.
fn ends(facts: &mut Facts, now: f64) {
    let application = &mut facts.application;
    if let Some(moment) = facts.timeline.first()
        && application.started_at.is_none_or(|start| start.0 < moment.at.0 - 1.0)
        && facts.settings == crate::facts::Settings::default()
        && facts.pods.is_empty()
    {
        application.started_at = Some(moment.at);
    }
    let container = facts.containers.iter().find(|one| one.role == Role::Driver);
    let seen = container
        .and_then(|one| one.last_seen_at)
        .or(facts.timeline.last().map(|moment| moment.at));
    if let Some(seen) = seen {
        application.last_seen_at = Some(Time(seen.0.min(now)));
    }
    let spark = facts.driver.as_ref().and_then(|driver| driver.spark_ended);
    if spark == Some(true) && application.ended_at.is_none() {
        application.ended_at = application.last_seen_at;
    }
}

/// Adds the last runs of the same name that had ended when this one began.
pub(super) async fn earlier(client: &Client, run: &Run, window: [f64; 2], facts: &mut Facts) {
    let Some(name) = &run.name else { return };
    let Ok(runs) = find::in_prometheus(client, name, Some(&run.namespace), window).await else {
        return;
    };
    let before = runs.into_iter().filter(|one| {
        one.id != run.id && one.seen[1] <= run.seen[0] + one.step && one.name == run.name
    });
    let before: Vec<Run> = before.take(EARLIER).collect();
    if before.is_empty() {
        return;
    }
    let ids: Vec<String> = before.iter().filter_map(|one| one.id.as_deref().map(literal)).collect();
    let expression = format!(
        "sum by (application_id) (max by (application_id, executor_id) (last_over_time(spark_executor_input_bytes_total{{namespace={}, application_id=~{}}}[{:.0}s])))",
        quoted(&run.namespace),
        quoted(&ids.join("|")),
        window[1] - window[0],
    );
    let inputs = series::at(client, &expression, window[1]).await.unwrap_or_default();
    let input = |id: &str| {
        inputs.iter().find(|one| one.label("application_id") == Some(id)).and_then(Series::last)
    };
    facts.earlier = before
        .into_iter()
        .filter_map(|one| {
            let id = one.id?;
            let duration_seconds = one.seen[1] - one.seen[0];
            Some(Earlier {
                input_bytes: input(&id),
                id,
                started_at: Time(one.seen[0]),
                duration_seconds,
            })
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_executors_are_matched_by_how_they_begin() {
        let names: Vec<String> = (1..=100)
            .map(|number| format!("a.b-exec-{number}"))
            .chain(["a-driver".to_owned()])
            .collect();
        let pods: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(pattern(&pods), r"a\-driver|a\.b\-exec-[0-9]+");
        assert_eq!(pattern(&BTreeSet::from(["p-1"])), r"p\-1");
    }
}
