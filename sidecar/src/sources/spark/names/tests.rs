use super::*;

fn key(names: &[&'static str], id: Option<&str>, name: &'static str) -> &'static str {
    Prefix::learn(names.iter().copied(), id).key(name)
}

#[test]
fn a_namespace_may_hold_driver_itself() {
    for namespace in ["app_1", "my_driver_app", "x_driver_executor", "driver", "_driver_"] {
        let names: Vec<String> = ["DAGScheduler_job_allJobs_Value", "my_own_driver_thing_Count"]
            .iter()
            .map(|key| format!("metrics_{namespace}_driver_{key}"))
            .collect();
        let prefix = Prefix::learn(names.iter().map(String::as_str), None);
        assert_eq!(prefix.key(&names[0]), "DAGScheduler_job_allJobs_Value", "{namespace}");
        assert_eq!(prefix.key(&names[1]), "my_own_driver_thing_Count", "{namespace}");
    }
}

#[test]
fn the_application_id_decides_where_it_is_known() {
    let names = ["metrics_a_driver_driver_plugin_x_Value"];
    assert_eq!(key(&names, Some("a"), names[0]), "driver_plugin_x_Value");
    assert_eq!(key(&names, Some("a-driver"), names[0]), "plugin_x_Value");
    assert_eq!(key(&names, Some("other"), names[0]), "plugin_x_Value");
}

#[test]
fn a_name_without_a_driver_is_all_key() {
    assert_eq!(key(&[], None, "metrics_CodeGenerator_x_Count"), "CodeGenerator_x_Count");
    assert_eq!(key(&[], None, "metrics_a_driver_"), "a_driver_");
}

#[test]
fn only_what_looks_like_an_id_is_one() {
    for (namespace, id) in [
        ("app_20261123073954_0000", Some("app-20261123073954-0000")),
        ("local_1795418699443", Some("local-1795418699443")),
        ("spark_000000030tk4ss2g8lm", Some("spark-000000030tk4ss2g8lm")),
        ("spark-5a1f0c7d2e9b4f6a8c3d1e0f9a7b6c5d", Some("spark-5a1f0c7d2e9b4f6a8c3d1e0f9a7b6c5d")),
        ("spark_application_1795418699443", Some("spark-application-1795418699443")),
        ("application_1795418699443_0001", Some("application_1795418699443_0001")),
        ("spark_etl", None),
        ("spark_streamingapplication", None),
        ("app_1", None),
        ("fromfile", None),
        ("", None),
    ] {
        assert_eq!(application_id(namespace).as_deref(), id, "{namespace}");
    }
}

#[test]
fn a_pushed_name_is_split_at_the_executor_id() {
    let split = |name| PushedName::split(name).map(|p| (p.namespace, p.executor_id, p.key));
    for (name, parts) in [
        ("app-1.0.executor.runTime.count", ("app-1", "0", "executor.runTime.count")),
        ("pre.fix.my.app.12.jvm.heap.used", ("pre.fix.my.app", "12", "jvm.heap.used")),
        ("v1.2.3.7.JVMCPU.jvmCpuTime", ("v1.2.3", "7", "JVMCPU.jvmCpuTime")),
        ("ns.driver.DAGScheduler.job.allJobs", ("ns", "driver", "DAGScheduler.job.allJobs")),
        ("ns.3.my.own.metric", ("ns", "3", "my.own.metric")),
    ] {
        assert_eq!(split(name), Some(parts), "{name}");
    }
    for name in ["", "a", "a.b", "a.b.c", "a.1", "a.1.", "CodeGenerator.x.count"] {
        assert_eq!(split(name), None, "{name}");
    }
}

#[test]
fn fields_of_the_driver_page_are_split_off() {
    for (name, base, field) in [
        ("a_Count", "a", Field::Count),
        ("a_Max_Value", "a_Max", Field::Value),
        ("a_Number_Number", "a_Number", Field::Twin),
        ("a_99thPercentile", "a", Field::Quantile("0.99")),
        ("a_999thPercentile", "a", Field::Quantile("0.999")),
        ("a_FifteenMinuteRate", "a", Field::Rate("15m")),
    ] {
        assert_eq!(servlet_field(name), Some((base, field)), "{name}");
    }
    assert_eq!(servlet_field("a_value"), None);
    assert_eq!(servlet_field("_Count"), None);
}

#[test]
fn the_type_is_told_among_other_labels_too() {
    assert_eq!(type_label(b"type=\"timers\""), Some(MetricType::Timer));
    assert_eq!(type_label(b"instance=\"a\", type=\"gauges\", x=\"\""), Some(MetricType::Gauge));
    assert_eq!(type_label(b"type=\"other\""), None);
    assert_eq!(type_label(b"quantile=\"0.5\""), None);
}

#[test]
fn a_graphite_name_is_read_with_the_others_of_its_metric() {
    let names = ["x.t.p50", "x.t.m1_rate", "x.h.p50", "x.m.m1_rate", "x.m.count"];
    let has = |name: &str| names.contains(&name);
    for (name, key, of, field) in [
        ("x.t.p999", "x.t", MetricType::Timer, Field::Quantile("0.999")),
        ("x.t.mean_rate", "x.t", MetricType::Timer, Field::Rate("all")),
        ("x.h.count", "x.h", MetricType::Histogram, Field::Count),
        ("x.m.count", "x.m", MetricType::Counter, Field::Count),
        ("x.m.m15_rate", "x.m", MetricType::Counter, Field::Rate("15m")),
        ("x.c.count", "x.c", MetricType::Counter, Field::Count),
        ("x.g.max", "x.g.max", MetricType::Gauge, Field::Value),
        ("x.g", "x.g", MetricType::Gauge, Field::Value),
        ("jvm.direct.count", "jvm.direct.count", MetricType::Gauge, Field::Value),
        ("jvm.heap.max", "jvm.heap.max", MetricType::Gauge, Field::Value),
        (
            "jvm.G1-Old-Generation.count",
            "jvm.G1-Old-Generation.count",
            MetricType::Gauge,
            Field::Value,
        ),
        (
            "CodeGenerator.compilationTime.max",
            "CodeGenerator.compilationTime",
            MetricType::Histogram,
            Field::Statistic("max"),
        ),
    ] {
        assert_eq!(MetricField::of_graphite(name, has), MetricField { key, of, field }, "{name}");
    }
}
