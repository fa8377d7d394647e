use serde_json::json;

use super::*;

#[test]
fn a_driver_that_was_killed_is_read_with_its_limits_and_its_end() {
    let pod = json!({
        "metadata": {"name": "d", "namespace": "n", "creationTimestamp": "2026-11-28T02:00:00Z",
            "labels": {"spark-role": "driver", "spark-app-selector": "spark-1", "spark-app-name": "a"},
            "annotations": {"emberscope.dev/injected": "0.1.0-x"}},
        "spec": {"nodeName": "node-1", "containers": [
            {"name": "istio-proxy"},
            {"name": "spark-kubernetes-driver", "resources": {"limits": {"memory": "1433Mi"}, "requests": {"cpu": "300m"}}}]},
        "status": {"phase": "Failed", "containerStatuses": [{"name": "spark-kubernetes-driver", "restartCount": 0,
            "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-11-28T02:00:05Z", "finishedAt": "2026-11-28T02:10:00Z"}}}]},
    });
    let read = pod::read(&pod);
    let spark = read.spark.unwrap();
    assert_eq!((spark.exit_code, spark.reason.as_deref()), (Some(137), Some("OOMKilled")));
    assert_eq!(
        (read.memory_limit_bytes, read.cpu_request_cores),
        (Some(1433.0 * 1_048_576.0), Some(0.3))
    );
    assert!(read.injected && read.role == Role::Driver && read.phase == Phase::Failed);
    let mut application = Application::default();
    pod::identify(&pod, &mut application);
    assert_eq!(
        (application.id.as_deref(), application.driver_pod.as_deref()),
        (Some("spark-1"), Some("d"))
    );
}

#[test]
fn a_pod_of_which_nothing_is_known_does_no_harm() {
    let read = pod::read(&json!({"status": {"phase": "Strange", "conditions": "x"}}));
    assert_eq!((read.phase, read.spark), (Phase::Unknown, None));
}

#[test]
fn what_is_no_label_is_not_asked_for() {
    assert!(
        is_label("spark-9a01")
            && !is_label("a=b")
            && !is_label("a,b in (c)")
            && !is_label("")
            && !is_label("ü")
    );
}
