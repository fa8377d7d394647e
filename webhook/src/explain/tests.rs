//! What is explained, on pods that differ in one thing.

use emberscope_core::contract::SIDECAR;
use emberscope_core::{ClusterState, Config, NativeSidecars};
use serde_json::json;

use super::*;

const CONFIG: &str = r"
sidecar: {logLevel: debug, metricLabels: {team: emr-team}}
profiles:
  - name: streaming
    match: {podLabels: {workload: streaming}}
    sidecar: {lingerSeconds: 200, port: 9900}
    sparkConfs: {spark.a: b}
";

fn explained(pod: &Value) -> Explanation {
    let settings = AllSettings::offline(Config::parse(CONFIG, None).unwrap());
    explain(pod, "team-a", &settings).unwrap()
}

fn driver() -> Value {
    json!({
        "metadata": {
            "name": "pi", "labels": {"spark-role": "driver", "workload": "streaming"},
            "annotations": {
                "emberscope.dev/port": "9901", "emberscope.dev/image": "",
                "emberscope.dev/memory-limit": "8Mi",
            },
        },
        "spec": {
            "securityContext": {"runAsUser": 7},
            "containers": [{
                "name": "spark-kubernetes-driver",
                "env": [{"name": "SPARK_SUBMIT_OPTS", "value": "-Dspark.a=c"}],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
            }],
        },
    })
}

fn value<'e>(explanation: &'e Explanation, name: &str) -> (&'e str, String, Option<&'e str>) {
    let row = explanation.values.iter().find(|row| row.name == name).unwrap();
    (&row.value, row.from.to_string(), row.note.as_deref())
}

#[test]
fn every_value_has_its_origin() {
    let explanation = explained(&driver());
    assert_eq!(explanation.decision, "injected");
    assert_eq!(explanation.profile.as_deref(), Some("streaming"));
    let of = |name| value(&explanation, name);
    assert_eq!(of("port"), ("9901", "annotation emberscope.dev/port".into(), None));
    assert_eq!(of("log level"), ("debug", "configuration".into(), None));
    let (linger, from, note) = of("linger seconds");
    assert_eq!((linger, from.as_str()), ("25", "profile streaming"));
    assert!(note.unwrap().contains("grace period of 30 s"));
    // An annotation that does not count is not where the value comes from.
    assert_eq!(of("image").1, "default");
    assert_eq!(of("profile").1, "default");
    assert!(explanation.missing[0].contains("bad_override"), "{:?}", explanation.missing);
    assert_eq!(of("uid"), ("7", "securityContext of the pod".into(), None));
    assert_eq!(of("gid"), ("", "the image: nobody says".into(), None));
    assert_eq!(of("memory request").1, "annotation emberscope.dev/memory-limit");
    // In a Guaranteed pod limits equal requests.
    assert_eq!(of("CPU limit"), ("5m", "default".into(), of("CPU request").2));
    assert!(of("memory limit").2.unwrap().contains("stays Guaranteed"));
    assert_eq!(
        of("metric label team"),
        ("", "configuration".into(), Some("the pod has no label emr-team"))
    );
    let (conf, from, note) = of("spark.a");
    assert_eq!((conf, from.as_str()), ("b", "profile streaming"));
    assert!(note.unwrap().contains("and wins"));
    assert_eq!(of("spark.ui.prometheus.enabled").1, "default");
}

#[test]
fn the_rule_that_decides_is_the_reason_and_later_ones_are_not_asked() {
    let mut pod = driver();
    pod["spec"]["hostNetwork"] = json!(true);
    let explanation = explained(&pod);
    assert_eq!(explanation.decision, "host_network");
    let result = |code| explanation.rules.iter().find(|rule| rule.code == code).unwrap().result;
    assert_eq!(result("namespace"), RuleResult::Unknown);
    assert_eq!(result("windows"), RuleResult::Passes);
    assert_eq!(result("host_network"), RuleResult::Decides);
    assert_eq!(result("port_in_use"), RuleResult::NotAsked);
    assert!(explanation.values.is_empty());
}

/// The order in which the rules are asked is told by a table; here it is held against the code.
#[test]
fn of_two_rules_that_both_hold_the_earlier_one_decides() {
    type Breaking = (Skip, fn(&mut Value));
    let breaking: [Breaking; 10] = [
        (Skip::NotSpark, |pod| pod["metadata"]["labels"]["spark-role"] = json!("none")),
        (Skip::OptedOut, |pod| {
            pod["metadata"]["annotations"]["emberscope.dev/inject"] = json!("false");
        }),
        (Skip::UnclearConsent, |pod| {
            pod["metadata"]["labels"]["emberscope.dev/inject"] = json!("maybe");
        }),
        (Skip::MirrorPod, |pod| {
            pod["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("x");
        }),
        (Skip::Windows, |pod| pod["spec"]["os"] = json!({"name": "windows"})),
        (Skip::HostNetwork, |pod| pod["spec"]["hostNetwork"] = json!(true)),
        (Skip::AlreadyInjected, |pod| {
            pod["spec"]["initContainers"] = json!([{"name": SIDECAR, "restartPolicy": "Always"}]);
        }),
        (Skip::PortInUse, |pod| {
            pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 9901}]);
        }),
        (Skip::SparkContainerNotFound, |pod| {
            pod["spec"]["containers"][0]["name"] = json!("a");
            pod["spec"]["containers"][1] = json!({"name": "b"});
        }),
        (Skip::Gang, |pod| {
            let whole = json!({"limits": {"cpu": "1", "memory": "1Gi"}});
            for container in pod["spec"]["containers"].as_array_mut().unwrap() {
                container["resources"] = whole.clone();
            }
            pod["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = json!("team-a");
        }),
    ];
    // Of the cluster, not of the pod; see below.
    let of_cluster = [
        Skip::NoNativeSidecars,
        Skip::NoImage,
        Skip::LimitRange,
        Skip::QuotaFull,
        Skip::SidecarDoesNotStart,
    ];
    let of_pods = ORDER.into_iter().filter(|skip| !of_cluster.contains(skip));
    assert!(of_pods.eq(breaking.map(|(skip, _)| skip)));
    for (index, (first, change)) in breaking.iter().enumerate() {
        for (_, later) in &breaking[index..] {
            let mut pod = driver();
            pod["spec"]["containers"].as_array_mut().unwrap().reserve(1);
            apply(&mut pod, *later);
            apply(&mut pod, *change);
            assert_eq!(explained(&pod).decision, first.code());
        }
    }
}

#[test]
fn where_kubelets_do_not_know_native_sidecars_pods_are_left_alone_unless_they_have_one() {
    for know in [NativeSidecars::NotEverywhere, NativeSidecars::Unknown] {
        let settings = AllSettings::new(
            Config::default(),
            ClusterState { native_sidecars: know, ..ClusterState::offline() },
        );
        let decision = |pod: &Value| explain(pod, "team-a", &settings).unwrap().decision;
        let mut pod = driver();
        assert_eq!(decision(&pod), "no_native_sidecars");
        pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 9814}]);
        assert_eq!(decision(&pod), "no_native_sidecars");
        pod["spec"]["initContainers"] = json!([{"name": SIDECAR, "restartPolicy": "Always"}]);
        assert_eq!(decision(&pod), "already_injected");
    }
}

fn apply(pod: &mut Value, change: fn(&mut Value)) {
    if pod["spec"]["containers"].as_array().unwrap().len() == 1 {
        pod["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "other"}));
    }
    change(pod);
}

#[test]
fn a_pod_that_has_the_sidecar_tells_by_which_configuration() {
    let mut pod = driver();
    pod["spec"]["initContainers"] = json!([{"name": SIDECAR, "restartPolicy": "Always"}]);
    pod["metadata"]["annotations"][INJECTED] = json!("0.0.1-00000000");
    let explanation = explained(&pod);
    assert_eq!(explanation.decision, "already_injected");
    assert!(explanation.sentence.contains("another version or configuration (0.0.1-00000000"));
}

/// A value from an annotation is never called a default, whichever class the pod is of.
#[test]
fn what_an_annotation_says_is_told_as_its_word() {
    let annotations = [
        ("image", "a/b:1", "image"),
        ("cpu-request", "20m", "CPU request"),
        ("memory-limit", "64Mi", "memory limit"),
        ("port", "9901", "port"),
        ("linger-seconds", "7", "linger seconds"),
        ("log-level", "debug", "log level"),
        ("share-process-namespace", "never", "share processes"),
        ("container", "spark-kubernetes-driver", "Spark's container"),
    ];
    let limits = json!({"cpu": "1", "memory": "1Gi"});
    for resources in
        [json!({"limits": limits}), json!({"requests": {"cpu": "0"}, "limits": limits})]
    {
        let mut pod = driver();
        pod["metadata"]["labels"]["workload"] = json!("batch");
        pod["metadata"]["annotations"] = json!({});
        pod["spec"]["containers"][0]["resources"] = resources;
        for (name, value, _) in annotations {
            pod["metadata"]["annotations"][format!("emberscope.dev/{name}")] = json!(value);
        }
        let explanation = explained(&pod);
        for (name, said, row) in annotations {
            let (shown, from, _) = value(&explanation, row);
            assert_eq!((shown, from), (said, format!("annotation emberscope.dev/{name}")));
        }
    }
}

/// The client gets eight; here there is room for all.
#[test]
fn all_that_the_pod_does_not_get_is_told() {
    let mut pod = driver();
    for index in 0..20 {
        pod["metadata"]["annotations"][format!("emberscope.dev/unknown-{index}")] = json!("x");
    }
    assert_eq!(explained(&pod).missing.len(), 21);
}
