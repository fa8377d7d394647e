//! What a pod's status says of its sidecar.

use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

use crate::contract::SIDECAR;

/// The few fields of a pod's status that are read: what watches hold of a pod for a moment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    init_container_statuses: Vec<ContainerStatus>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    state: State,
    last_state: State,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct State {
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
    message: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Running {}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Terminated {
    message: String,
    started_at: Option<String>,
    finished_at: Option<String>,
}

/// What a sidecar does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarState {
    /// Its turn has not come, its image is being pulled, or Spark has ended before it.
    NotItsTurn,
    /// It runs.
    Runs,
    /// It does not start.
    Fails(Failure),
}

/// Why a sidecar does not start: the kubelet's word for it
/// (<https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/images/types.go>,
/// `pkg/kubelet/container/sync_result.go`), or what its end tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Failure {
    ErrImagePull,
    ImagePullBackOff,
    InvalidImageName,
    ErrImageNeverPull,
    CreateContainerConfigError,
    CreateContainerError,
    RunContainerError,
    CrashLoopBackOff,
    /// It was started and ended.
    Ended,
    /// Its program is for another kind of processor.
    ExecFormatError,
}

impl Failure {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ErrImagePull,
        Self::ImagePullBackOff,
        Self::InvalidImageName,
        Self::ErrImageNeverPull,
        Self::CreateContainerConfigError,
        Self::CreateContainerError,
        Self::RunContainerError,
        Self::CrashLoopBackOff,
        Self::Ended,
        Self::ExecFormatError,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ErrImagePull => "ErrImagePull",
            Self::ImagePullBackOff => "ImagePullBackOff",
            Self::InvalidImageName => "InvalidImageName",
            Self::ErrImageNeverPull => "ErrImageNeverPull",
            Self::CreateContainerConfigError => "CreateContainerConfigError",
            Self::CreateContainerError => "CreateContainerError",
            Self::RunContainerError => "RunContainerError",
            Self::CrashLoopBackOff => "CrashLoopBackOff",
            Self::Ended => "Ended",
            Self::ExecFormatError => "ExecFormatError",
        }
    }

    /// Whether waiting may mend it; what is not worth waiting for counts at once.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        !matches!(self, Self::InvalidImageName | Self::ErrImageNeverPull | Self::ExecFormatError)
    }
}

/// What the runtime says of a program for another kind of processor.
const EXEC_FORMAT: &str = "exec format error";

/// A sidecar that ran for so long did start. What ended it is that one pod's, such as the memory that
/// an application of its size takes.
const STARTED: i64 = 60;

impl SidecarState {
    /// That of a pod's sidecar, by the kubelet.
    #[must_use]
    pub fn of(status: &PodStatus) -> Self {
        // A sidecar ends after Spark.
        if status.container_statuses.iter().any(|one| one.state.terminated.is_some()) {
            return Self::NotItsTurn;
        }
        let ours = status.init_container_statuses.iter().find(|one| one.name == SIDECAR);
        let Some(ContainerStatus { state, last_state, .. }) = ours else {
            return Self::NotItsTurn;
        };
        if state.running.is_some() {
            return Self::Runs;
        }
        let last = state.terminated.as_ref().or(last_state.terminated.as_ref());
        if last.is_some_and(Terminated::had_started) {
            return Self::NotItsTurn;
        }
        let is_foreign = |message: &str| message.contains(EXEC_FORMAT);
        let waiting = state.waiting.as_ref();
        if waiting.is_some_and(|waiting| is_foreign(&waiting.message))
            || last.is_some_and(|last| is_foreign(&last.message))
        {
            return Self::Fails(Failure::ExecFormatError);
        }
        if state.terminated.is_some() {
            return Self::Fails(Failure::Ended);
        }
        let said = |failure: &Failure| waiting.is_some_and(|it| it.reason == failure.as_str());
        Failure::ALL.into_iter().find(said).map_or(Self::NotItsTurn, Self::Fails)
    }
}

impl Terminated {
    /// By one clock, the node's.
    fn had_started(&self) -> bool {
        let at = |time: &Option<String>| time.as_ref()?.parse::<Timestamp>().ok();
        let (Some(started), Some(finished)) = (at(&self.started_at), at(&self.finished_at)) else {
            return false;
        };
        // What could not be started has the Unix epoch for its start.
        started.as_second() > 0 && finished.as_second() - started.as_second() >= STARTED
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(sidecar: &Value, spark: &Value) -> SidecarState {
        let status = json!({
            "phase": "Pending",
            "initContainerStatuses": [
                {"name": "first", "state": {"terminated": {"exitCode": 0}}},
                {"name": SIDECAR, "image": "i", "started": false, "state": sidecar["state"], "lastState": sidecar["last"]},
            ],
            "containerStatuses": [{"name": "spark-kubernetes-driver", "state": spark}],
        });
        let mut status = status;
        if status["initContainerStatuses"][1]["lastState"].is_null() {
            status["initContainerStatuses"][1]["lastState"] = json!({});
        }
        SidecarState::of(&serde_json::from_value(status).unwrap())
    }

    fn waiting(reason: &str, message: &str) -> Value {
        json!({"state": {"waiting": {"reason": reason, "message": message}}})
    }

    #[test]
    fn what_the_kubelet_says_of_a_sidecar_that_does_not_start_is_understood() {
        let spark = waiting("PodInitializing", "")["state"].clone();
        for failure in Failure::ALL {
            if !matches!(failure, Failure::Ended | Failure::ExecFormatError) {
                let seen = of(&waiting(failure.as_str(), "m"), &spark);
                assert_eq!(seen, SidecarState::Fails(failure));
            }
        }
        for reason in ["PodInitializing", "ContainerCreating", "SomethingNew"] {
            assert_eq!(of(&waiting(reason, "m"), &spark), SidecarState::NotItsTurn, "{reason}");
        }
        let ended = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed",
            "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}}});
        assert_eq!(of(&ended, &spark), SidecarState::Fails(Failure::Ended));
        let runs = json!({"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}});
        assert_eq!(of(&runs, &spark), SidecarState::Runs);
        assert_eq!(SidecarState::of(&PodStatus::default()), SidecarState::NotItsTurn);
    }

    #[test]
    fn a_program_of_another_architecture_is_known_by_what_the_runtime_says() {
        let message = "exec /emberscope-sidecar: exec format error";
        let mut crashed = waiting("CrashLoopBackOff", "back-off 10s");
        crashed["last"] = json!({"terminated": {"exitCode": 128, "reason": "StartError",
            "message": message, "startedAt": "1970-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:01Z"}});
        let running = json!({"running": {}});
        for seen in [crashed, waiting("RunContainerError", message)] {
            assert_eq!(of(&seen, &running), SidecarState::Fails(Failure::ExecFormatError));
        }
    }

    #[test]
    fn a_sidecar_that_ends_after_spark_or_ran_for_a_minute_does_start() {
        let at_the_end = json!({"state": {"terminated": {"exitCode": 0}}});
        let spark = json!({"terminated": {"exitCode": 0}});
        assert_eq!(of(&at_the_end, &spark), SidecarState::NotItsTurn);
        for (seconds, state) in
            [(59, SidecarState::Fails(Failure::CrashLoopBackOff)), (60, SidecarState::NotItsTurn)]
        {
            let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let end = Timestamp::from_second(start.as_second() + seconds).unwrap();
            let mut crashed = waiting("CrashLoopBackOff", "");
            crashed["last"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled",
                "startedAt": start.to_string(), "finishedAt": end.to_string()}});
            assert_eq!(of(&crashed, &json!({"running": {}})), state, "{seconds}");
        }
    }
}
