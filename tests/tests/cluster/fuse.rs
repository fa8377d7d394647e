//! Sidecars that do not start, and what becomes of the pods behind them. There is no kubelet here: the
//! test writes what one would into the pods' status, word by word as seen on a real node.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use emberscope_tests::cluster::installation::Replica;
use serde_json::{Value, json};

use crate::fixture::{Alone, alone};
use crate::pods::{assert_injected, assert_left_alone, driver, sidecars};

const PATIENCE: Duration = Duration::from_mins(1);

fn executor(name: &str, namespace: &str) -> Value {
    crate::pods::named(&crate::pods::golden("spark-3.5.6-executor"), name, namespace)
}

/// As a kubelet says it of a pod whose sidecar is in this state.
fn report(fixture: &Alone, pod: &Value, phase: &str, sidecar: &Value) {
    let [namespace, name] = ["namespace", "name"].map(|key| pod["metadata"][key].as_str().unwrap());
    let inits = json!([{
        "name": "emberscope-sidecar", "image": sidecars(pod)[0]["image"], "imageID": "",
        "ready": false, "restartCount": 0, "state": sidecar,
    }]);
    let status = json!({"status": {"phase": phase, "initContainerStatuses": inits}}).to_string();
    let patch = ["patch", "pod", name, "-n", namespace, "--subresource=status", "-p", &status];
    fixture.cluster.kubectl().run(patch).unwrap();
}

fn waiting(reason: &str) -> Value {
    json!({"waiting": {"reason": reason, "message": format!("{reason} it is")}})
}

fn running() -> Value {
    json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}})
}

fn page(replica: &Replica) -> String {
    String::from_utf8(replica.get("/metrics").unwrap().body.to_vec()).unwrap()
}

fn blown(replica: &Replica, namespace: &str) -> bool {
    let page = page(replica);
    let series = "emberscope_fuse_blown{";
    page.lines().any(|line| {
        line.starts_with(series)
            && line.contains(&format!("namespace=\"{namespace}\""))
            && line.ends_with(" 1")
    })
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(200));
    }
}

fn create(fixture: &Alone, pod: &Value) -> Value {
    fixture.cluster.kubectl().create(pod).unwrap()
}

fn delete(fixture: &Alone, pod: &Value) {
    let [namespace, name] = ["namespace", "name"].map(|key| pod["metadata"][key].as_str().unwrap());
    let delete = ["delete", "pod", name, "-n", namespace, "--grace-period=0", "--force"];
    fixture.cluster.kubectl().run(delete).unwrap();
}

/// Every replica decides by `fuse.afterSeconds: 3`; where there is no node, pods stay where they are.
fn hastened(fixture: &Alone) {
    fs::write(fixture.installation.config_file(), "fuse: {afterSeconds: 3}\n").unwrap();
    sleep(Duration::from_secs(2));
}

#[test]
fn a_sidecar_that_does_not_start_is_the_last_one_in_its_namespace_with_two_replicas_and_a_restart()
{
    let mut fixture = alone();
    hastened(&fixture);
    let (namespace, elsewhere) = (fixture.opted_in(), fixture.opted_in());
    let stuck = create(&fixture, &driver("stuck", &namespace));
    assert_injected(&stuck);
    report(&fixture, &stuck, "Pending", &waiting("ErrImagePull"));
    report(&fixture, &stuck, "Pending", &waiting("ImagePullBackOff"));
    eventually("both replicas know", || {
        fixture.replicas.iter().all(|replica| blown(replica, &namespace))
    });

    // The client is told, and other namespaces have nothing to do with it.
    for (name, pod) in [("d", driver("d", &namespace)), ("e", executor("e", &namespace))] {
        let printed = fixture.cluster.kubectl().run_on(["create", "-f", "-"], &pod).unwrap();
        assert!(printed.stderr.contains("sidecar_does_not_start"), "{}", printed.stderr);
        assert!(printed.stderr.contains("ImagePullBackOff"), "{}", printed.stderr);
        let get = ["get", "pod", name, "-n", &namespace, "-o", "json"];
        assert_left_alone(&fixture.cluster.kubectl().run(get).unwrap().json().unwrap());
    }
    assert_injected(&create(&fixture, &driver("d", &elsewhere)));

    // An Event of the pod that waits.
    eventually("there is an Event", || {
        let events = ["get", "events.events.k8s.io", "-n", &namespace, "-o", "json"];
        let events = fixture.cluster.kubectl().run(events).unwrap().json().unwrap();
        events["items"].as_array().unwrap().iter().any(|event| {
            event["reason"] == "SidecarDoesNotStart" && event["regarding"]["name"] == "stuck"
        })
    });

    // One replica is replaced while the pod waits: it lets none through from its first answer on.
    let mut leaving = fixture.replicas.remove(0);
    let mut successor = fixture.installation.start_replica().unwrap();
    successor.wait_until_ready().unwrap();
    assert!(blown(&successor, &namespace), "{}", successor.log());
    fixture.installation.service.set_endpoints(&[successor.port]);
    assert_left_alone(&create(&fixture, &driver("after-restart", &namespace)));
    leaving.terminate().unwrap();
    fixture.replicas.push(successor);
    let ports: Vec<u16> = fixture.replicas.iter().map(|replica| replica.port).collect();
    fixture.installation.service.set_endpoints(&ports);

    // The image is there at last: the pod that waited runs, and the next ones are injected.
    report(&fixture, &stuck, "Running", &running());
    eventually("both replicas inject again", || {
        !fixture.replicas.iter().any(|replica| blown(replica, &namespace))
    });
    assert_injected(&create(&fixture, &driver("healed", &namespace)));
}

#[test]
fn once_the_pods_that_waited_are_deleted_one_executor_tries_and_no_driver() {
    let fixture = alone();
    hastened(&fixture);
    let namespace = fixture.opted_in();
    // A native sidecar that crashes lets its driver's pod become Running.
    let stuck = create(&fixture, &driver("stuck", &namespace));
    report(&fixture, &stuck, "Running", &waiting("CrashLoopBackOff"));
    let known = || fixture.replicas.iter().all(|replica| blown(replica, &namespace));
    eventually("both replicas know", known);
    delete(&fixture, &stuck);
    assert_left_alone(&create(&fixture, &driver("too-early", &namespace)));

    // The pause is 6 s here. Drivers are left alone before and after it.
    let mut tried = None;
    for number in 0..60 {
        assert_left_alone(&create(&fixture, &driver(&format!("d-{number}"), &namespace)));
        let pod = create(&fixture, &executor(&format!("e-{number}"), &namespace));
        if !sidecars(&pod).is_empty() {
            tried = Some(pod);
            break;
        }
        sleep(Duration::from_millis(300));
    }
    let tried = tried.expect("no executor tried");
    sleep(Duration::from_secs(1));
    for number in 0..6 {
        let pod = create(&fixture, &executor(&format!("behind-{number}"), &namespace));
        assert_left_alone(&pod);
    }
    report(&fixture, &tried, "Running", &running());
    eventually("both replicas inject again", || {
        !fixture.replicas.iter().any(|it| blown(it, &namespace))
    });
    assert_injected(&create(&fixture, &driver("healed", &namespace)));
}

#[test]
fn another_configuration_begins_anew_and_what_waiting_does_not_mend_counts_at_once() {
    let fixture = alone();
    hastened(&fixture);
    let namespace = fixture.opted_in();
    let stuck = create(&fixture, &driver("stuck", &namespace));
    let start = Instant::now();
    report(&fixture, &stuck, "Pending", &waiting("ErrImageNeverPull"));
    eventually("both replicas know", || {
        fixture.replicas.iter().all(|replica| blown(replica, &namespace))
    });
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_left_alone(&create(&fixture, &driver("d", &namespace)));
    let mended =
        "fuse: {afterSeconds: 3}\nsidecar: {imagePullPolicy: IfNotPresent, logLevel: debug}\n";
    fs::write(fixture.installation.config_file(), mended).unwrap();
    eventually("both replicas inject again", || {
        !fixture.replicas.iter().any(|replica| blown(replica, &namespace))
    });
    assert_injected(&create(&fixture, &driver("mended", &namespace)));
}

/// Nobody is let down for want of a right.
#[test]
fn without_the_right_to_watch_pods_the_webhook_serves_and_says_what_is_missing() {
    let mut fixture = alone();
    let kubectl = fixture.cluster.kubectl();
    let role = kubectl.run(["get", "clusterrole", "emberscope", "-o", "json"]).unwrap();
    let mut withheld = role.json().unwrap();
    let rules = withheld["rules"].as_array_mut().unwrap();
    rules.retain(|rule| rule["resources"] != json!(["pods"]));
    withheld["metadata"] = json!({"name": "emberscope", "labels": withheld["metadata"]["labels"]});
    kubectl.run_on(["replace", "-f", "-"], &withheld).unwrap();
    let mut replica = fixture.installation.start_replica().unwrap();
    let ready = replica.wait_until_ready();
    let mut given = role.json().unwrap();
    given["metadata"] = json!({"name": "emberscope", "labels": given["metadata"]["labels"]});
    kubectl.run_on(["replace", "-f", "-"], &given).unwrap();
    ready.unwrap();
    let metrics = page(&replica);
    assert!(metrics.contains("emberscope_fuse_watching 0"), "{metrics}");
    assert!(replica.log().contains("cannot watch Spark's pods"), "{}", replica.log());
    eventually("it watches once it may", || page(&replica).contains("emberscope_fuse_watching 1"));
    replica.terminate().unwrap();
}
