//! Chart and kustomizations, object by object.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::super::{documents, files, read, rendered};
use super::{helm, is_hook, release, release_of};

/// Objects by kind, namespace and name.
type Objects = BTreeMap<[String; 3], Value>;

fn by_name(objects: impl IntoIterator<Item = Value>) -> Objects {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let key = |object: &Value| {
        let metadata = &object["metadata"];
        [&object["kind"], &metadata["namespace"], &metadata["name"]].map(text)
    };
    objects.into_iter().map(|object| (key(&object), object)).collect()
}

/// What a release holds, with the namespace that a kustomization has and `helm install` makes.
fn chart(values: &[&str]) -> Objects {
    let mut values = values.to_vec();
    values.push("namespace.create=true");
    let mut objects = release("emberscope", &values).unwrap();
    objects.retain(|object| !is_hook(object));
    by_name(objects)
}

fn assert_same(chart: &Objects, kustomization: &Objects, what: &str) {
    let names = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(chart), names(kustomization), "{what}");
    for (name, object) in chart {
        assert_eq!(object, &kustomization[name], "{what}: {name:?}");
    }
}

/// Helm leaves the namespace with the figures when a release goes; kustomize has no such word.
fn without_keeping(mut objects: Objects) -> Objects {
    let namespace = ["Namespace", "", "emberscope-monitoring"].map(str::to_owned);
    let metadata = objects.get_mut(&namespace).unwrap()["metadata"].as_object_mut().unwrap();
    let annotations = metadata.remove("annotations").unwrap();
    assert_eq!(annotations, json!({"helm.sh/resource-policy": "keep"}));
    objects
}

/// The values that stand in `overlays/amp/amp.env`.
const AMP: [&str; 5] = [
    "prometheus.enabled=true",
    "prometheus.remoteWrite.region=us-west-2",
    "prometheus.remoteWrite.workspace=ws-00000000-0000-0000-0000-000000000000",
    "prometheus.remoteWrite.roleArn=arn:aws:iam::111122223333:role/emberscope-prometheus",
    "prometheus.remoteWrite.cluster=my-cluster",
];

#[test]
fn the_chart_is_what_each_overlay_is() {
    let mut compared = Vec::new();
    let mut hold = |overlay: &str, values: &[&str]| {
        let chart = chart(values);
        let mut kustomization = by_name(rendered(overlay));
        // Where the kustomization keeps what has been filled in; nothing in the cluster reads it.
        let filled_in = ["ConfigMap", "emberscope-monitoring", "emberscope-amp"].map(str::to_owned);
        kustomization.remove(&filled_in);
        let prometheus = values.contains(&"prometheus.enabled=true");
        let chart = if prometheus { without_keeping(chart) } else { chart };
        assert_same(&chart, &kustomization, overlay);
        compared.push(overlay.to_owned());
    };
    hold("manifests/base", &[]);
    hold("manifests/overlays/cert-manager", &["certificates=cert-manager"]);
    hold("manifests/overlays/prometheus-operator", &["monitors.enabled=true"]);
    hold("manifests/overlays/prometheus", &["prometheus.enabled=true"]);
    hold("manifests/overlays/amp", &AMP);

    for overlay in files("manifests/overlays") {
        let overlay = format!("manifests/overlays/{}", overlay.split('/').next().unwrap());
        assert!(compared.contains(&overlay), "{overlay} is not held against the chart");
    }
}

/// What a value adds to the defaults.
fn added(values: &[&str]) -> Objects {
    let before = chart(&[]);
    let mut after = chart(values);
    for (name, object) in &before {
        assert_eq!(after.remove(name).as_ref(), Some(object), "{values:?}: {name:?}");
    }
    after
}

/// The objects of a file or a kustomization, in that namespace.
fn within(namespace: &str, objects: Vec<Value>) -> Objects {
    by_name(objects.into_iter().map(|mut object| {
        object["metadata"]["namespace"] = json!(namespace);
        object
    }))
}

#[test]
fn what_comes_on_top_is_what_each_component_and_each_folder_of_monitoring_is() {
    let role = documents(&read("manifests/components/check/clusterrole.yaml"));
    assert_same(&added(&["check.role=true"]), &by_name(role), "check");

    let policy = "manifests/components/executor-network-policy/networkpolicy.yaml";
    let policy = within("team-a", documents(&read(policy)));
    assert_same(&added(&["networkPolicies.executors={team-a}"]), &policy, "executors");

    let policies = "manifests/components/job-network-policies/networkpolicies.yaml";
    let policies = within("team-a", documents(&read(policies)));
    assert_eq!(policies.len(), 3);
    assert_same(&added(&["networkPolicies.jobs={team-a}"]), &policies, "jobs");

    for (kind, folder) in [("ConfigMap", "rules"), ("PrometheusRule", "rules/operator")] {
        let rules = within("monitoring", rendered(&format!("manifests/monitoring/{folder}")));
        let values = [&format!("rules.kind={kind}"), "rules.namespace=monitoring"];
        assert_same(&added(&values), &rules, kind);
    }

    let dashboards = within("monitoring", rendered("manifests/monitoring/grafana"));
    assert!(dashboards.len() >= 5, "{}", dashboards.len());
    let values = ["dashboards.enabled=true", "dashboards.namespace=monitoring"];
    assert_same(&added(&values), &dashboards, "dashboards");

    let before = chart(&["prometheus.enabled=true"]);
    for (value, file) in [
        ("networkPolicies", "collector-network-policy/networkpolicies.yaml"),
        ("verticalPodAutoscaler", "vertical-pod-autoscaler/verticalpodautoscaler.yaml"),
    ] {
        let mut after = chart(&["prometheus.enabled=true", &format!("prometheus.{value}=true")]);
        after.retain(|name, _| !before.contains_key(name));
        let expected = by_name(documents(&read(&format!("manifests/components/{file}"))));
        assert_same(&after, &expected, value);
    }
}

/// `helm test` is the Job of `components/check`, and leaves no rights behind.
#[test]
fn helm_test_runs_check_as_the_job_does() {
    let mut objects = release("emberscope", &[]).unwrap();
    objects.retain(is_hook);
    for object in &mut objects {
        let annotations =
            object["metadata"].as_object_mut().unwrap().remove("annotations").unwrap();
        assert_eq!(annotations["helm.sh/hook"], "test");
        let pod = object["kind"] == "Pod";
        assert_eq!(annotations["helm.sh/hook-weight"], if pod { "1" } else { "0" });
        let policy = annotations["helm.sh/hook-delete-policy"].as_str().unwrap();
        assert_eq!(policy.contains("hook-succeeded"), !pod, "the pod stays for its output");
    }
    let chart = by_name(objects);

    let mut component = documents(&read("manifests/components/check/clusterrole.yaml"));
    component.extend(documents(&read("manifests/components/check/job.yaml")));
    let component = by_name(component.into_iter().map(|object| {
        if object["kind"] != "Job" {
            return object;
        }
        let mut pod = object["spec"]["template"]["spec"].clone();
        pod["activeDeadlineSeconds"] = object["spec"]["activeDeadlineSeconds"].clone();
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": object["metadata"], "spec": pod})
    }));
    assert_same(&chart, &component, "helm test");

    let mut without = release("emberscope", &["check.role=true"]).unwrap();
    without.retain(is_hook);
    assert!(
        without.iter().all(|object| object["kind"] != "ClusterRole"),
        "the role is there twice"
    );
}

/// What is published is a file: the links are followed when it is made.
#[test]
fn the_packaged_chart_is_the_one_in_the_repository() {
    let folder = tempfile::tempdir().unwrap();
    let version = env!("CARGO_PKG_VERSION");
    helm(&["package", "chart", "--destination", folder.path().to_str().unwrap()]).unwrap();
    let package = folder.path().join(format!("emberscope-{version}.tgz"));
    let values = ["prometheus.enabled=true", "dashboards.enabled=true", "rules.kind=ConfigMap"];
    let packaged = release_of(&package, "emberscope", &values).unwrap();
    let here = release_of(Path::new("chart"), "emberscope", &values).unwrap();
    assert_eq!(packaged, here);
    let described = helm(&["show", "chart", "chart"]).unwrap();
    let described = documents(&described).remove(0);
    assert_eq!(described["version"], version);
    assert_eq!(described["appVersion"], version);
}
