//! Pods of opted-in namespaces, created as users create them, come back patched.

use std::collections::BTreeMap;

use emberscope_core::AllSettings;
use emberscope_core::Config;
use emberscope_tests::quality_of_service;
use emberscope_tests::untouched::lost;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::comparison::{comparable, dry_run, offline, taken};
use crate::fixture::shared;
use crate::pods::{all_golden, assert_injected, driver, golden, named, sidecars, spark_env};

#[test]
fn a_driver_made_with_kube_comes_back_with_sidecar_and_settings() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let pod: Pod = serde_json::from_value(driver("by-kube", &namespace)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let created = runtime.block_on(async {
        let pods: Api<Pod> = Api::namespaced(fixture.cluster.client().await.unwrap(), &namespace);
        pods.create(&PostParams::default(), &pod).await.unwrap()
    });
    let created = serde_json::to_value(created).unwrap();
    assert_injected(&created);
    let options = spark_env(&created, "SPARK_SUBMIT_OPTS").unwrap();
    assert!(options.contains("-Dspark.ui.prometheus.enabled=true"), "{options}");
    assert_eq!(created["spec"]["shareProcessNamespace"], true);
    assert_eq!(created["metadata"]["annotations"]["prometheus.io/port"], "9814");
}

#[test]
fn an_executor_made_with_kubectl_comes_back_with_the_sidecar_alone() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let pod = named(&golden("spark-3.5.6-executor"), "by-kubectl", &namespace);
    let created = fixture.cluster.kubectl().create(&pod).unwrap();
    assert_injected(&created);
    assert_eq!(spark_env(&created, "SPARK_SUBMIT_OPTS"), None);
}

#[test]
fn a_dry_run_shows_the_sidecar_and_stores_nothing() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let pod = driver("dry", &namespace);
    let kubectl = fixture.cluster.kubectl();
    let shown = kubectl.run_on(["create", "--dry-run=server", "-f", "-", "-o", "json"], &pod);
    assert_injected(&shown.unwrap().json().unwrap());
    let stored = kubectl.run(["get", "pods", "-n", &namespace, "-o", "name"]).unwrap();
    assert_eq!(stored.stdout, "");
}

#[test]
fn a_pod_without_a_name_gets_both_a_name_and_the_sidecar() {
    let fixture = shared();
    let mut pod = driver("", &fixture.opted_in());
    let metadata = pod["metadata"].as_object_mut().unwrap();
    metadata.remove("name");
    metadata.insert("generateName".to_owned(), json!("spark-pi-"));
    let created = fixture.cluster.kubectl().create(&pod).unwrap();
    assert!(created["metadata"]["name"].as_str().unwrap().starts_with("spark-pi-"));
    assert_injected(&created);
}

#[test]
fn a_pod_applied_by_the_server_stays_as_it_is_when_applied_again() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let pod = driver("applied", &namespace);
    let apply = ["apply", "--server-side", "-f", "-", "-o", "json"];
    let first = fixture.cluster.kubectl().run_on(apply, &pod).unwrap().json().unwrap();
    assert_injected(&first);
    let second = fixture.cluster.kubectl().run_on(apply, &pod).unwrap().json().unwrap();
    assert_eq!(second["spec"], first["spec"]);
    // And by kubectl's own apply, which compares with what was applied last.
    let pod = driver("applied-by-client", &namespace);
    let apply = ["apply", "-f", "-", "-o", "json"];
    let first = fixture.cluster.kubectl().run_on(apply, &pod).unwrap().json().unwrap();
    let second = fixture.cluster.kubectl().run_on(apply, &pod).unwrap().json().unwrap();
    assert_injected(&second);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

#[test]
fn what_a_pod_does_not_get_is_told_to_the_client_and_to_the_audit_log() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let mut pod = driver("warned", &namespace);
    pod["metadata"]["annotations"]["emberscope.dev/port"] = json!("4040");
    pod["spec"]["shareProcessNamespace"] = json!(false);
    let printed =
        fixture.cluster.kubectl().run_on(["create", "-f", "-", "-o", "json"], &pod).unwrap();
    assert_injected(&printed.json().unwrap());
    for reason in ["bad_override", "process_namespace_refused"] {
        let warning = format!("Warning: emberscope: {reason}: ");
        assert!(printed.stderr.contains(&warning), "{}", printed.stderr);
    }
    let events = fixture.cluster.audit_log().unwrap();
    // Of others the last line may be half written.
    let events = events.lines().filter(|line| line.contains(&namespace));
    let events = events.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let event = events.into_iter().find(|event| event["objectRef"]["namespace"] == *namespace);
    let annotations = &event.unwrap()["annotations"];
    assert_eq!(annotations["pods.emberscope.dev/decision"], "injected");
    let reasons = annotations["pods.emberscope.dev/reasons"].as_str().unwrap();
    assert!(reasons.contains("process_namespace_refused"), "{annotations}");
}

#[test]
fn a_restricted_namespace_takes_a_restricted_pod_with_its_sidecar() {
    let fixture = shared();
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    let namespace = fixture.cluster.namespace(&[crate::fixture::OPT_IN, enforce]).unwrap();
    let mut pod = driver("restricted", &namespace);
    pod["spec"]["securityContext"] = json!({"runAsNonRoot": true, "runAsUser": 185, "seccompProfile": {"type": "RuntimeDefault"}});
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        container["securityContext"] =
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    }
    assert_injected(&fixture.cluster.kubectl().create(&pod).unwrap());
}

/// The golden cases through the API server: its patch equals the one applied here, and nothing of
/// the pod that would have been stored without us is missing or different.
#[test]
fn the_server_makes_of_every_golden_pod_what_inject_makes_of_it_and_loses_nothing() {
    let fixture = shared();
    let settings = AllSettings::offline(Config::default());
    let (opted_in, other) = (fixture.opted_in(), fixture.not_opted_in());
    let pods = taken(&fixture.cluster, &other);
    for (case, pod) in &pods {
        let online = dry_run(&fixture.cluster, &named(pod, case, &opted_in)).unwrap();
        let offline = offline(&fixture.cluster, pod, &other, &settings);
        assert_eq!(comparable(&online), comparable(&offline), "{case}");
        let mut expected = pod.clone();
        expected["metadata"]["namespace"] = json!(opted_in);
        let lost = lost(&expected, &online);
        assert!(lost.is_empty(), "{case} lost {lost:?}");
    }
}

/// The program has no types for these, as it will have none for those of later Kubernetes.
#[test]
fn fields_that_the_program_does_not_know_survive() {
    let fixture = shared();
    let namespace = fixture.opted_in();
    let mut pod = driver("strange", &namespace);
    let spec = &mut pod["spec"];
    spec["schedulingGates"] = json!([{"name": "example.com/quota"}]);
    spec["hostUsers"] = json!(false);
    spec["hostnameOverride"] = json!("driver.example.com");
    spec["topologySpreadConstraints"] = json!([{
        "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"spark-role": "driver"}},
        "matchLabelKeys": ["spark-app-selector"],
    }]);
    spec["initContainers"] = json!([{
        "name": "proxy", "image": "proxy", "restartPolicy": "Always",
        "startupProbe": {"httpGet": {"port": 8080, "path": "/ready"}},
        "resizePolicy": [{"resourceName": "memory", "restartPolicy": "NotRequired"}],
    }]);
    spec["containers"][0]["restartPolicy"] = json!("Never");
    spec["containers"][0]["restartPolicyRules"] =
        json!([{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]);
    let created = fixture.cluster.kubectl().create(&pod).unwrap();
    assert_eq!(sidecars(&created).len(), 1);
    let lost = lost(&pod, &created);
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn a_pods_quality_of_service_class_stays_what_it_was() {
    let fixture = shared();
    let (opted_in, other) = (fixture.opted_in(), fixture.not_opted_in());
    let mut seen = BTreeMap::new();
    for (case, pod) in all_golden() {
        let (Ok(without), Ok(with)) = (
            dry_run(&fixture.cluster, &named(&pod, &case, &other)),
            dry_run(&fixture.cluster, &named(&pod, &case, &opted_in)),
        ) else {
            continue;
        };
        let class = &without["status"]["qosClass"];
        assert_eq!(&with["status"]["qosClass"], class, "{case}");
        // The server agrees with what the property tests hold thousands of pods against.
        assert_eq!(quality_of_service::class(&with).unwrap().as_str(), class, "{case}");
        *seen.entry(class.to_string()).or_insert(0) += sidecars(&with).len();
    }
    assert!(seen.len() == 3 && seen.values().all(|injected| *injected > 0), "{seen:?}");
}
