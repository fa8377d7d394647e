use super::*;

#[test]
fn words_are_told_by_their_capitals() {
    for (key, words) in [
        ("BlockManager_memory_maxMem_MB", "block_manager_memory_max_mem_mb"),
        ("DAGScheduler_job_allJobs", "dag_scheduler_job_all_jobs"),
        ("JVMCPU_jvmCpuTime", "jvmcpu_jvm_cpu_time"),
        ("plugin_org_acme_S3Metrics__x_", "plugin_org_acme_s3_metrics_x"),
        ("_a__B", "a_b"),
        ("9lives", "9lives"),
        ("shop.订单", "shop_u8ba2_u5355"),
        ("shop.größe", "shop_gr_u00f6_u00df_e"),
        ("Größe.ÜberNacht", "gr_u00f6_u00df_e_u00dc_ber_nacht"),
        ("shop.%", "shop_u0025"),
        ("shop.+", "shop_u002b"),
        ("shop.a+b", "shop_a_b"),
        ("._.", ""),
        ("", ""),
    ] {
        assert_eq!(snake_case(key), words, "{key}");
    }
}

#[test]
fn endings_that_mean_something_are_covered() {
    assert_eq!(plain("a_count".into()), "a_count_value");
    assert_eq!(plain("a_counted".into()), "a_counted");
}

#[test]
fn what_was_folded_is_put_back_where_it_can_be_told() {
    for (label, part, value) in [
        (Label::Pool, "G1_Eden_Space", "G1 Eden Space"),
        (Label::Pool, "CodeHeap__non_nmethods_", "CodeHeap 'non-nmethods'"),
        (Label::Pool, "CodeHeap__non_profiled_nmethods_", "CodeHeap 'non-profiled nmethods'"),
        (Label::Collector, "PS_MarkSweep", "PS MarkSweep"),
        (
            Label::Listener,
            "org_apache_spark_HeartbeatReceiver",
            "org.apache.spark.HeartbeatReceiver",
        ),
        (
            Label::Query,
            "a454b9ef_0d70_4a02_9d10_7c37b1cd498c",
            "a454b9ef-0d70-4a02-9d10-7c37b1cd498c",
        ),
        (Label::Query, "My_q_1", "My_q_1"),
        (Label::Queue, "appStatus", "appStatus"),
    ] {
        assert_eq!(label_value(label, part), value);
    }
}
