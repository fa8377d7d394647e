use std::collections::HashMap;

use super::*;
use crate::sources::spark::names::fold;

fn found(key: &str) -> Option<(&'static str, &str)> {
    find(key).map(|found| (&found.metric.names[0]["spark_driver_".len()..], found.part))
}

#[test]
fn names_are_in_snake_case_with_their_unit_and_total_on_counters_only() {
    for entry in metrics() {
        let name = entry.names[0];
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(name.bytes().all(valid) && !name.contains("__"), "{name}");
        assert_eq!(name.ends_with("_total"), entry.kind == Kind::Counter, "{name}");
        let base = name.trim_end_matches("_total");
        let unit = match (entry.metric_type, entry.unit) {
            (MetricType::Timer, _) | (_, Unit::ms | Unit::ns) => "_seconds",
            (_, Unit::MB) => "_bytes",
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
    for entry in metrics() {
        let name = entry.names[0].trim_end_matches("_total");
        let kind = *kinds.entry(name).or_insert(entry.kind);
        assert_eq!(kind, entry.kind, "{name}");
        let same = metrics().filter(|other| other.names[0] == entry.names[0] && !other.older_name);
        assert_eq!(same.count(), 1, "{name}");
    }
    let sum = |entry: &&Metric| matches!(entry.kind, Kind::Summary);
    for summary in metrics().filter(sum) {
        assert!(
            !kinds.contains_key(&*format!("{}_count", summary.names[0])),
            "{}",
            summary.names[0]
        );
    }
}

#[test]
fn help_is_a_sentence_with_the_original_name() {
    for entry in metrics() {
        assert!(entry.help.ends_with('.') && !entry.help.contains('\n'), "{}", entry.names[0]);
        assert!(entry.help.contains(entry.metric), "{}", entry.names[0]);
    }
    let help = |name| metrics().find(|entry| entry.names[0] == name).unwrap().help;
    assert_eq!(
        help("spark_driver_block_manager_used_disk_bytes"),
        "Disk space that holds blocks. Spark's BlockManager.disk.diskSpaceUsed_MB, there in MB."
    );
    assert_eq!(
        help("spark_driver_dag_scheduler_running_stages"),
        "Stages that are running. Spark's DAGScheduler.stage.runningStages."
    );
}

#[test]
fn labels_come_from_the_varying_part() {
    for (key, name, label) in [
        ("DAGScheduler_job_allJobs", "dag_scheduler_jobs_total", ""),
        ("jvm_direct_count", "jvm_direct_buffers", ""),
        ("jvm_G1_Old_Generation_count", "jvm_gc_collections_total", "G1_Old_Generation"),
        ("jvm_pools_G1_Old_Gen_used", "jvm_pool_used_bytes", "G1_Old_Gen"),
        ("jvm_pools_G1_Old_Gen_used_after_gc", "jvm_pool_used_after_gc_bytes", "G1_Old_Gen"),
        ("executor_filesystem_s3a_read_ops", "executor_filesystem_read_operations_total", "s3a"),
        ("LiveListenerBus_queue_a_b_size", "live_listener_bus_queue_size", "a_b"),
        ("spark_streaming_x_latency_latency", "structured_streaming_latency_seconds", "x_latency"),
        ("my_app_StreamingMetrics_streaming_receivers", "dstream_receivers", "my_app"),
    ] {
        assert_eq!(found(key), Some((name, label)), "{key}");
    }
    let verbose = "NettyBlockTransfer_shuffle_client_directArena0_numAllocations";
    for key in ["", "DAGScheduler", "jvm_heap", "LiveListenerBus_queue_size", "plugin_x_y", verbose]
    {
        assert_eq!(found(key), None, "{key}");
    }
}

#[test]
fn every_entry_is_found_by_its_own_name() {
    for entry in metrics() {
        // As its help tells it: `Spark's <source>.<metric>.`, or `..., there in ms.`
        let (_, key) = entry.help.rsplit_once("Spark's ").unwrap();
        let (key, _) = key.split_once(", ").unwrap_or((key.trim_end_matches('.'), ""));
        let key = key.replace(['<', '>'], "");
        for key in [fold(&key).into_owned(), key] {
            let Found { metric, part, .. } = find(&key).unwrap();
            assert_eq!(metric, entry, "{key}");
            assert!(entry.label.is_none() || !part.is_empty(), "{key}");
        }
    }
}

#[test]
fn the_executor_is_not_named_twice() {
    for (key, driver, executor) in [
        (
            "executor_resultSize",
            "spark_driver_executor_result_bytes_total",
            "spark_executor_result_bytes_total",
        ),
        (
            "JVMCPU_jvmCpuTime",
            "spark_driver_jvm_cpu_seconds_total",
            "spark_executor_jvm_cpu_seconds_total",
        ),
    ] {
        let Found { metric, .. } = find(key).unwrap();
        assert_eq!([Role::Driver, Role::Executor].map(|of| metric.name(of)), [driver, executor]);
    }
}

#[test]
fn units_become_base_units() {
    for (unit, value, base) in [
        (Unit::MB, 1303.0, 1_366_294_528.0),
        (Unit::ms, 272.0, 0.272),
        (Unit::ns, 16_310_000_000.0, 16.31),
        (Unit::Base, -1.0, -1.0),
    ] {
        assert_eq!(unit.convert(value).to_bits(), f64::to_bits(base), "{value} {unit:?}");
    }
}
