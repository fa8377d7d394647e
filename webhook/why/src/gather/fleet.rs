//! Asks Prometheus about every application of a namespace at once: what tells how bad each is, and no more.
//!
//! Six queries, whatever the number of applications: their cost is a few series for each driver.

use std::collections::BTreeMap;

use emberscope_ask::Refusal;
use kube::Client;

use super::figures;
use super::find::{self, Run};
use super::series::{self, Series, quoted};
use crate::facts::{Asked, Container, Driver, Executor, Facts, LastState, Role, Source, Time};

/// What is asked of each driver.
const DRIVER: &str = "spark_driver_app_status_succeeded_jobs_total|spark_driver_app_status_failed_jobs_total|spark_driver_app_status_completed_tasks_total|spark_driver_app_status_failed_tasks_total|spark_driver_dag_scheduler_active_jobs|spark_application_start_time_seconds";

/// The facts of every run in that time, newest first.
pub(super) async fn facts(
    client: &Client,
    namespace: Option<&str>,
    window: [f64; 2],
) -> Result<Vec<Facts>, Refusal> {
    let [start, end] = window;
    let range = format!("{:.0}s", end - start);
    let runs = find::every(client, namespace, window).await?;
    let inside = namespace.map(|name| format!(", namespace={}", quoted(name))).unwrap_or_default();
    let ask = async |expression: String| series::at(client, &expression, end).await;
    let drivers =
        ask(format!("last_over_time({{__name__=~\"{DRIVER}\"{inside}}}[{range}])")).await?;
    let losses = ask(format!("last_over_time(spark_executor_losses_total{{reason!~\"idle|killed_by_driver\"{inside}}}[{range}])")).await?;
    let states = ask(format!(
        "last_over_time(spark_container_last_state{{evidence!=\"\"{inside}}}[{range}])"
    ))
    .await?;
    let ended = ask(format!(
        "last_over_time(emberscope_spark_ended{{spark_role=\"driver\"{inside}}}[{range}]) == 1"
    ))
    .await?;
    let pods = ask(format!("group by (namespace, pod, application_id, executor_id) (last_over_time(spark_executor_threadpool_max_threads{{executor_id!=\"\"{inside}}}[{range}]))")).await?;
    let by_driver = by(&drivers, |one| one.label("application_id"));
    let by_losses = by(&losses, |one| one.label("application_id"));
    let by_executors = by(&pods, |one| one.label("application_id"));
    let by_states = by(&states, |one| one.label("pod"));
    let by_ended = by(&ended, |one| one.label("pod"));
    Ok(runs
        .iter()
        .map(|run| {
            let id = run.id.as_deref().unwrap_or_default();
            let of = |map: &BTreeMap<&str, Vec<&Series>>, key: &str| -> Vec<Series> {
                let found = map.get(key).into_iter().flatten();
                found
                    .filter(|one| one.label("namespace").unwrap_or_default() == run.namespace)
                    .map(|one| (*one).clone())
                    .collect()
            };
            let pod = run.pod.as_deref().unwrap_or_default();
            let executors = figures::executors(&of(&by_executors, id));
            let spark_ended = Some(!of(&by_ended, pod).is_empty());
            let driver =
                figures::driver(&of(&by_driver, id)).map(|driver| Driver { spark_ended, ..driver });
            let losses = figures::losses(&of(&by_losses, id));
            let mut containers = ended_containers(&of(&by_states, pod), run, Role::Driver);
            for Executor { pod, .. } in &executors {
                let states = of(&by_states, pod.as_deref().unwrap_or_default());
                containers.extend(ended_containers(&states, run, Role::Executor));
            }
            let asked =
                vec![Asked { source: Source::Prometheus, place: String::new(), answered: true }];
            let mut application = run.application();
            figures::info(&of(&by_driver, id), &mut application);
            if spark_ended == Some(true) {
                application.ended_at = application.last_seen_at;
            }
            Facts {
                asked_at: Time(end),
                asked,
                application,
                driver,
                executors,
                losses,
                containers,
                ..Facts::default()
            }
        })
        .collect())
}

fn by(series: &[Series], key: fn(&Series) -> Option<&str>) -> BTreeMap<&str, Vec<&Series>> {
    let mut map: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    for one in series {
        if let Some(key) = key(one) {
            map.entry(key).or_default().push(one);
        }
    }
    map
}

fn ended_containers(states: &[Series], run: &Run, role: Role) -> Vec<Container> {
    let one = |state: &Series| Container {
        pod: state.label("pod").unwrap_or_default().to_owned(),
        role,
        last_state: state.label("evidence").and_then(LastState::of_label),
        last_seen_at: Some(Time(run.seen[1])),
        ..Container::default()
    };
    states.first().map(one).into_iter().collect()
}
