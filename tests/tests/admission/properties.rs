//! Over thousands of generated pods: the promises hold, and nothing panics whatever comes in.

use emberscope_core::admission;
use emberscope_core::{AllSettings, Config, Namespaces};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::promises;

/// Absent, null, or a value.
fn optional(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![2 => Just(None), 1 => Just(Some(Value::Null)), 4 => value.prop_map(Some)]
}

fn object(members: Vec<(&'static str, Option<Value>)>) -> Value {
    let present = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(present.collect::<Map<String, Value>>())
}

/// Request and limit of one resource, as the API server lets them pass: no request above its limit.
fn amounts() -> impl Strategy<Value = (Option<&'static str>, Option<&'static str>)> {
    let pairs = [
        (None, None),
        (Some("0"), None),
        (Some("500m"), None),
        (None, Some("1")),
        (Some("1000m"), Some("1")),
        (Some("1Gi"), Some("1Gi")),
        (Some("5m"), Some("1")),
        (Some("16Mi"), Some("1Gi")),
        (Some("0"), Some("1")),
        (Some("0"), Some("1Gi")),
    ];
    prop::sample::select(pairs.to_vec())
}

/// Containers of which all have both limits are rare by chance, and what Guaranteed pods are made of.
fn resources() -> impl Strategy<Value = Value> {
    // Beside them, pods that lack being Guaranteed by one explicit 0.
    let whole = prop_oneof![
        3 => Just((None, Some("1"))),
        3 => Just((Some("1Gi"), Some("1024Mi"))),
        1 => Just((Some("0"), Some("1Gi"))),
    ];
    let budget = prop_oneof![
        1 => (whole.clone(), whole),
        1 => (amounts().boxed(), amounts().boxed()),
    ];
    budget.prop_map(|(cpu, memory)| {
        let named = |cpu: Option<&str>, memory: Option<&str>| {
            let both = [("cpu", cpu), ("memory", memory)];
            object(both.into_iter().map(|(name, amount)| (name, amount.map(Value::from))).collect())
        };
        json!({"requests": named(cpu.0, memory.0), "limits": named(cpu.1, memory.1)})
    })
}

fn env() -> impl Strategy<Value = Value> {
    let entry = prop_oneof![
        3 => Just(json!({"name": "SPARK_USER", "value": "spark"})),
        1 => Just(json!({"name": "SPARK_EXECUTOR_ID", "value": "1"})),
        1 => Just(json!({"name": "SPARK_SUBMIT_OPTS"})),
        1 => "[ -~]{0,12}".prop_map(|value| json!({"name": "SPARK_SUBMIT_OPTS", "value": value})),
        1 => Just(json!({"name": "SPARK_SUBMIT_OPTS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})),
    ];
    prop::collection::vec(entry, 0..4).prop_map(Value::from)
}

fn container() -> impl Strategy<Value = Value> {
    let names =
        ["spark-kubernetes-driver", "spark-kubernetes-executor", "executor", "fluentd", "x"];
    let port = prop::sample::select(vec![4040, 7078, 9814, 9815]);
    let ports = prop::collection::vec(port, 0..3).prop_map(|ports| {
        json!(ports.iter().map(|p| json!({"containerPort": p})).collect::<Vec<_>>())
    });
    let user =
        optional(prop::sample::select(vec![0, 185, 999]).prop_map(|uid| json!({"runAsUser": uid})));
    (
        prop::sample::select(names.to_vec()),
        optional(env()),
        optional(ports),
        resources(),
        user,
        optional(Just(json!({"a field": ["of a", {"later": "Kubernetes"}]}))),
        optional(
            prop::sample::select(vec!["driver", "/init", "sh"]).prop_map(|word| json!([word])),
        ),
    )
        .prop_map(|(name, env, ports, resources, security_context, future, words)| {
            object(vec![
                ("name", Some(json!(name))),
                ("env", env),
                ("ports", ports),
                ("resources", Some(resources)),
                ("securityContext", security_context),
                ("fieldOfTheFuture", future),
                ("args", words.clone()),
                ("command", words),
            ])
        })
}

fn annotations() -> impl Strategy<Value = Value> {
    let keys = [
        "prometheus.io/scrape",
        "prometheus.io/port",
        "prometheus.io/path",
        "a/b~c",
        "eks.amazonaws.com/skip-containers",
        "emberscope.dev/port",
        "emberscope.dev/spark-confs",
        "emberscope.dev/container",
        "emberscope.dev/share-process-namespace",
        "emberscope.dev/odd",
    ];
    let values =
        ["true", "false", "4040", "9900", "/metrics/executors/prometheus/", "x", "never", ""];
    let entry = (prop::sample::select(keys.to_vec()), prop::sample::select(values.to_vec()));
    prop::collection::btree_map(entry.clone().prop_map(|e| e.0), entry.prop_map(|e| e.1), 0..5)
        .prop_map(|map| json!(map))
}

fn pod() -> impl Strategy<Value = Value> {
    let flag = || optional(any::<bool>().prop_map(Value::from));
    let rare =
        || prop_oneof![6 => Just(None), 1 => any::<bool>().prop_map(|flag| Some(json!(flag)))];
    let volumes = prop::collection::vec(Just(json!({"name": "v", "emptyDir": {}})), 0..3);
    (
        prop::sample::select(vec!["driver", "executor", "connect-server"]),
        optional(annotations()),
        prop::collection::vec(container(), 1..4),
        optional(prop::collection::vec(container(), 0..3).prop_map(Value::from)),
        optional(volumes.prop_map(Value::from)),
        (flag(), rare(), rare(), flag()),
        optional((0..100_i64).prop_map(Value::from)),
        prop_oneof![4 => Just(None), 1 => resources().prop_map(Some)],
    )
        .prop_map(|(role, annotations, containers, inits, volumes, flags, grace, budget)| {
            let mut metadata =
                json!({"labels": {"spark-role": role, "spark-app-selector": "spark-1"}});
            if let Some(annotations) = annotations {
                metadata["annotations"] = annotations;
            }
            let (share, host_pid, host_network, automount) = flags;
            let spec = object(vec![
                ("containers", Some(json!(containers))),
                ("initContainers", inits),
                ("volumes", volumes),
                ("shareProcessNamespace", share),
                ("hostPID", host_pid),
                ("hostNetwork", host_network),
                ("automountServiceAccountToken", automount),
                ("terminationGracePeriodSeconds", grace),
                ("resources", budget),
            ]);
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        })
}

fn settings() -> AllSettings {
    AllSettings::offline(Config::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_pod_the_promises_hold(pod in pod()) {
        let settings = settings();
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": "1", "operation": "CREATE", "object": pod},
        });
        let review = serde_json::to_vec(&review).unwrap();
        let admission = admission::answer(&review, &settings, &Namespaces::default());
        let answer: Value = serde_json::from_slice(&admission.body).unwrap();
        prop_assert_eq!(&answer["response"]["allowed"], true);
        if let Some(patch) = promises::patch_of(&answer).unwrap()
            && let Err(error) = promises::hold(&review, &patch, &settings)
        {
            prop_assert!(false, "{:#}\n{}", error, pod);
        }
    }

    #[test]
    fn any_bytes_are_answered_and_allowed(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let admission = admission::answer(&body, &settings(), &Namespaces::default());
        let answer: Value = serde_json::from_slice(&admission.body).unwrap();
        prop_assert_eq!(&answer["response"]["allowed"], true);
    }

    #[test]
    fn a_review_cut_or_spoilt_anywhere_is_answered_and_allowed(at in any::<prop::sample::Index>(), byte in any::<Option<u8>>()) {
        let review = include_bytes!("../../golden/admission/spark-4.0.4-executor/review.json");
        let at = at.index(review.len());
        let mut body = review.to_vec();
        match byte {
            Some(byte) => body[at] = byte,
            None => body.truncate(at),
        }
        let admission = admission::answer(&body, &settings(), &Namespaces::default());
        let answer: Value = serde_json::from_slice(&admission.body).unwrap();
        prop_assert_eq!(&answer["response"]["allowed"], true);
    }
}
