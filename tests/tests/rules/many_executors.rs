//! An application with 500 executors that are all in a bad way: one alert of each kind.

use std::fs;

use emberscope_tests::rules::{FILES, FOLDER};
use serde_json::{Value, json};

use super::{promtool, root};

const EXECUTORS: usize = 500;

fn series(executor: usize) -> Vec<Value> {
    let target = format!(
        r#"namespace="emr-a",pod="etl-exec-{executor}",instance="10.1.{}.{}:9814",team="data-a",spark_app_name="etl",spark_role="executor""#,
        executor / 250,
        executor % 250
    );
    let of_container = format!(r#"{target},container="spark-kubernetes-executor""#);
    let of_executor = format!(r#"{target},application_id="spark-1",executor_id="{executor}""#);
    let one = |name: &str, labels: &str, values: &str| json!({"series": format!("{name}{{{labels}}}"), "values": values});
    vec![
        one("spark_executor_threadpool_max_threads", &of_executor, "4x25 stale"),
        one("spark_container_memory_working_set_bytes", &of_container, "98x25 stale"),
        one("spark_container_memory_rss_bytes", &of_container, "97x25 stale"),
        one("spark_container_memory_limit_bytes", &of_container, "100x25 stale"),
        one("spark_container_oom_kills_total", &of_container, "0x15 2x10 stale"),
        one(
            "spark_executor_jvm_gc_collection_seconds_total",
            &format!(r#"{of_executor},collector="G1 Young Generation""#),
            "0+30x25 stale",
        ),
        one("spark_container_cpu_cfs_periods_total", &of_container, "0+600x25 stale"),
        one("spark_container_cpu_cfs_throttled_periods_total", &of_container, "0+500x25 stale"),
        one(
            "spark_container_last_state",
            &format!(r#"{of_container},evidence="oom_kill""#),
            "_x25 1 stale",
        ),
    ]
}

#[test]
fn five_hundred_bad_executors_are_one_alert_of_each_kind() {
    let found = |time: &str, name: &str| {
        let expr = format!(r#"count(ALERTS{{alertname="{name}",alertstate="firing"}})"#);
        json!({"expr": expr, "eval_time": time, "exp_samples": [{"labels": "{}", "value": 1}]})
    };
    let top = root().canonicalize().unwrap();
    let document = json!({
        "rule_files": FILES.map(|file| top.join(FOLDER).join(file)),
        "evaluation_interval": "1m",
        "group_eval_order": ["emberscope-pods", "emberscope-applications", "emberscope-ends"],
        "tests": [{
            "interval": "1m",
            "input_series": (0..EXECUTORS).flat_map(series).collect::<Vec<_>>(),
            "promql_expr_test": [
                found("24m", "SparkContainerNearMemoryLimit"),
                found("24m", "SparkProcessOomKilled"),
                found("24m", "SparkGarbageCollectionHigh"),
                found("24m", "SparkCpuThrottled"),
                found("27m", "SparkExecutorOomKilled"),
            ],
        }],
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.yaml");
    fs::write(&path, document.to_string()).unwrap();
    promtool(&["test", "rules", path.to_str().unwrap()]);
}
