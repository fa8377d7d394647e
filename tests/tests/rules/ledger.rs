//! What applications asked for, summed from what is recorded, equals a ledger made from the lives of their pods.

use std::fs;

use emberscope_tests::rules::FOLDER;
use serde_json::{Value, json};

use super::{promtool, root};

/// Minutes that are played.
const MINUTES: usize = 120;

/// A pod of an application: what it asks for, and from which minute to which it is there; the last one is that of
/// its end.
struct Pod {
    application: &'static str,
    name: &'static str,
    role: &'static str,
    cores: f64,
    gib: f64,
    from: usize,
    to: usize,
}

const fn pod(
    (application, name): (&'static str, &'static str),
    role: &'static str,
    (cores, gib): (f64, f64),
    (from, to): (usize, usize),
) -> Pod {
    Pod { application, name, role, cores, gib, from, to }
}

/// Two runs of one name, one after the other and under one driver's name, and an application of which nothing is
/// known but its pods. Executors come and go; one waits for a node.
const PODS: [Pod; 8] = [
    pod(("spark-1", "etl-driver"), "driver", (1.0, 2.0), (3, 50)),
    pod(("spark-1", "etl-a-exec-1"), "executor", (4.0, 16.0), (5, 48)),
    pod(("spark-1", "etl-a-exec-2"), "executor", (4.0, 16.0), (5, 21)),
    pod(("spark-1", "etl-a-exec-3"), "executor", (0.5, 1.5), (22, 48)),
    pod(("spark-2", "etl-driver"), "driver", (2.0, 4.0), (60, 100)),
    pod(("spark-2", "etl-b-exec-1"), "executor", (8.0, 32.0), (61, 99)),
    pod(("spark-3", "sql-driver"), "driver", (1.0, 1.0), (10, 71)),
    pod(("spark-3", "sql-exec-1"), "executor", (2.0, 8.0), (12, 70)),
];

fn values(from: usize, to: usize, value: f64) -> String {
    format!("_x{from} {value}x{} stale", to - from - 1)
}

fn series(pod: &Pod) -> Vec<Value> {
    let Pod { application, name, role, cores, gib, from, to } = pod;
    let app = name.split('-').next().unwrap();
    let of = format!(r#"namespace="emr-a",pod="{name}",uid="{name}-{application}""#);
    let one =
        |series: String, value: f64| json!({"series": series, "values": values(*from, *to, value)});
    // The team is on the driver only, as with many.
    let team = if *role == "driver" { r#",label_team="data-a""# } else { "" };
    let mut found = vec![
        one(
            format!(
                r#"kube_pod_labels{{{of},label_spark_role="{role}",label_spark_app_name="{app}",label_spark_app_selector="{application}"{team}}}"#
            ),
            1.0,
        ),
        one(format!(r#"kube_pod_status_phase{{{of},phase="Running"}}"#), 1.0),
    ];
    for (resource, amount) in [("cpu", *cores), ("memory", gib * 1_073_741_824.0)] {
        let container =
            format!(r#"container="spark-kubernetes-{role}",node="n",resource="{resource}""#);
        found
            .push(one(format!("kube_pod_container_resource_requests{{{of},{container}}}"), amount));
        let sidecar = format!(r#"container="emberscope-sidecar",node="n",resource="{resource}""#);
        found.push(one(format!("kube_pod_container_resource_requests{{{of},{sidecar}}}"), 0.0));
        // Nothing is asked of a node before there is one.
        let waiting =
            format!(r#"container="spark-kubernetes-{role}",node="",resource="{resource}""#);
        found.push(json!({
            "series": format!("kube_pod_container_resource_requests{{{of},{waiting}}}"),
            "values": format!("{amount}x{}", from - 1),
        }));
    }
    found
}

/// The driver's own figures of a run: three of four slots busy while a job runs, then none, and no job.
fn work(application: &str, (from, idle, to): (usize, usize, usize)) -> Vec<Value> {
    let target = format!(
        r#"namespace="emr-a",pod="etl-driver",instance="{application}",team="data-a",spark_app_name="etl",spark_role="driver",application_id="{application}""#
    );
    let busy = idle - from - 1;
    let rest = to - idle - 1;
    let one = |series: String, values: String| json!({"series": series, "values": values});
    let executor = format!(r#"{target},executor_id="1""#);
    vec![
        one(format!("metrics_executor_maxTasks{{{executor}}}"), values(from, to, 4.0)),
        one(
            format!("metrics_executor_activeTasks{{{executor}}}"),
            format!("_x{from} 3x{busy} 0x{rest} stale"),
        ),
        one(
            format!("spark_driver_dag_scheduler_active_jobs{{{target}}}"),
            format!("_x{from} 1x{busy} 0x{rest} stale"),
        ),
        one(
            format!("spark_driver_app_status_failed_tasks_total{{{target}}}"),
            format!("_x{from} 0+10x{busy} {0}x{rest} stale", 10 * busy),
        ),
        one(
            format!("spark_driver_app_status_completed_tasks_total{{{target}}}"),
            format!("_x{from} 0+90x{busy} {0}x{rest} stale", 90 * busy),
        ),
    ]
}

/// What the pods of an application asked for, for as long as they were there: in units and hours.
fn ledger(application: &str, amount: impl Fn(&Pod) -> f64) -> f64 {
    let pods = PODS.iter().filter(|pod| pod.application == application);
    #[allow(clippy::cast_precision_loss)]
    let hours = |pod: &Pod| (pod.to - pod.from) as f64 / 60.0;
    pods.map(|pod| amount(pod) * hours(pod)).sum()
}

#[test]
fn what_is_recorded_equals_a_ledger_of_the_pods_lives_and_is_split_without_a_rest() {
    let mut asked = Vec::new();
    let mut ask = |expr: String, value: f64| {
        // What the machine's arithmetic leaves over: less than a millionth.
        let expr = format!("abs(({expr}) - {value}) < bool 1e-6 * {value}");
        let one = json!([{"labels": "{}", "value": 1}]);
        asked.push(json!({"expr": expr, "eval_time": format!("{MINUTES}m"), "exp_samples": one}));
    };
    for application in ["spark-1", "spark-2", "spark-3"] {
        let cores = ledger(application, |pod| pod.cores);
        let bytes = ledger(application, |pod| pod.gib * 1_073_741_824.0);
        for (name, amount) in [("cores", cores), ("memory_bytes", bytes)] {
            let team = if application == "spark-3" { "sql" } else { "etl" };
            let of =
                format!(r#"application_id="{application}",spark_app_name="{team}",team="data-a""#);
            let hours = |name: &str, and: &str| {
                format!("sum(sum_over_time(application:{name}:sum{{{of}{and}}}[{MINUTES}m])) / 60")
            };
            ask(hours(&format!("spark_requested_{name}"), ""), amount);
            ask(hours(&format!("spark_requested_{name}_by_use"), ""), amount);
        }
        if application == "spark-3" {
            let unknown = format!(
                r#"sum(sum_over_time(application:spark_requested_cores_by_use:sum{{application_id="{application}",use="unknown"}}[{MINUTES}m])) / 60"#
            );
            ask(unknown, cores);
        }
    }
    // Of the second run: ten minutes of work with three of four slots, a tenth of it lost, then none.
    let at = |time: &str, of: &str, value: f64| {
        let selector =
            format!(r#"application:spark_use:ratio{{application_id="spark-2",use="{of}"}}"#);
        let expr = format!("round(1000 * sum({selector}))");
        json!({"expr": expr, "eval_time": time, "exp_samples": [{"labels": "{}", "value": value}]})
    };
    asked.extend([
        at("80m", "working", 675.0),
        at("80m", "lost", 75.0),
        at("80m", "idle", 250.0),
        at("97m", "tail", 1000.0),
    ]);
    let top = root().canonicalize().unwrap();
    let mut input: Vec<Value> = PODS.iter().flat_map(series).collect();
    input.extend(work("spark-1", (5, 40, 49)));
    input.extend(work("spark-2", (62, 90, 99)));
    let document = json!({
        "rule_files": [top.join(FOLDER).join("recording.yaml")],
        "evaluation_interval": "1m",
        "group_eval_order": ["emberscope-pods", "emberscope-applications", "emberscope-cost"],
        "tests": [{"interval": "1m", "input_series": input, "promql_expr_test": asked}],
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.yaml");
    fs::write(&path, document.to_string()).unwrap();
    promtool(&["test", "rules", path.to_str().unwrap()]);
}
