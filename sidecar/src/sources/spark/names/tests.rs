use super::*;

/// The prefix and the key of the last of these names.
fn split(naming: Naming, names: &[&str]) -> Option<(String, String)> {
    let mut prefixes = Prefixes::new(naming);
    prefixes.learn_all(&names.iter().copied());
    let name = names.last()?;
    Some((prefixes.prefix(name)?.to_owned(), prefixes.key(name).to_owned()))
}

fn parts(prefix: &str, key: &str) -> (String, String) {
    (prefix.to_owned(), key.to_owned())
}

#[test]
fn a_namespace_may_hold_driver_itself_or_be_empty() {
    for namespace in
        ["app_1", "my_driver_app", "x_driver_executor", "driver", "_driver_", "v1_2_3", ""]
    {
        let prefix = match namespace {
            "" => "metrics_driver_".to_owned(),
            namespace => format!("metrics_{namespace}_driver_"),
        };
        let names = ["DAGScheduler_job_allJobs_Value", "my_own_driver_thing_Count"]
            .map(|key| format!("{prefix}{key}"));
        let [known, own] = names.each_ref().map(String::as_str);
        let naming = Naming::Servlet;
        assert_eq!(
            split(naming, &[known]).unwrap(),
            parts(&prefix, "DAGScheduler_job_allJobs_Value")
        );
        assert_eq!(
            split(naming, &[known, own]).unwrap(),
            parts(&prefix, "my_own_driver_thing_Count")
        );
        assert_eq!(Owner::new(naming, &prefix), Owner { namespace, executor_id: "driver" });
    }
}

#[test]
fn a_pushed_name_is_split_where_those_are_that_the_catalog_knows() {
    for (namespace, executor_id) in [
        ("app-1", "7"),
        ("", "7"),
        ("", "driver"),
        ("v1.2.3", "7"),
        ("my.driver.app", "driver"),
        ("pre.fix.12", "0"),
        ("executor", "3"),
        ("jvm.4.x", "5"),
    ] {
        let prefix = format!("{namespace}.{executor_id}.");
        let prefix = prefix.trim_start_matches('.');
        for key in ["my.own.metric", "my.9.driver.x", "LoaderSource.rows.count"] {
            let names = [key, "JVMCPU.jvmCpuTime", "executor.runTime.count", key]
                .map(|key| format!("{prefix}{key}"));
            let names = names.each_ref().map(String::as_str);
            assert_eq!(split(Naming::Graphite, &names).unwrap(), parts(prefix, key), "{names:?}");
        }
        let owner = Owner { namespace, executor_id };
        assert_eq!(Owner::new(Naming::Graphite, prefix), owner);
    }
}

#[test]
fn a_name_from_before_there_was_an_id_is_all_key() {
    let names = ["metrics_a_driver_JVMCPU_jvmCpuTime_Value", "metrics_CodeGenerator_x_Count"];
    assert_eq!(
        split(Naming::Servlet, &names).unwrap(),
        parts("metrics_a_driver_", "CodeGenerator_x_Count")
    );
    let names = ["app-1.7.executor.runTime.count", "LoaderSource.rows.count"];
    assert_eq!(
        split(Naming::Graphite, &names).unwrap(),
        parts("app-1.7.", "LoaderSource.rows.count")
    );
}

#[test]
fn without_a_metric_that_the_catalog_knows_the_best_guess_counts() {
    for (names, prefix) in [
        (&["a.driver.7.plugin.x"][..], "a.driver.7."),
        (&["a.1.x.2.y", "a.1.z.w"], "a.1."),
        (&["v1.2.3.7.my.x"], "v1.2.3.7."),
    ] {
        let (found, _) = split(Naming::Graphite, names).unwrap();
        assert_eq!(found, prefix);
    }
    for name in ["", "a", "a.b", "a.b.c", "a.1", "a.1.", "CodeGenerator.x.count"] {
        assert_eq!(split(Naming::Graphite, &[name]), None, "{name}");
    }
}

#[test]
fn another_applications_figures_are_never_the_pods() {
    let pods = Some("spark-000000030tk4ss2g8lm");
    for (namespace, id) in [
        ("spark_000000030tk4ss2g8lm", "spark-000000030tk4ss2g8lm"),
        ("spark_000000030tk4ss2g8ln", "spark-000000030tk4ss2g8ln"),
        ("local_1795418699443", "local-1795418699443"),
        ("my_job", "spark-000000030tk4ss2g8lm"),
        ("spark_processcustomers2024", "spark-000000030tk4ss2g8lm"),
        ("", "spark-000000030tk4ss2g8lm"),
    ] {
        let owner = Owner { namespace, executor_id: "driver" };
        assert_eq!(owner.application_id(pods).as_deref(), Some(id), "{namespace}");
    }
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
        ("x.m.count", "x.m", MetricType::Meter, Field::Count),
        ("x.m.m15_rate", "x.m", MetricType::Meter, Field::Rate("15m")),
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
