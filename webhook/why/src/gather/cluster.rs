//! Asks the API server: pods, events about them, and the end of the driver's log.

mod pod;

use emberscope_ask::{self as ask, Refusal, Resource};
use emberscope_core::contract::{DRIVER_ROLES, SPARK_APPLICATION, SPARK_ROLE};
use kube::Client;
use serde_json::Value;

use super::unknown;
use crate::driver_log;
use crate::facts::{
    Application, Asked, Event, Facts, Phase, Pod, Role, Source, State, Time, Unknown,
};

/// Labels by which pods may be what was called.
const CALLED: [&str; 3] =
    [SPARK_APPLICATION, "spark-app-name", "emr-containers.amazonaws.com/job.id"];

/// Lines that the kubelet is asked for.
const LINES: u32 = 2000;

/// Bytes of the log that are kept, and that are read at most: lines may be of any length.
const LOG: [usize; 2] = [256 << 10, 32 << 20];

/// Pods that are asked about for events, beside the driver.
const PODS_WITH_EVENTS: usize = 5;

/// The pods of an application, as the API server has them: by its id, or by what it is called.
pub(super) async fn pods(
    client: &Client,
    called: &str,
    namespace: Option<&str>,
    known: &Application,
) -> Result<Vec<Value>, Refusal> {
    let pods = Resource { api: "v1", kind: "pods", namespace };
    if let Some(id) = known.id.as_deref().filter(|id| is_label(id)) {
        let (found, _) = ask::list(client, &pods, &format!("{SPARK_APPLICATION}={id}")).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let pod = known.driver_pod.as_deref().unwrap_or(called);
    if namespace.is_some() && is_label(pod) {
        match ask::get(client, &pods, pod).await {
            Ok(driver) => return siblings(client, driver).await,
            Err(Refusal::Missing) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    // What Prometheus has told apart is not looked for by a name that others have too.
    if known.id.is_some() || !is_label(called) {
        return Ok(Vec::new());
    }
    for label in CALLED {
        let (found, _) = ask::list(client, &pods, &format!("{label}={called}")).await?;
        if let Some(driver) = latest_driver(&found) {
            return siblings(client, driver.clone()).await;
        }
    }
    Ok(Vec::new())
}

/// A driver and its executors.
async fn siblings(client: &Client, driver: Value) -> Result<Vec<Value>, Refusal> {
    let metadata = &driver["metadata"];
    let id = metadata["labels"][SPARK_APPLICATION].as_str();
    let Some(id) = id else { return Ok(vec![driver]) };
    let pods = Resource { api: "v1", kind: "pods", namespace: metadata["namespace"].as_str() };
    let (mut found, _) = ask::list(client, &pods, &format!("{SPARK_APPLICATION}={id}")).await?;
    if found.is_empty() {
        found.push(driver);
    }
    Ok(found)
}

fn latest_driver(pods: &[Value]) -> Option<&Value> {
    let drivers = pods.iter().filter(|pod| {
        let role = pod["metadata"]["labels"][SPARK_ROLE].as_str();
        role.is_some_and(|role| DRIVER_ROLES.contains(&role))
    });
    // RFC 3339 in UTC sorts as text does.
    drivers.max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default())
}

/// Whether it may stand in a label selector as it is.
fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(plain)
}

/// Adds the pods and what is known of them.
pub(super) async fn fill(client: &Client, pods: Vec<Value>, facts: &mut Facts) {
    let driver = pods.iter().find(|pod| pod::role(pod) == Role::Driver);
    if let Some(driver) = driver {
        pod::identify(driver, &mut facts.application);
    } else if let Some(first) = pods.first() {
        pod::identify_by_executor(first, &mut facts.application);
        facts
            .unknown
            .push(Unknown { what: "the driver's pod".into(), why: "it has been deleted".into() });
    } else if facts.application.driver_pod.is_some() {
        let why = "its pods have been deleted, and the driver's log with them";
        facts.unknown.push(Unknown { what: "exit code and log".into(), why: why.into() });
    }
    let log_of = driver.map(|driver| {
        (pod::spark_container(driver).unwrap_or_default().to_owned(), pod::read(driver))
    });
    facts.pods = pods.iter().map(pod::read).collect();
    facts.pods.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
    let namespace = facts.application.namespace.clone();
    events(client, &namespace, facts).await;
    if let Some((container, driver)) = log_of {
        times(&driver, &mut facts.application);
        log(client, &namespace, &driver, &container, facts).await;
    }
}

/// The driver's container is the application's time.
fn times(driver: &Pod, application: &mut Application) {
    let Some(spark) = &driver.spark else { return };
    application.started_at = spark.started_at.or(application.started_at).or(driver.created_at);
    if spark.state == State::Terminated {
        application.ended_at = spark.finished_at.or(application.ended_at);
    }
}

async fn events(client: &Client, namespace: &str, facts: &mut Facts) {
    let waits = |pod: &&Pod| pod.role == Role::Driver || pod.phase != Phase::Running;
    let pods: Vec<String> = facts
        .pods
        .iter()
        .filter(waits)
        .take(1 + PODS_WITH_EVENTS)
        .map(|pod| pod.name.clone())
        .collect();
    for pod in pods {
        let field = format!("involvedObject.kind=Pod,involvedObject.name={pod}");
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("fieldSelector", &field)
            .append_pair("limit", "100")
            .finish();
        let path = format!("/api/v1/namespaces/{namespace}/events?{query}");
        match ask::value(client, &path, &format!("list events in namespace {namespace}")).await {
            Ok(list) => {
                facts.events.extend(list["items"].as_array().into_iter().flatten().map(event));
            }
            Err(refusal) => {
                facts.unknown.push(unknown("events", &refusal));
                break;
            }
        }
    }
    facts.events.sort_by(|a, b| a.at.partial_cmp(&b.at).unwrap_or(std::cmp::Ordering::Equal));
}

fn event(event: &Value) -> Event {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let times = ["lastTimestamp", "eventTime", "firstTimestamp"];
    let series = &event["series"];
    Event {
        pod: text(&event["involvedObject"]["name"]),
        reason: text(&event["reason"]),
        message: text(&event["message"]),
        count: event["count"].as_u64().or(series["count"].as_u64()).unwrap_or(1),
        at: series["lastObservedTime"]
            .as_str()
            .or(times.iter().find_map(|key| event[*key].as_str()))
            .and_then(Time::parse),
    }
}

async fn log(client: &Client, namespace: &str, driver: &Pod, container: &str, facts: &mut Facts) {
    if driver.spark.as_ref().is_none_or(|spark| spark.started_at.is_none()) {
        return;
    }
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods/{}/log?container={container}&tailLines={LINES}",
        driver.name
    );
    let right = format!("get pods/log in namespace {namespace}");
    let said = ask::tail(client, &path, &right, LOG).await;
    facts.asked.push(Asked {
        source: Source::DriverLog,
        place: String::new(),
        answered: said.is_ok(),
    });
    match said {
        Ok((text, all)) => {
            facts.log = Some(driver_log::read(&text));
            if !all {
                let why = "the last lines are larger than 32 MiB; what was read stands before it";
                facts
                    .unknown
                    .push(Unknown { what: "the end of the driver's log".into(), why: why.into() });
            }
        }
        Err(refusal) => facts.unknown.push(unknown("the driver's log", &refusal)),
    }
}

#[cfg(test)]
mod tests;
