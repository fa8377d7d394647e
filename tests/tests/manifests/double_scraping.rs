//! One pod, one target: whatever annotations a job sets, and with every shipped job at work. A real
//! Prometheus says which targets it has; promtool does not leave out what is there twice.

use std::collections::BTreeSet;
use std::fs;

use emberscope::inject::inject;
use emberscope_core::AllSettings;
use emberscope_core::Config;
use emberscope_tests::discovery::{Whereabouts, endpoints, targets};
use serde_json::{Value, json};

use super::shipped::Running;
use super::{documents, read};

/// What the AWS walkthrough has people set: pod annotations for one page of Spark's, Service annotations
/// for the other.
fn walkthrough(path: &str) -> Value {
    json!({
        "prometheus.io/scrape": "true",
        "prometheus.io/path": path,
        "prometheus.io/port": "4040",
    })
}

fn driver(annotations: Value) -> Value {
    let mut pod = documents(&read("manifests/samples/emr-driver.yaml")).remove(0);
    pod["metadata"]["annotations"] = annotations;
    pod
}

fn injected(pod: Value) -> Value {
    let settings = AllSettings::offline(Config::default());
    let injected = inject(pod, "emr-data-team-a", &settings).unwrap().0;
    assert!(injected["metadata"]["annotations"]["emberscope.dev/injected"].is_string());
    injected
}

#[test]
fn every_page_is_scraped_once_with_all_shipped_jobs_at_work() {
    let own = json!({"prometheus.io/scrape": "true", "prometheus.io/port": "8090"});
    // With the walkthrough's annotations; the same in a namespace that did not opt in; and with an
    // exporter of the job's own.
    let pods = [
        ("127.0.0.1", injected(driver(walkthrough("/metrics/executors/prometheus/")))),
        ("127.0.0.2", driver(walkthrough("/metrics/executors/prometheus/"))),
        ("127.0.0.3", injected(driver(own))),
    ];
    let service = json!({
        "metadata": {
            "name": "spark-driver-svc",
            "annotations": walkthrough("/metrics/driver/prometheus/"),
        },
        "spec": {"ports": [{"name": "spark-ui", "port": 4040, "targetPort": 4040}]},
    });
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, found: Vec<Value>| {
        assert!(found.len() >= 11, "each pod has several ports");
        let path = folder.path().join(name);
        fs::write(&path, json!(found).to_string()).unwrap();
        path
    };
    let discovered = |discover: &dyn Fn(&Value, Whereabouts<'_>) -> Vec<Value>| {
        let at = |address| Whereabouts { address, node: "node-1" };
        pods.iter().flat_map(|(address, pod)| discover(pod, at(address))).collect::<Vec<_>>()
    };
    let by_role = [
        ("pod", write("pods.json", discovered(&|pod, at| targets(pod, at)))),
        ("endpoints", write("endpoints.json", discovered(&|pod, at| endpoints(&service, pod, at)))),
    ];

    let mut jobs = Vec::new();
    for file in ["scrape-config", "scrape-config-walkthrough", "scrape-config-annotations"] {
        let file = read(&format!("manifests/monitoring/prometheus/{file}.yaml"));
        let mut config = documents(&file).remove(0);
        for job in config["scrape_configs"].as_array_mut().unwrap() {
            let role = job["kubernetes_sd_configs"][0]["role"].clone();
            let (_, targets) = by_role.iter().find(|(name, _)| role == *name).unwrap();
            job.as_object_mut().unwrap().remove("kubernetes_sd_configs");
            job["file_sd_configs"] = json!([{"files": [targets]}]);
            jobs.push(job.take());
        }
    }
    let names: BTreeSet<_> =
        jobs.iter().map(|job| job["job_name"].as_str().unwrap().to_owned()).collect();
    let mut prometheus = Running::start(&json!({"scrape_configs": jobs}));
    // Each job has read its targets, and has kept or dropped them all.
    let found = prometheus.until("discover targets for every job", |prometheus| {
        let found = prometheus.api("/api/v1/targets")["data"].take();
        let all = ["activeTargets", "droppedTargets"].map(|list| found[list].as_array().unwrap());
        let seen = all.into_iter().flatten();
        // Of a dropped target there are the labels from before relabelling, of all others the pool.
        let seen = seen.map(|target| match &target["scrapePool"] {
            Value::String(pool) => pool.clone(),
            _ => target["discoveredLabels"]["job"].as_str().unwrap().to_owned(),
        });
        (seen.collect::<BTreeSet<_>>() == names).then_some(found)
    });
    let mut active: Vec<_> = found["activeTargets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            [&target["scrapePool"], &target["scrapeUrl"]].map(|text| text.as_str().unwrap())
        })
        .collect();
    active.sort_unstable();
    assert_eq!(
        active,
        [
            ["emberscope", "http://127.0.0.1:9814/metrics"],
            ["emberscope", "http://127.0.0.3:9814/metrics"],
            // In the place of job emberscope, not beside it; it cannot see what has no annotations.
            ["emberscope-annotations", "http://127.0.0.1:9814/metrics"],
            ["emberscope-annotations", "http://127.0.0.2:4040/metrics/executors/prometheus/"],
            ["emberscope-annotations", "http://127.0.0.3:8090/metrics"],
            ["kubernetes-pods", "http://127.0.0.2:4040/metrics/executors/prometheus/"],
            ["kubernetes-pods", "http://127.0.0.3:8090/metrics"],
            ["kubernetes-service-endpoints", "http://127.0.0.2:4040/metrics/driver/prometheus/"],
        ]
    );
}
