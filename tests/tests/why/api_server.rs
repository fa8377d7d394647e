//! `emberscope why` on pods of a real API server: what became of them is written into their status by hand, as a
//! kubelet would. There is no Prometheus and no log.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use emberscope_tests::cluster::Cluster;
use emberscope_tests::programs;
use serde_json::{Value, json};

/// A cluster with nothing in it but pods, and the program.
struct Setting {
    cluster: Cluster,
    program: PathBuf,
}

static SETTING: LazyLock<Setting> = LazyLock::new(|| Setting {
    program: programs::build().unwrap().join("emberscope"),
    cluster: Cluster::start().unwrap(),
});

impl Setting {
    /// Asks about an application there, as the administrator or as somebody with no rights.
    fn why(&self, user: Option<&str>, arguments: &[&str]) -> Output {
        let credentials = self.cluster.credentials();
        let name = user.unwrap_or("why");
        let file = credentials.kubeconfig(name, credentials.admin_token()).unwrap();
        if let Some(user) = user {
            let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            config["users"][0]["user"]["as"] = user.into();
            std::fs::write(&file, config.to_string()).unwrap();
        }
        let mut command = Command::new(&self.program);
        command.arg("why").args(arguments).arg("--kubeconfig").arg(file);
        command.env_remove("EMBERSCOPE_PROMETHEUS").output().unwrap()
    }

    /// The code of the first finding, and the whole answer.
    fn first(&self, called: &str, namespace: &str) -> (String, Value) {
        let output = self.why(None, &[called, "-n", namespace, "-o", "json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        let answer: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        let code = answer["findings"][0]["code"].as_str().unwrap_or("nothing").to_owned();
        (code, answer)
    }

    fn pod(&self, namespace: &str, name: &str, role: &str, application: &str, status: &Value) {
        let kubectl = self.cluster.kubectl();
        let labels = json!({"spark-role": role, "spark-app-selector": format!("spark-{application}"), "spark-app-name": application});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": {"emberscope.dev/injected": "0.1.0-0"}},
            "spec": {"containers": [{"name": format!("spark-kubernetes-{role}"), "image": "shop/orders:1.41", "resources": {"limits": {"memory": "2Gi"}, "requests": {"memory": "2Gi"}}}]},
        });
        kubectl.create(&pod).unwrap();
        let patch = json!({"status": status}).to_string();
        kubectl
            .run([
                "patch",
                "pod",
                name,
                "-n",
                namespace,
                "--subresource=status",
                "--type=merge",
                "-p",
                &patch,
            ])
            .unwrap();
    }
}

/// A status with Spark's container in this state.
fn status(phase: &str, role: &str, state: &Value) -> Value {
    let container = format!("spark-kubernetes-{role}");
    json!({"phase": phase, "containerStatuses": [{"name": container, "image": "shop/orders:1.41", "imageID": "", "ready": false, "restartCount": 0, "state": state}]})
}

fn ended(code: i64, reason: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": "2026-11-28T02:00:05Z", "finishedAt": "2026-11-28T02:14:10Z"}})
}

#[test]
fn a_driver_is_judged_by_what_its_kubelet_says() {
    let setting = &*SETTING;
    let namespace = setting.cluster.namespace(&[]).unwrap();
    let image = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"shop/orders:1.41\""}});
    let secret = json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"orders-db\" not found"}});
    let mut evicted = status("Failed", "driver", &ended(137, "Error"));
    evicted["reason"] = "Evicted".into();
    evicted["message"] = "The node was low on resource: memory.".into();
    let mut unschedulable = json!({"phase": "Pending"});
    unschedulable["conditions"] = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient memory."}]);
    let cases = [
        ("image", status("Pending", "driver", &image), "never_started", "image_not_pulled"),
        ("secret", status("Pending", "driver", &secret), "never_started", "container_not_created"),
        ("nodes", unschedulable, "never_started", "driver_unschedulable"),
        (
            "oom",
            status("Failed", "driver", &ended(137, "OOMKilled")),
            "failed",
            "driver_oom_killed",
        ),
        ("evicted", evicted, "killed", "driver_evicted"),
        ("cancelled", status("Failed", "driver", &ended(143, "Error")), "killed", "driver_killed"),
        ("error", status("Failed", "driver", &ended(1, "Error")), "failed", "application_error"),
        ("well", status("Succeeded", "driver", &ended(0, "Completed")), "succeeded", "nothing"),
    ];
    for (name, status, verdict, code) in cases {
        setting.pod(&namespace, &format!("{name}-driver"), "driver", name, &status);
        let (first, answer) = setting.first(name, &namespace);
        assert_eq!(
            (answer["outcome"]["verdict"].as_str(), first.as_str()),
            (Some(verdict), code),
            "{name}: {answer:#}"
        );
    }
    // The pod's name and the application's id say the same as its name.
    for called in ["oom-driver", "spark-oom"] {
        assert_eq!(setting.first(called, &namespace).0, "driver_oom_killed");
    }
}

#[test]
fn executors_that_fit_nowhere_are_why_a_driver_waits() {
    let setting = &*SETTING;
    let namespace = setting.cluster.namespace(&[]).unwrap();
    let running =
        status("Running", "driver", &json!({"running": {"startedAt": "2026-11-28T02:00:05Z"}}));
    setting.pod(&namespace, "a-driver", "driver", "a", &running);
    let waits = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu."}]});
    setting.pod(&namespace, "a-exec-1", "executor", "a", &waits);
    let (first, answer) = setting.first("a", &namespace);
    assert_eq!(first, "no_executors", "{answer:#}");
    assert!(
        answer["findings"][0]["changes"][0]["text"]
            .as_str()
            .unwrap()
            .contains("spark.executor.cores")
    );
}

#[test]
fn the_exit_status_says_whether_it_is_well() {
    let setting = &*SETTING;
    let namespace = setting.cluster.namespace(&[]).unwrap();
    setting.pod(
        &namespace,
        "good-driver",
        "driver",
        "good",
        &status("Succeeded", "driver", &ended(0, "Completed")),
    );
    setting.pod(
        &namespace,
        "bad-driver",
        "driver",
        "bad",
        &status("Failed", "driver", &ended(1, "Error")),
    );
    let code = |called: &str| setting.why(None, &[called, "-n", &namespace]).status.code();
    assert_eq!((code("good"), code("bad"), code("bda")), (Some(0), Some(3), Some(1)));
}

#[test]
fn a_name_that_is_nearly_right_is_offered() {
    let setting = &*SETTING;
    let namespace = setting.cluster.namespace(&[]).unwrap();
    setting.pod(
        &namespace,
        "x-driver",
        "driver",
        "nightly-orders",
        &status("Succeeded", "driver", &ended(0, "Completed")),
    );
    let output = setting.why(None, &["nightly-order", "-n", &namespace]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && said.contains("did you mean nightly-orders"),
        "{said}"
    );
    assert!(said.contains("the API server knows 1 driver"), "{said}");
}

#[test]
fn rights_that_are_missing_are_named() {
    let setting = &*SETTING;
    let namespace = setting.cluster.namespace(&[]).unwrap();
    let output = setting.why(Some("nobody-in-particular"), &["x", "-n", &namespace]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let right = format!("this needs the right to get pods x in namespace {namespace}");
    assert!(said.contains(&right), "{said}");
}
