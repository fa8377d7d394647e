use super::*;
use crate::args::Profile;
use crate::exposition::{Kind, Part};
use crate::sources::spark::Reason;

/// The page's families: name, kind, and each sample as labels, part and value.
fn read(body: &str, id: Option<&str>) -> (Page, Repairs) {
    let mut page = Page::new();
    let wanted = Wanted { application_id: id.map(str::to_owned), ..Wanted::default() };
    let repairs = write(body.as_bytes(), &wanted, &mut page);
    (page, repairs)
}

fn samples(page: &Page) -> Vec<String> {
    let lines = page.families().iter().flat_map(|family| {
        family.samples.iter().map(move |sample| {
            let (name, suffix) = (&family.name, sample.part.suffix());
            format!("{name}{suffix}{{{}}} {}", page.label_text(sample.labels), sample.value)
        })
    });
    lines.collect()
}

#[test]
fn twins_become_one_and_counts_become_totals() {
    let body = "metrics_app_20261123073954_0000_driver_DAGScheduler_job_allJobs_Number{type=\"gauges\"} 17\n\
        metrics_app_20261123073954_0000_driver_DAGScheduler_job_allJobs_Value{type=\"gauges\"} 17\n\
        metrics_app_20261123073954_0000_driver_appStatus_jobs_failedJobs_Count{type=\"counters\"} 2\n";
    let (page, repairs) = read(body, None);
    let id = "{application_id=\"app-20261123073954-0000\"}";
    let expected = [
        format!("spark_driver_dag_scheduler_jobs_total{id} 17"),
        format!("spark_driver_app_status_failed_jobs_total{id} 2"),
    ];
    assert_eq!(samples(&page), expected);
    assert_eq!(repairs, Repairs::default());
}

#[test]
fn a_timer_becomes_a_summary_in_seconds_with_its_count() {
    let body = "metrics_n_driver_LiveListenerBus_queue_shared_listenerProcessingTime_Count{type=\"timers\"} 285\n\
        metrics_n_driver_LiveListenerBus_queue_shared_listenerProcessingTime_Max{type=\"timers\"} 7\n\
        metrics_n_driver_LiveListenerBus_queue_shared_listenerProcessingTime_999thPercentile{type=\"timers\"} 7.27254082E8\n";
    let (page, repairs) = read(body, Some("n"));
    let name = "spark_driver_live_listener_bus_queue_processing_time_seconds";
    let labels = "application_id=\"n\",queue=\"shared\"";
    let expected = [
        format!("{name}_count{{{labels}}} 285"),
        format!("{name}{{{labels},quantile=\"0.999\"}} 0.727254082"),
    ];
    assert_eq!(samples(&page), expected);
    assert_eq!(page.families()[0].kind, Kind::Summary);
    assert_eq!(repairs, Repairs::default());
}

#[test]
fn the_full_profile_has_what_dropwizard_derives_in_base_units() {
    let timer = "metrics_n_driver_DAGScheduler_messageProcessingTime";
    let body = format!(
        "{timer}_Count{{type=\"timers\"}} 285\n{timer}_Max{{type=\"timers\"}} 7000000\n\
         {timer}_StdDev{{type=\"timers\"}} 2000000\n{timer}_OneMinuteRate{{type=\"timers\"}} 0.5\n\
         {timer}_MeanRate{{type=\"timers\"}} 3\n\
         metrics_n_driver_LiveListenerBus_numEventsPosted_FiveMinuteRate{{type=\"counters\"}} 9\n\
         metrics_n_driver_LiveListenerBus_numEventsPosted_Max{{type=\"counters\"}} 9\n"
    );
    let mut page = Page::new();
    let wanted = Wanted {
        application_id: Some("n".to_owned()),
        profile: Profile::Full,
        ..Wanted::default()
    };
    let repairs = write(body.as_bytes(), &wanted, &mut page);
    let name = "spark_driver_dag_scheduler_message_processing_time_seconds";
    let id = "application_id=\"n\"";
    let expected = [
        format!("{name}_count{{{id}}} 285"),
        format!("{name}_max{{{id}}} 0.007"),
        format!("{name}_stddev{{{id}}} 0.002"),
        format!("{name}_events_per_second{{{id},window=\"1m\"}} 0.5"),
        format!("{name}_events_per_second{{{id},window=\"all\"}} 3"),
        format!(
            "spark_driver_live_listener_bus_posted_events_events_per_second{{{id},window=\"5m\"}} 9"
        ),
    ];
    assert_eq!(samples(&page), expected);
    // A counter has no greatest.
    assert_eq!(repairs.count(Reason::Malformed), 1);
}

#[test]
fn an_unknown_metric_keeps_its_words() {
    let body = "metrics_n_driver_plugin_org_acme_S3Plugin_openFiles_Value{type=\"gauges\"} 3\n\
        metrics_n_driver_plugin_org_acme_S3Plugin_calls_Count{type=\"counters\"} 4\n\
        metrics_n_driver_plugin_org_acme_S3Plugin_bytes_Count{type=\"counters\"} 4\n\
        metrics_n_driver_plugin_org_acme_S3Plugin_bytes_MeanRate{type=\"counters\"} 4\n\
        metrics_n_driver_plugin_org_acme_S3Plugin_get_Count{type=\"timers\"} 5\n\
        metrics_n_driver_AccumulatorSource_my_total_Value{type=\"gauges\"} 6\n\
        metrics_n_driver_DAGScheduler_job_allJobs_Count{type=\"histograms\"} 7\n";
    let (page, _) = read(body, Some("n"));
    let names: Vec<_> = page.families().iter().map(|f| (&*f.name, f.kind)).collect();
    let expected = [
        ("spark_driver_plugin_org_acme_s3_plugin_open_files", Kind::Gauge),
        ("spark_driver_plugin_org_acme_s3_plugin_calls", Kind::Gauge),
        ("spark_driver_plugin_org_acme_s3_plugin_bytes_total", Kind::Counter),
        ("spark_driver_plugin_org_acme_s3_plugin_get_seconds", Kind::Summary),
        ("spark_driver_accumulator_source_my_total_value", Kind::Gauge),
        ("spark_driver_dag_scheduler_job_all_jobs", Kind::Summary),
    ];
    assert_eq!(names, expected);
    assert!(page.families().iter().all(|family| family.help.contains("does not know")));
}

#[test]
fn the_older_name_of_an_exclusion_counts_where_the_newer_is_missing() {
    let older =
        "metrics_n_driver_appStatus_tasks_blackListedExecutors_Count{type=\"counters\"} 1\n";
    let newer = "metrics_n_driver_appStatus_tasks_excludedExecutors_Count{type=\"counters\"} 2\n";
    let name = "spark_driver_app_status_excluded_executors_total{application_id=\"n\"}";
    let (page, repairs) = read(older, Some("n"));
    assert_eq!((samples(&page), repairs), (vec![format!("{name} 1")], Repairs::default()));
    let (page, repairs) = read(&format!("{older}{newer}"), Some("n"));
    assert_eq!((samples(&page), repairs), (vec![format!("{name} 2")], Repairs::default()));
}

#[test]
fn values_that_are_no_numbers_are_left_out() {
    let body = "metrics_n_driver_BlockManager_disk_diskSpaceUsed_MB_Value{type=\"gauges\"} null\r\n\
        metrics_n_driver_AccumulatorSource_x_Value{type=\"gauges\"} [1, 2]\r\n\
        metrics_n_driver_BlockManager_memory_maxMem_MB_Value{type=\"gauges\"} 2\r\n";
    let (page, repairs) = read(body, Some("n"));
    let expected = "spark_driver_block_manager_max_memory_bytes{application_id=\"n\"} 2097152";
    assert_eq!(samples(&page), [expected]);
    assert_eq!(repairs.count(Reason::NotANumber), 2);
}

#[test]
fn users_names_are_limited_in_number() {
    let line =
        |n| format!("metrics_n_driver_AccumulatorSource_id{n}x_Value{{type=\"gauges\"}} 1\n");
    let lines: Vec<_> = (0..2000).map(line).collect();
    let (page, repairs) = read(&lines.concat(), Some("n"));
    assert_eq!(page.families().len(), 512);
    assert_eq!(repairs.count(Reason::TooMany), 2000 - 512);
}

#[test]
fn a_name_of_another_type_is_left_out() {
    let mut page = Page::new();
    page.gauge("spark_driver_dag_scheduler_jobs_total", "Not Spark's.", &[], 1.0);
    let body = b"metrics_n_driver_DAGScheduler_job_allJobs_Value{type=\"gauges\"} 17";
    let repairs = write(body, &Wanted::default(), &mut page);
    assert_eq!((samples(&page).len(), repairs.count(Reason::NameTaken)), (1, 1));
    assert_eq!(page.families()[0].samples[0].part, Part::Value);
}

#[test]
fn a_field_that_the_type_does_not_have_is_left_out() {
    for line in ["x_Value{type=\"timers\"} 1", "x_Count{type=\"gauges\"} 1"] {
        let (page, repairs) = read(&format!("metrics_n_driver_plugin_{line}\n"), None);
        assert_eq!((page.is_empty(), repairs.count(Reason::Malformed)), (true, 1), "{line}");
    }
}

#[test]
fn a_namespace_that_is_no_id_is_no_label() {
    // The last: where Spark knew neither an id nor a namespace.
    for prefix in ["metrics_fromfile_driver_", "metrics_driver_", "metrics_"] {
        let body = format!("{prefix}JVMCPU_jvmCpuTime_Value{{type=\"gauges\"}} 16310000000\n");
        let (page, _) = read(&body, None);
        assert_eq!(samples(&page), ["spark_driver_jvm_cpu_seconds_total{} 16.31"], "{prefix}");
    }
}

#[test]
fn a_summary_of_a_users_source_never_takes_the_series_of_another() {
    let line = |metric: &str, field: &str, value: &str| {
        format!("metrics_n_driver_plugin_{metric}_{field}{{type=\"histograms\"}} {value}\n")
    };
    let body = [
        line("y", "Count", "1"),
        line("y_count", "Count", "2"),
        line("y_count", "50thPercentile", "3"),
    ];
    let (page, _) = read(&body.concat(), None);
    let names: Vec<String> = samples(&page)
        .iter()
        .filter_map(|sample| sample.split('{').next().map(str::to_owned))
        .collect();
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), names.len(), "{names:?}");
    let summaries: Vec<&str> = page.families().iter().map(|family| &*family.name).collect();
    assert!(summaries.iter().all(|name| !name.ends_with("_count")), "{summaries:?}");
}

#[test]
fn a_counter_that_is_no_count_is_left_out() {
    let body = "metrics_n_driver_appStatus_jobs_failedJobs_Count{type=\"counters\"} -3\n\
        metrics_n_driver_appStatus_jobs_failedJobs_Count{type=\"counters\"} 1e400\n\
        metrics_n_driver_executor_runTime_Count{type=\"counters\"} -3\n\
        metrics_n_driver_appStatus_jobDuration_Value{type=\"gauges\"} -1\n\
        metrics_n_driver_DAGScheduler_messageProcessingTime_Count{type=\"timers\"} NaN\n\
        metrics_n_driver_appStatus_jobs_succeededJobs_Count{type=\"counters\"} 4\n";
    let (page, _) = read(body, None);
    assert_eq!(samples(&page).len(), 1, "{:?}", samples(&page));
    // That the last job has no duration yet is no fault.
    assert_eq!(page.impossible(), 4);
}
