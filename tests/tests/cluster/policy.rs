//! `emberscope policy`: the API server carries the rules out itself, and the pods are the same.

use std::thread::sleep;
use std::time::{Duration, Instant};

use emberscope::policy;
use emberscope_core::AllSettings;
use emberscope_core::Config;
use emberscope_tests::cluster::Cluster;
use emberscope_tests::consent::{Becomes, CASES, saying};
use serde_json::{Value, json};

use crate::comparison::{comparable, dry_run, offline, taken};
use crate::fixture::OPT_IN;
use crate::pods::{assert_injected, assert_left_alone, driver, named, sidecars};

/// API servers notice new policies within a moment; a busy machine takes longer.
const PATIENCE: Duration = Duration::from_mins(3);

fn settings(config: &str) -> AllSettings {
    AllSettings::offline(Config::parse(config, None).unwrap())
}

/// Applies the policies of a configuration, in place of those before, and waits until a plain driver
/// gets the sidecar that they are to give.
fn apply(cluster: &Cluster, namespace: &str, settings: &AllSettings) {
    let kubectl = cluster.kubectl();
    for kind in ["mutatingadmissionpolicybindings", "mutatingadmissionpolicies"] {
        kubectl.run(["delete", kind, "--all"]).unwrap();
    }
    let documents = policy::documents(settings).unwrap();
    kubectl.run_with(["apply", "-f", "-"], &documents).unwrap();
    let start = Instant::now();
    let injected = json!(settings.default().injected);
    loop {
        let pod = dry_run(cluster, &driver("probe", namespace)).unwrap();
        if pod["metadata"]["annotations"]["emberscope.dev/injected"] == injected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "the policy does nothing: {pod:#}");
        sleep(Duration::from_millis(100));
    }
}

/// A control plane of its own: beside the webhook, whichever comes first leaves the other nothing
/// to do.
#[test]
fn the_policy_makes_the_pods_that_the_webhook_makes() {
    let cluster = Cluster::start().unwrap();
    let opted_in = cluster.namespace(&[OPT_IN]).unwrap();
    let other = cluster.namespace(&[]).unwrap();
    let pods = taken(&cluster, &other);
    let profiles = "
roles: {driver: [driver, connect-server, thrift-server]}
sidecar: {metricLabels: {app: spark-app-name, none: example.com/none}, shareProcessNamespace: never, scrapeAnnotations: never}
sparkConfs: {spark.metrics.conf.driver.sink.emberscope.unit: minutes, spark.metrics.conf.executor.sink.emberscope.class: null}
users: [{label: nobody, runAsUser: 999, runAsGroup: 7}, {label: emr-containers.amazonaws.com/component, runAsUser: 999, runAsGroup: 8}, {runAsUser: 5}]
profiles:
  - {name: executors, match: {podLabels: {spark-role: executor}}, sidecar: {port: 9900, resources: {memoryRequest: 32Mi}}}
  - {name: nobody, match: {namespaces: ['*-prod', x]}, sidecar: {image: other}}
";
    for config in ["", profiles] {
        let settings = settings(config);
        apply(&cluster, &opted_in, &settings);
        let mut differing = Vec::new();
        for (case, pod) in &pods {
            let online = match dry_run(&cluster, &named(pod, case, &opted_in)) {
                Ok(pod) => pod,
                Err(error) => json!(format!("{error:#}")),
            };
            let offline = offline(&cluster, pod, &other, &settings);
            if !online.is_object() || comparable(&online) != comparable(&offline) {
                differing.push(format!("{case}: {online:#}\nis not\n{offline:#}"));
            }
        }
        assert!(differing.is_empty(), "{config}\n{}", differing.join("\n"));
        // Nothing happens without the namespace's word.
        assert_left_alone(&dry_run(&cluster, &driver("plain", &other)).unwrap());
    }

    apply(&cluster, &opted_in, &settings(""));
    what_a_pod_says_about_the_sidecar_is_read_by_the_table(&cluster, &opted_in);
    a_later_webhook_is_survived(&cluster, &opted_in);
    large_pods_are_no_problem(&cluster, &opted_in);

    let documents = policy::documents(&settings(profiles)).unwrap();
    cluster.kubectl().run_with(["delete", "--ignore-not-found", "-f", "-"], &documents).unwrap();
    for kind in ["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"] {
        let left = cluster.kubectl().run(["get", kind, "-o", "name"]).unwrap();
        assert_eq!(left.stdout, "");
    }
}

fn what_a_pod_says_about_the_sidecar_is_read_by_the_table(cluster: &Cluster, namespace: &str) {
    for (annotation, label, becomes) in CASES {
        let pod = saying(driver("asked", namespace), annotation, label);
        let created = dry_run(cluster, &pod).unwrap();
        match becomes {
            Becomes::Injected => assert_injected(&created),
            Becomes::LeftAlone | Becomes::LeftAloneWithAWarning => assert_left_alone(&created),
        }
    }
}

fn a_later_webhook_is_survived(cluster: &Cluster, namespace: &str) {
    use emberscope_tests::cluster::fake_webhook::{Behaviour, FakeWebhook};

    let meddler = FakeWebhook::start(|review| {
        let inits = review["request"]["object"]["spec"]["initContainers"].as_array();
        let ours = inits.unwrap().iter().position(|c| c["name"] == "emberscope-sidecar").unwrap();
        let path = format!("/spec/initContainers/{ours}/restartPolicy");
        let proxy = json!({"name": "istio-proxy", "image": "proxy"});
        Behaviour::Patch(json!([
            {"op": "remove", "path": path},
            {"op": "add", "path": "/spec/containers/-", "value": proxy},
        ]))
    })
    .unwrap();
    meddler.register(cluster, "z-meddler", namespace).unwrap();
    let start = Instant::now();
    loop {
        let created = dry_run(cluster, &driver("meddled", namespace)).unwrap();
        if created["spec"]["containers"].as_array().is_some_and(|all| all.len() == 2) {
            assert_injected(&created);
            break;
        }
        assert!(start.elapsed() < PATIENCE, "the other webhook is never asked");
    }
    cluster.kubectl().run(["delete", "mutatingwebhookconfiguration", "z-meddler"]).unwrap();
}

/// CEL has a budget for each expression.
fn large_pods_are_no_problem(cluster: &Cluster, namespace: &str) {
    let mut pod = driver("large", namespace);
    let env = pod["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    let value = "x".repeat(300);
    env.extend((0..2000).map(|i| json!({"name": format!("VARIABLE_{i}"), "value": value})));
    let created: Value = dry_run(cluster, &pod).unwrap();
    assert_eq!(sidecars(&created).len(), 1);
}
