use std::collections::BTreeSet;

use super::*;
use crate::exposition::{Kind, encode};
use crate::sources::Failure;

const TOOK: Duration = Duration::from_millis(250);

/// The page after these reports, each of which was counted.
fn text(reports: Vec<Report>) -> String {
    let own = SelfMetrics::new(Role::Driver);
    let reports: Vec<Arc<Report>> = reports.into_iter().map(Arc::new).collect();
    for report in &reports {
        own.report(report);
    }
    let cut = vec![("spark_a", 1)];
    let round = Round { reports: &reports, took: TOOK, spark_ended: false, samples: 1, cut };
    let mut out = Vec::new();
    encode::text(&own.page(&round), &mut out);
    String::from_utf8(out).unwrap()
}

fn good(source: &'static str) -> Report {
    Report { source, reasons: &["refused"], took: TOOK, result: Ok(Reading::default()) }
}

#[test]
fn the_page_has_what_the_table_says_and_nothing_else() {
    let kernel = Reading { unparsed_lines: Some(0), ..Reading::default() };
    let kernel = Report { result: Ok(kernel), ..good("processes") };
    let text = text(vec![good("driver_page"), kernel, Report::late("cgroup", TOOK)]);
    assert!(text.contains("emberscope_cut_samples{family=\"spark_a\"} 1\n"), "{text}");
    let types: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let expected: Vec<String> =
        TABLE.iter().map(|metric| format!("{} {}", metric.name, metric.kind.as_str())).collect();
    assert_eq!(types, expected.iter().map(String::as_str).collect());
    for metric in TABLE {
        assert!(text.contains(&format!("# HELP {} {}\n", metric.name, metric.help)));
        for label in metric.labels {
            let samples = text.lines().filter(|line| line.starts_with(metric.name));
            assert!(samples.into_iter().all(|line| line.contains(&format!("{label}=\""))));
        }
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{metric:?}");
        assert!(metric.help.ends_with('.') && metric.name.starts_with("emberscope_"));
    }
}

#[test]
fn a_source_that_fails_is_down_and_its_reason_is_counted() {
    let late = || Report::late("cgroup", TOOK);
    let text = text(vec![good("driver_page"), late(), late()]);
    for line in [
        "emberscope_source_up{source=\"driver_page\"} 1",
        "emberscope_source_up{source=\"cgroup\"} 0",
        "emberscope_source_errors_total{reason=\"deadline\",source=\"cgroup\"} 2",
        "emberscope_source_duration_seconds{source=\"cgroup\"} 0.25",
    ] {
        assert!(text.lines().any(|has| has == line), "{line} is not in\n{text}");
    }
}

#[test]
fn an_error_is_counted_from_zero_on() {
    let text = text(vec![good("driver_page"), Report::late("cgroup", TOOK)]);
    for (source, reason, count) in [
        ("driver_page", "refused", 0),
        ("driver_page", "deadline", 0),
        ("driver_page", "panicked", 0),
        ("cgroup", "deadline", 1),
    ] {
        let line = format!(
            "emberscope_source_errors_total{{reason=\"{reason}\",source=\"{source}\"}} {count}"
        );
        assert!(text.lines().any(|has| has == line), "{line} is not in\n{text}");
    }
}

#[test]
fn lines_that_the_kernel_wrote_and_nobody_can_read_are_counted_from_zero_on() {
    let report = |source: &'static str, lines| {
        let reading = Reading { unparsed_lines: Some(lines), ..Reading::default() };
        Report { result: Ok(reading), ..good(source) }
    };
    let failed = Failure { unparsed_lines: Some(3), ..Failure::new("nothing_readable", "") };
    let failed = Report { result: Err(failed), ..good("cgroup") };
    let text = text(vec![report("cgroup", 2), failed, report("processes", 0), good("push")]);
    let counted: Vec<&str> =
        text.lines().filter(|line| line.starts_with("emberscope_unparsed_lines_total")).collect();
    let expected = [
        "emberscope_unparsed_lines_total{source=\"cgroup\"} 5",
        "emberscope_unparsed_lines_total{source=\"processes\"} 0",
    ];
    assert_eq!(counted, expected);
}
