//! Reads a pod: the few fields that matter here.

use emberscope_core::contract::{EXECUTOR_ROLES, INJECTED, SIDECAR, SPARK_APPLICATION, SPARK_ROLE};
use serde_json::Value;

use crate::facts::{Application, ContainerStatus, Phase, Pod, Role, State, Time};

/// What Spark calls its containers.
const SPARK_CONTAINERS: [&str; 3] =
    ["spark-kubernetes-driver", "spark-kubernetes-executor", "executor"];

/// What it is to Spark.
pub(super) fn role(pod: &Value) -> Role {
    let role = pod["metadata"]["labels"][SPARK_ROLE].as_str().unwrap_or_default();
    if EXECUTOR_ROLES.contains(&role) { Role::Executor } else { Role::Driver }
}

/// The name of Spark's container: by its name, else the first one that is not the sidecar.
pub(super) fn spark_container(pod: &Value) -> Option<&str> {
    let names = || {
        pod["spec"]["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["name"].as_str())
    };
    let known = names().find(|name| SPARK_CONTAINERS.contains(name));
    known.or_else(|| names().find(|name| *name != SIDECAR))
}

/// Adds which application a driver is.
pub(super) fn identify(driver: &Value, application: &mut Application) {
    identify_by_executor(driver, application);
    application.driver_pod = text(&driver["metadata"]["name"]).or(application.driver_pod.take());
}

/// Adds which application a pod is of.
pub(super) fn identify_by_executor(pod: &Value, application: &mut Application) {
    let metadata = &pod["metadata"];
    let label = |key: &str| text(&metadata["labels"][key]);
    application.namespace = text(&metadata["namespace"]).unwrap_or_default();
    application.id = application.id.take().or(label(SPARK_APPLICATION));
    application.name = application.name.take().or(label("spark-app-name"));
    application.emr_job_id =
        application.emr_job_id.take().or(label("emr-containers.amazonaws.com/job.id"));
    application.spark_version = application.spark_version.take().or(label("spark-version"));
    application.team = application.team.take().or(label("team"));
}

/// A pod.
pub(super) fn read(pod: &Value) -> Pod {
    let (metadata, status) = (&pod["metadata"], &pod["status"]);
    let condition = |kind: &str, value: &str| {
        let all = status["conditions"].as_array().into_iter().flatten();
        let mut of_kind = all.filter(|one| one["type"] == kind && one["status"] == value);
        of_kind.next().map(said)
    };
    let name = spark_container(pod);
    let container = pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["name"].as_str() == name);
    let quantity =
        |kind: &str, resource: &str| quantity(container?["resources"][kind][resource].as_str()?);
    let status_of = |name: &str| {
        let statuses =
            ["containerStatuses", "initContainerStatuses"].map(|key| status[key].as_array());
        statuses
            .into_iter()
            .flatten()
            .flatten()
            .find(|one| one["name"] == name)
            .map(container_status)
    };
    let spark = name.and_then(status_of);
    Pod {
        name: text(&metadata["name"]).unwrap_or_default(),
        role: role(pod),
        executor_id: text(&metadata["labels"]["spark-exec-id"]),
        node: text(&pod["spec"]["nodeName"]),
        phase: serde_json::from_value::<Phase>(status["phase"].clone()).unwrap_or_default(),
        reason: text(&status["reason"]),
        message: text(&status["message"]),
        unschedulable: condition("PodScheduled", "False"),
        disruption: condition("DisruptionTarget", "True"),
        created_at: time(&metadata["creationTimestamp"]),
        deletion_asked_at: time(&metadata["deletionTimestamp"]),
        injected: metadata["annotations"][INJECTED].is_string(),
        // An image is known before there is a status.
        spark: spark.or_else(|| {
            container.map(|one| ContainerStatus {
                image: text(&one["image"]),
                ..ContainerStatus::default()
            })
        }),
        sidecar: status_of(SIDECAR),
        memory_limit_bytes: quantity("limits", "memory"),
        cpu_request_cores: quantity("requests", "cpu"),
    }
}

fn container_status(status: &Value) -> ContainerStatus {
    let (state, at) = match &status["state"] {
        state if state["terminated"].is_object() => (State::Terminated, &state["terminated"]),
        state if state["running"].is_object() => (State::Running, &state["running"]),
        state => (State::Waiting, &state["waiting"]),
    };
    ContainerStatus {
        state,
        reason: text(&at["reason"]),
        message: text(&at["message"]),
        exit_code: at["exitCode"].as_i64(),
        image: text(&status["image"]),
        restarts: status["restartCount"].as_u64().unwrap_or_default(),
        started_at: time(&at["startedAt"]),
        finished_at: time(&at["finishedAt"]),
    }
}

fn said(condition: &Value) -> String {
    let message = text(&condition["message"]);
    message.or(text(&condition["reason"])).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn time(value: &Value) -> Option<Time> {
    value.as_str().and_then(Time::parse)
}

/// A quantity of Kubernetes' as a number: `1433Mi`, `300m`, `2`, `1e9`.
fn quantity(text: &str) -> Option<f64> {
    let units: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("u", 1e-6),
        ("n", 1e-9),
    ];
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}
