//! The API server asks about Spark's pods in opted-in namespaces, and about nothing else.

use emberscope_tests::cluster::metrics::calls;
use emberscope_tests::consent::{Becomes, CASES, saying};
use serde_json::{Value, json};

use crate::comparison::dry_run;
use crate::fixture::{OPT_IN, alone};
use crate::pods::{assert_injected, assert_left_alone, driver};

/// The table that the webhook's function and the policy are held against, too.
#[test]
fn what_a_pod_says_about_the_sidecar_is_read_by_the_table_and_a_no_costs_no_call() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    for (annotation, label, becomes) in CASES {
        let before = calls(&fixture.cluster).unwrap();
        let pod = saying(driver("asked", &namespace), annotation, label);
        let created = dry_run(&fixture.cluster, &pod).unwrap();
        let called = calls(&fixture.cluster).unwrap() - before;
        match becomes {
            Becomes::Injected => assert_injected(&created),
            Becomes::LeftAlone | Becomes::LeftAloneWithAWarning => assert_left_alone(&created),
        }
        let expected = u64::from(becomes != Becomes::LeftAlone);
        assert_eq!(called, expected, "{annotation:?} {label:?}");
    }
}

#[test]
fn a_spark_connect_server_is_a_driver() {
    let fixture = alone();
    let namespace = fixture.opted_in();
    let mut pod = driver("connect", &namespace);
    pod["metadata"]["labels"]["spark-role"] = json!("connect-server");
    assert_injected(&fixture.cluster.kubectl().create(&pod).unwrap());
}

#[test]
fn no_other_pod_and_no_other_change_costs_a_call() {
    let fixture = alone();
    let kubectl = fixture.cluster.kubectl();
    let (opted_in, other) = (fixture.opted_in(), fixture.not_opted_in());
    let changed = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut pod = driver(name, &opted_in);
        change(&mut pod);
        pod
    };
    let before = calls(&fixture.cluster).unwrap();
    let strangers = [
        driver("not-opted-in", &other),
        changed("no-role", &|pod| {
            pod["metadata"]["labels"].as_object_mut().unwrap().remove("spark-role");
        }),
        changed("other-role", &|pod| pod["metadata"]["labels"]["spark-role"] = json!("submitter")),
        changed("opted-out", &|pod| {
            pod["metadata"]["annotations"]["emberscope.dev/inject"] = json!("false");
        }),
        changed("mirror", &|pod| {
            pod["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("1");
            pod["spec"]["nodeName"] = json!("node-1");
            // The kubelet's own pods have no service account.
            let spec = pod["spec"].as_object_mut().unwrap();
            spec.remove("serviceAccountName");
            spec.insert("automountServiceAccountToken".to_owned(), json!(false));
            spec["volumes"] = json!([{"name": "empty", "emptyDir": {}}]);
            pod["spec"]["containers"][0]["volumeMounts"] = json!([]);
            pod["spec"]["containers"][0]["env"] = json!([]);
        }),
    ];
    for pod in &strangers {
        assert_left_alone(&kubectl.create(pod).unwrap());
    }
    // Even where somebody opted them in: the webhook's own namespace, and the system's.
    for namespace in ["emberscope", "kube-system"] {
        kubectl.run(["label", "--overwrite", "namespace", namespace, OPT_IN]).unwrap();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "inside", "namespace": namespace, "labels": {"spark-role": "driver"}},
            "spec": {
                "automountServiceAccountToken": false,
                "securityContext": {"runAsNonRoot": true, "runAsUser": 185, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{
                    "name": "spark-kubernetes-driver", "image": "spark",
                    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                }],
            },
        });
        kubectl.run(["create", "serviceaccount", "default", "-n", namespace]).unwrap();
        assert_left_alone(&kubectl.create(&pod).unwrap());
        kubectl.run(["label", "namespace", namespace, "emberscope.dev/inject-"]).unwrap();
    }
    assert_eq!(calls(&fixture.cluster).unwrap(), before, "a pod that is none of ours cost a call");

    assert_injected(&kubectl.create(&driver("ours", &opted_in)).unwrap());
    assert_eq!(calls(&fixture.cluster).unwrap(), before + 1);

    // What happens to a pod later is of no interest either.
    kubectl.run(["label", "pod", "ours", "-n", &opted_in, "seen=yes"]).unwrap();
    kubectl.run(["delete", "pod", "ours", "-n", &opted_in, "--grace-period=0", "--force"]).unwrap();
    assert_eq!(calls(&fixture.cluster).unwrap(), before + 1);
}
