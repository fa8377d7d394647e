//! Why the webhook's replicas are not ready: what the kubelet, the scheduler and the controller say.

use serde_json::Value;

/// A reason, and what helps beside a look at the pods.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) sentence: String,
    pub(super) remedy: Option<&'static str>,
}

const IMAGE: &str =
    "the nodes have to be able to pull that image, or to have it: manifests/README.md";

/// What is said of the first replica that is not ready; the newest is last.
pub(super) fn why_not_ready(pods: &[Value]) -> Option<Why> {
    pods.iter().find_map(of_pod)
}

fn of_pod(pod: &Value) -> Option<Why> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let told = |words: String, remedy| Some(Why { sentence: format!("{name} {words}"), remedy });
    let condition = |kind: &str| {
        let mut conditions = pod["status"]["conditions"].as_array()?.iter();
        conditions.find(|one| one["type"] == kind && one["status"] == "False")
    };
    if let Some(unscheduled) = condition("PodScheduled") {
        return told(format!("is on no node{}", said(&unscheduled["message"])), None);
    }
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    for status in statuses {
        let waiting = &status["state"]["waiting"];
        if let Some(reason) = waiting["reason"].as_str().filter(|it| *it != "ContainerCreating") {
            let image = status["image"].as_str().unwrap_or_default();
            let of_image = ["Image", "Pull"].iter().any(|word| reason.contains(word));
            if of_image {
                let message = said(&waiting["message"]);
                return told(
                    format!("waits for its image {image} ({reason}){message}"),
                    Some(IMAGE),
                );
            }
            let last = &status["lastState"]["terminated"];
            let last = last["exitCode"].as_i64().map(|code| format!(", last exit code {code}"));
            let message = said(&waiting["message"]);
            return told(format!("waits ({reason}{}){message}", last.unwrap_or_default()), None);
        }
        if status["ready"] == false && !status["state"]["running"].is_null() {
            return told("runs and says that it is not ready; its log says why".to_owned(), None);
        }
    }
    None
}

/// Why there are no replicas, by the Deployment's own conditions.
pub(super) fn why_not_created(deployment: &Value) -> Option<Why> {
    let mut conditions = deployment["status"]["conditions"].as_array()?.iter();
    let failure =
        conditions.find(|one| one["type"] == "ReplicaFailure" && one["status"] == "True")?;
    let reason = failure["reason"].as_str().unwrap_or_default();
    Some(Why { sentence: format!("{reason}{}", said(&failure["message"])), remedy: None })
}

/// The first line of a message, behind a colon.
fn said(message: &Value) -> String {
    let line = message.as_str().and_then(|text| text.lines().next()).unwrap_or_default();
    if line.is_empty() { String::new() } else { format!(": {line}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(state: &Value) -> Value {
        json!({"metadata": {"name": "p"}, "status": {"containerStatuses": [state]}})
    }

    #[test]
    fn each_reason_is_told_with_what_the_cluster_says() {
        let waiting = |reason: &str| json!({"waiting": {"reason": reason, "message": "m\nn"}});
        for (pod, words) in [
            (
                pod(&json!({"image": "i", "state": waiting("ErrImagePull")})),
                "p waits for its image i (ErrImagePull): m",
            ),
            (
                pod(
                    &json!({"state": waiting("CrashLoopBackOff"), "lastState": {"terminated": {"exitCode": 2}}}),
                ),
                "p waits (CrashLoopBackOff, last exit code 2): m",
            ),
            (
                pod(&json!({"state": waiting("CreateContainerConfigError")})),
                "p waits (CreateContainerConfigError): m",
            ),
            (
                pod(&json!({"ready": false, "state": {"running": {}}})),
                "p runs and says that it is not ready; its log says why",
            ),
            (
                json!({"metadata": {"name": "p"}, "status": {"conditions": [
                {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]}}),
                "p is on no node: 0/1 nodes are available",
            ),
        ] {
            let ready = json!({"metadata": {"name": "r"}, "status": {"containerStatuses": [{"ready": true, "state": {"running": {}}}]}});
            assert_eq!(why_not_ready(&[ready, pod]).unwrap().sentence, words);
        }
        assert_eq!(why_not_ready(&[pod(&json!({"state": waiting("ContainerCreating")}))]), None);
        let refused = json!({"status": {"conditions": [
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]}});
        assert_eq!(why_not_created(&refused).unwrap().sentence, "FailedCreate: exceeded quota");
    }
}
