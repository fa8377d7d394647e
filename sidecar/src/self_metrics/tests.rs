use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::exposition::Kind;
use crate::exposition::PodLabels;
use crate::scrape::{Failure, Figures, Frame, Source};

fn own() -> Own {
    Own::new(Role::Driver)
}

fn text(own: &Own) -> String {
    let mut out = Vec::new();
    crate::exposition::encode::text(&own.page(), &mut out);
    String::from_utf8(out).unwrap()
}

fn report(source: Source, result: Result<Figures, Failure>) -> Report {
    Report { source, took: Duration::from_millis(250), result }
}

#[test]
fn the_page_has_what_the_table_says_and_nothing_else() {
    let own = own();
    own.source(&report(Source::DriverPage, Ok(Figures::default())));
    own.source(&report(Source::Cgroup, Err(Failure::deadline())));
    let mut page = Page::new();
    page.gauge("spark_a", "A.", &[], 1.0);
    let nothing = Frame { pod_labels: PodLabels::default(), max_series: 0 };
    let sheets = Sheets::merge(vec![Arc::new(page)], Arc::new(nothing));
    own.round(Duration::ZERO, false, &sheets);
    let text = text(&own);
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
    let own = own();
    own.source(&report(Source::DriverPage, Ok(Figures::default())));
    own.source(&report(Source::Cgroup, Err(Failure::deadline())));
    own.source(&report(Source::Cgroup, Err(Failure::deadline())));
    let text = text(&own);
    for line in [
        "emberscope_source_up{source=\"driver_page\"} 1",
        "emberscope_source_up{source=\"cgroup\"} 0",
        "emberscope_source_errors_total{reason=\"deadline\",source=\"cgroup\"} 2",
        "emberscope_source_duration_seconds{source=\"cgroup\"} 0.25",
    ] {
        assert!(text.lines().any(|has| has == line), "{line} is not in\n{text}");
    }
}
