use std::collections::HashMap;

use super::*;

fn found(key: &str) -> Option<(&'static str, Option<String>)> {
    find(key).map(|(known, label)| (known.entry.name, label))
}

#[test]
fn names_are_in_snake_case_with_their_unit_and_total_on_counters_only() {
    for entry in entries() {
        let name = entry.name;
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(name.bytes().all(valid) && !name.contains("__"), "{name}");
        assert_eq!(name.ends_with("_total"), entry.kind == Kind::Counter, "{name}");
        let base = name.trim_end_matches("_total");
        let unit = match (entry.shape, entry.unit) {
            (Shape::Timer, _) | (_, Unit::Milliseconds | Unit::Nanoseconds) => "_seconds",
            (_, Unit::Mebibytes) => "_bytes",
            (_, Unit::Base) => "",
        };
        assert!(base.ends_with(unit), "{name}");
        for reserved in ["_count", "_sum", "_bucket", "_info", "_created"] {
            assert!(!base.ends_with(reserved), "{name}");
        }
    }
}

#[test]
fn each_name_has_one_kind_and_one_meaning() {
    let mut kinds = HashMap::new();
    for entry in entries() {
        let name = entry.name.trim_end_matches("_total");
        let kind = *kinds.entry(name).or_insert(entry.kind);
        assert_eq!(kind, entry.kind, "{name}");
        let same = entries().filter(|other| other.name == entry.name && !other.older_name);
        assert_eq!(same.count(), 1, "{name}");
    }
    let sum = |entry: &&Entry| matches!(entry.kind, Kind::Summary);
    for summary in entries().filter(sum) {
        assert!(!kinds.contains_key(&*format!("{}_count", summary.name)), "{}", summary.name);
    }
}

#[test]
fn help_is_a_sentence_with_the_original_name() {
    for entry in entries() {
        assert!(entry.help.ends_with('.') && !entry.help.contains('\n'), "{}", entry.name);
        assert!(entry.help().contains(&format!("{}.{}", entry.source, entry.metric)));
    }
    let help = |name| entries().find(|entry| entry.name == name).unwrap().help();
    assert_eq!(
        help("block_manager_used_disk_bytes"),
        "Disk space that holds blocks. Spark's BlockManager.disk.diskSpaceUsed_MB, there in MB."
    );
    assert_eq!(
        help("dag_scheduler_running_stages"),
        "Stages that are running. Spark's DAGScheduler.stage.runningStages."
    );
}

#[test]
fn labels_come_from_the_varying_part() {
    for (key, name, label) in [
        ("DAGScheduler_job_allJobs", "dag_scheduler_jobs_total", None),
        ("jvm_direct_count", "jvm_direct_buffers", None),
        ("jvm_G1_Old_Generation_count", "jvm_gc_collections_total", Some("G1 Old Generation")),
        ("jvm_pools_G1_Old_Gen_used", "jvm_pool_used_bytes", Some("G1 Old Gen")),
        ("jvm_pools_G1_Old_Gen_used_after_gc", "jvm_pool_used_after_gc_bytes", Some("G1 Old Gen")),
        (
            "executor_filesystem_s3a_read_ops",
            "executor_filesystem_read_operations_total",
            Some("s3a"),
        ),
        ("LiveListenerBus_queue_a_b_size", "live_listener_bus_queue_size", Some("a_b")),
        (
            "spark_streaming_x_latency_latency",
            "structured_streaming_latency_seconds",
            Some("x_latency"),
        ),
        ("my_app_StreamingMetrics_streaming_receivers", "dstream_receivers", None),
    ] {
        assert_eq!(found(key), Some((name, label.map(str::to_owned))), "{key}");
    }
    let verbose = "NettyBlockTransfer_shuffle_client_directArena0_numAllocations";
    for key in ["", "DAGScheduler", "jvm_heap", "LiveListenerBus_queue_size", "plugin_x_y", verbose]
    {
        assert_eq!(found(key), None, "{key}");
    }
}

#[test]
fn every_entry_is_found_by_its_own_name() {
    for entry in entries() {
        let key = format!("{}.{}", entry.source, entry.metric);
        let key = key.replace(['<', '>'], "");
        let (known, label) = find(&fold(&key)).unwrap();
        assert_eq!(known.entry, entry);
        assert_eq!(label.is_some(), entry.label.is_some());
    }
}

#[test]
fn sources_are_known_by_their_first_words() {
    for key in ["executor_runTime", "spark_streaming_q_latency", "plugin_a_B_c", "jvm_heap_used"] {
        assert!(is_source(key), "{key}");
    }
    for key in ["executors_x", "myapp_executor_runTime", ""] {
        assert!(!is_source(key), "{key}");
    }
}

#[test]
fn the_executor_is_not_named_twice() {
    assert_eq!(Scope::Driver.name("executor_x_total"), "spark_driver_executor_x_total");
    assert_eq!(Scope::Executor.name("executor_x_total"), "spark_executor_x_total");
    assert_eq!(Scope::Executor.name("jvm_x"), "spark_executor_jvm_x");
}
