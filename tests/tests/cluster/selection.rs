//! The API server asks about Spark's pods in opted-in namespaces, and about nothing else.

use emberscope_tests::cluster::metrics::calls;
use serde_json::{Value, json};

use crate::fixture::{OPT_IN, alone};
use crate::pods::{assert_injected, assert_left_alone, driver};

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
