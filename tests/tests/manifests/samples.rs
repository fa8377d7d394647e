//! `manifests/samples`: pods as Spark creates them, jobs as people write them.

use emberscope::inject::inject;
use emberscope_core::AllSettings;
use emberscope_core::Config;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use serde_json::Value;

use super::base::through;
use super::{base, documents, find, read};

const PODS: [&str; 4] = [
    "emr-driver.yaml",
    "emr-executor.yaml",
    "spark-submit-driver.yaml",
    "spark-submit-executor.yaml",
];

fn sample(name: &str) -> Value {
    let mut found = documents(&read(&format!("manifests/samples/{name}")));
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0)
}

#[test]
fn the_pods_are_pods_that_the_webhook_is_asked_about() {
    let objects = base();
    let webhook = &find(&objects, "MutatingWebhookConfiguration")["webhooks"][0];
    let asked = &webhook["objectSelector"]["matchExpressions"][0];
    for name in PODS {
        let pod = sample(name);
        assert_eq!(through::<Pod>(&pod), pod, "{name}");
        let role = &pod["metadata"]["labels"][asked["key"].as_str().unwrap()];
        assert!(asked["values"].as_array().unwrap().contains(role), "{name}");
        assert!(name.ends_with(&format!("-{}.yaml", role.as_str().unwrap())), "{name}");
    }
}

#[test]
fn the_webhook_injects_the_pods_with_nothing_left_out() {
    let settings = AllSettings::offline(Config::default());
    for name in PODS {
        let (pod, outcome) = inject(sample(name), "emr-data-team-a", &settings).unwrap();
        assert!(outcome.warnings().is_empty(), "{name}: {outcome:?}");
        let sidecar = pod["spec"]["initContainers"].as_array().unwrap().last().unwrap();
        assert_eq!(sidecar["name"], "emberscope-sidecar", "{name}");
        // What the scrape job goes by.
        assert_eq!(sidecar["ports"][0]["name"], "emberscope", "{name}");
        assert_eq!(sidecar["ports"][0]["containerPort"], 9814, "{name}");
    }
}

#[test]
fn the_emr_pods_are_shaped_like_emrs() {
    let driver = sample("emr-driver.yaml");
    assert_eq!(driver["spec"]["containers"][0]["name"], "emr-container-fluentd");
    assert_eq!(driver["spec"]["containers"][1]["name"], "spark-kubernetes-driver");
    for name in ["emr-driver.yaml", "emr-executor.yaml"] {
        let pod = sample(name);
        let containers = pod["spec"]["containers"].as_array().unwrap();
        let spark = containers.last().unwrap();
        assert_eq!(spark["securityContext"]["runAsUser"], 999, "{name}");
        assert_eq!(spark["securityContext"]["runAsGroup"], 1000, "{name}");
        let env = spark["env"].as_array().unwrap();
        let signal = env.iter().find(|variable| variable["name"] == "SIDECAR_SIGNAL_FILE").unwrap();
        let folder = signal["value"].as_str().unwrap().rsplit_once('/').unwrap().0;
        let mounts = spark["volumeMounts"].as_array().unwrap();
        assert!(mounts.iter().any(|mount| mount["mountPath"] == folder), "{name}: {folder}");
    }
}

#[test]
fn the_namespace_opts_in_and_the_jobs_run_there() {
    let namespace = sample("namespace.yaml");
    assert_eq!(through::<Namespace>(&namespace), namespace);
    let objects = base();
    let webhook = &find(&objects, "MutatingWebhookConfiguration")["webhooks"][0];
    let asked = &webhook["namespaceSelector"]["matchExpressions"][0];
    let label = &namespace["metadata"]["labels"][asked["key"].as_str().unwrap()];
    assert_eq!(asked["values"][0], *label);

    let name = namespace["metadata"]["name"].as_str().unwrap();
    assert_eq!(sample("spark-pi.yaml")["metadata"]["namespace"], name);
    let submit = read("manifests/samples/spark-submit.sh");
    assert!(submit.contains(&format!("spark.kubernetes.namespace={name} ")));
}

#[test]
fn no_sample_says_anything_about_metrics() {
    for name in PODS.iter().chain(&["spark-pi.yaml", "spark-submit.sh"]) {
        let text = read(&format!("manifests/samples/{name}"));
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            for word in ["metrics", "monitoring", "prometheus", "emberscope"] {
                assert!(!line.contains(word), "{name}: {line}");
            }
        }
    }
}
