//! What a job's pods look like from outside, look by look.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};
use kube::Api;
use kube::api::LogParams;

use super::outcome::{Times, Verdict};

/// The containers of Spark's that the pods of a job have.
const SPARK: [&str; 2] = ["spark-kubernetes-driver", "spark-kubernetes-executor"];

/// Emberscope's container.
pub(super) const SIDECAR: &str = "emberscope-sidecar";

/// What can happen to a job's pods. Of what is seen at the same look, causes stand before effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Event {
    DriverCreated,
    DriverRuns,
    ExecutorCreated,
    ExecutorRuns,
    ExecutorFailed,
    /// Somebody asked for its end.
    DriverDeleted,
    ExecutorDeleted,
    /// The driver's Spark container has ended.
    DriverEnded,
    /// The driver's phase says so too, or the pod is gone.
    DriverOver,
}

/// All that was seen of one job.
#[derive(Debug, Default)]
pub struct Sight {
    driver: Option<Pod>,
    executors: BTreeMap<String, Pod>,
    /// When each first happened.
    events: BTreeMap<Event, Instant>,
    /// How long after Spark's container had ended the driver's phase said so.
    end: Option<Duration>,
}

impl Sight {
    /// Takes in the pods of the namespace as they are now.
    pub fn look(&mut self, pods: &[Pod], now: Instant) {
        let mut driver_seen = false;
        for pod in pods {
            match role(pod) {
                Some("driver") => {
                    driver_seen = true;
                    self.look_at_driver(pod, now);
                }
                Some("executor") => self.look_at_executor(pod, now),
                _ => {}
            }
        }
        for (name, executor) in &self.executors {
            if executor_runs(executor)
                && !pods.iter().any(|pod| pod.metadata.name.as_ref() == Some(name))
            {
                self.events.entry(Event::ExecutorDeleted).or_insert(now);
            }
        }
        if self.driver.is_some() && !driver_seen {
            self.happened(Event::DriverOver, now);
        }
    }

    fn look_at_driver(&mut self, pod: &Pod, now: Instant) {
        self.happened(Event::DriverCreated, now);
        if pod.metadata.deletion_timestamp.is_some() {
            self.happened(Event::DriverDeleted, now);
        }
        let state = spark_state(pod);
        if state.is_some_and(|state| state.running.is_some() || state.terminated.is_some()) {
            self.happened(Event::DriverRuns, now);
        }
        if state.is_some_and(|state| state.terminated.is_some()) {
            self.happened(Event::DriverEnded, now);
        }
        if matches!(phase(pod), "Succeeded" | "Failed")
            && !self.events.contains_key(&Event::DriverOver)
        {
            self.happened(Event::DriverOver, now);
            let finished = state.and_then(|state| state.terminated.as_ref()?.finished_at.as_ref());
            self.end =
                finished.and_then(|time| SystemTime::now().duration_since(time.0.into()).ok());
        }
        self.driver = Some(pod.clone());
    }

    fn look_at_executor(&mut self, pod: &Pod, now: Instant) {
        self.happened(Event::ExecutorCreated, now);
        if executor_runs(pod) {
            self.happened(Event::ExecutorRuns, now);
        }
        if pod.metadata.deletion_timestamp.is_some() {
            self.happened(Event::ExecutorDeleted, now);
        } else if failure(pod).is_some() {
            self.happened(Event::ExecutorFailed, now);
        }
        let name = pod.metadata.name.clone().unwrap_or_default();
        // How it failed is what counts, not how it looks once it is being deleted.
        if self.executors.get(&name).is_none_or(|known| failure(known).is_none()) {
            self.executors.insert(name, pod.clone());
        }
    }

    fn happened(&mut self, event: Event, now: Instant) {
        self.events.entry(event).or_insert(now);
    }

    /// Whether the driver has come to its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.events.contains_key(&Event::DriverOver)
    }

    /// The driver, as it was seen last.
    #[must_use]
    pub fn driver(&self) -> Option<&Pod> {
        self.driver.as_ref()
    }

    /// The names of all pods of the job.
    #[must_use]
    pub fn pods(&self) -> Vec<&str> {
        let pods = self.driver.iter().chain(self.executors.values());
        pods.filter_map(|pod| pod.metadata.name.as_deref()).collect()
    }

    /// Whether the driver has Emberscope's sidecar.
    #[must_use]
    pub fn has_sidecar(&self) -> bool {
        let spec = self.driver.as_ref().and_then(|pod| pod.spec.as_ref());
        let containers = spec
            .into_iter()
            .flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
        containers.into_iter().any(|container| container.name == SIDECAR)
    }

    /// An executor whose Spark runs.
    #[must_use]
    pub fn running_executor(&self) -> Option<&Pod> {
        self.executors
            .values()
            .find(|pod| spark_state(pod).is_some_and(|state| state.running.is_some()))
    }

    /// What the driver has printed; nothing if it cannot be read.
    pub async fn driver_log(&self, pods: &Api<Pod>) -> String {
        let Some(name) = self.driver.as_ref().and_then(|pod| pod.metadata.name.as_deref()) else {
            return String::new();
        };
        let how = LogParams { container: Some(SPARK[0].to_owned()), ..LogParams::default() };
        pods.logs(name, &how).await.unwrap_or_default()
    }

    /// How the driver ended, or what it is at.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let Some(pod) = &self.driver else {
            return Verdict { phase: "none".to_owned(), ..Verdict::default() };
        };
        let state = spark_state(pod);
        let ended = state.and_then(|state| state.terminated.as_ref());
        let waiting =
            waiting_init(pod).or(state.and_then(|state| state.waiting.as_ref()?.reason.clone()));
        Verdict {
            phase: phase(pod).to_owned(),
            exit: ended.map(|ended| ended.exit_code),
            reason: ended.and_then(|ended| ended.reason.clone()).or(waiting),
        }
    }

    /// What happened up to the end of the driver's Spark: after it, executors and driver end side by
    /// side.
    #[must_use]
    pub fn order(&self) -> Vec<Event> {
        let end = self.events.get(&Event::DriverEnded);
        let mut order: Vec<(Instant, Event)> = self
            .events
            .iter()
            .filter(|(_, at)| end.is_none_or(|end| *at <= end))
            .map(|(event, at)| (*at, *event))
            .filter(|(_, event)| *event != Event::DriverOver)
            .collect();
        order.sort();
        order.into_iter().map(|(_, event)| event).collect()
    }

    /// How executors ended that nobody had asked to.
    #[must_use]
    pub fn failed_executors(&self) -> Vec<String> {
        self.executors.values().filter_map(failure).collect()
    }

    /// How long things took.
    #[must_use]
    pub fn times(&self) -> Times {
        let created = self.events.get(&Event::DriverCreated);
        let since = |event| Some(self.events.get(&event)?.duration_since(*created?));
        Times { start: since(Event::DriverRuns), whole: since(Event::DriverOver), end: self.end }
    }
}

fn role(pod: &Pod) -> Option<&str> {
    pod.metadata.labels.as_ref()?.get("spark-role").map(String::as_str)
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// The state of the pod's Spark container.
pub(super) fn spark_status(pod: &Pod) -> Option<&ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| SPARK.contains(&status.name.as_str()))
}

fn spark_state(pod: &Pod) -> Option<&ContainerState> {
    spark_status(pod)?.state.as_ref()
}

/// What an init container waits for, if one does and has said so.
fn waiting_init(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.init_container_statuses.as_ref()?;
    let reason = statuses
        .iter()
        .find_map(|status| status.state.as_ref()?.waiting.as_ref()?.reason.clone())?;
    // The kubelet says one and the other in turn.
    Some(if reason == "ErrImagePull" { "ImagePullBackOff".to_owned() } else { reason })
}

fn executor_runs(pod: &Pod) -> bool {
    spark_state(pod).is_some_and(|state| state.running.is_some() || state.terminated.is_some())
}

/// Exit code and reason of an executor that failed by itself.
fn failure(pod: &Pod) -> Option<String> {
    let ended = spark_state(pod)?.terminated.as_ref()?;
    let by_itself = pod.metadata.deletion_timestamp.is_none() && ended.exit_code != 0;
    by_itself
        .then(|| format!("{} {}", ended.exit_code, ended.reason.as_deref().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(role: &str, phase: &str, state: &Value) -> Pod {
        let container = format!("spark-kubernetes-{role}");
        serde_json::from_value(json!({
            "metadata": {"name": role, "labels": {"spark-role": role}},
            "spec": {"containers": [{"name": container}]},
            "status": {
                "phase": phase,
                "containerStatuses": [{
                    "name": container, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state,
                }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn a_jobs_end_is_told_from_its_pods() {
        let running = json!({"running": {}});
        let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:00Z"}});
        let mut sight = Sight::default();
        let now = Instant::now();
        sight
            .look(&[pod("driver", "Running", &running), pod("executor", "Running", &running)], now);
        sight.look(
            &[pod("driver", "Running", &running), pod("executor", "Failed", &killed)],
            now + Duration::from_secs(1),
        );
        assert!(!sight.is_over());
        // With a sidecar the phase follows later.
        sight.look(&[pod("driver", "Running", &killed)], now + Duration::from_secs(2));
        assert!(!sight.is_over());
        sight.look(&[pod("driver", "Failed", &killed)], now + Duration::from_secs(5));
        assert!(sight.is_over());
        assert_eq!(sight.verdict().to_string(), "Failed 137 OOMKilled");
        assert_eq!(sight.failed_executors(), ["137 OOMKilled"]);
        assert_eq!(sight.times().whole, Some(Duration::from_secs(5)));
        let order = sight.order();
        assert_eq!(order.last(), Some(&Event::DriverEnded), "{order:?}");
        assert!(order.contains(&Event::ExecutorFailed), "{order:?}");
        assert!(!sight.has_sidecar());
    }
}
