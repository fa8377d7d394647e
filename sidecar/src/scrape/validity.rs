//! Whatever users call their metrics, what is served is valid, in both formats.
//!
//! Three readers judge it, none of which shares code with the encoder:
//!
//! | reader | of | checks |
//! |---|---|---|
//! | `promtool check metrics` | text 0.0.4 | syntax, one TYPE a name, no series twice, types and suffixes (Prometheus' `expfmt`) |
//! | `promtool tsdb create-blocks-from openmetrics` | `OpenMetrics` | syntax and escapes, the end (what Prometheus scrapes with) |
//! | [`check`] | `OpenMetrics` | what the specification says beyond that: names that meet by their suffixes, samples of their family alone, values that a type can have |

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;

use super::{MergeOptions, MergedPage, Selection, Text};
use crate::args::{Compat, Profile};
use crate::exposition::{Format, Page, PodLabels};
use crate::sources::spark::push::{Of, Store};
use crate::sources::spark::{Wanted, driver_page, executors_page, servlet};
use crate::sources::{Reading, Repairs};

/// What names are made of.
const WORDS: [&str; 26] = [
    "x", "X", "y", "total", "count", "sum", "bucket", "created", "info", "Number", "Value",
    "Count", "max", "p50", "p99", "m1_rate", "_", "-", ".", ".", ".", "订单", "é", "%", "9", " ",
];

/// Names of users' metrics, and values.
fn metrics() -> impl Strategy<Value = Vec<(String, f64)>> {
    let name = prop::collection::vec(prop::sample::select(&WORDS[..]), 1..6);
    let name = prop_oneof![9 => name.prop_map(|words| words.concat()), 1 => ".{0,12}"];
    let value = prop::sample::select(vec![0.0, 1.5, -2.0, f64::NAN, f64::INFINITY, 1e300]);
    prop::collection::vec((name, value), 0..24)
}

/// What is served when Spark sends these everywhere.
fn served(metrics: &[(String, f64)], full: bool) -> MergedPage {
    let wanted = Wanted {
        application_id: Some("app-20261123073954-0000".to_owned()),
        profile: if full { Profile::Full } else { Profile::Standard },
        compat: Compat::Servlet,
    };
    let (mut driver, mut executors, mut pushes) = (String::new(), String::new(), String::new());
    let types = ["gauges", "counters", "histograms", "timers"];
    for ((name, value), kind) in metrics.iter().zip(types.iter().cycle()) {
        let folded: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        for field in ["Count", "Value", "50thPercentile", "MeanRate"] {
            let name = format!("metrics_app_20261123073954_0000_driver_{folded}_{field}");
            writeln!(driver, "{name}{{type=\"{kind}\"}} {value}").unwrap();
        }
        let labels =
            format!("application_id=\"{name}\", application_name=\"{name}\", executor_id=\"1\"");
        writeln!(executors, "metrics_executor_{folded}{{{labels}}} {value}").unwrap();
        writeln!(pushes, "app-20261123073954-0000.7.{name} {value} 1").unwrap();
    }
    let reading = |page| Reading::new(page, Repairs::default()).page;
    let (mut one, mut two, mut three) = (Page::new(), Page::new(), Page::new());
    driver_page::write(driver.as_bytes(), &wanted, &mut one);
    let mut reader = executors_page::Reader::default();
    reader.feed(executors.as_bytes(), &mut two);
    reader.finish(&mut two);
    let store = Store::default();
    store.take(pushes.as_bytes().split(|byte| *byte == b'\n'), Instant::now());
    store.write(Of::All, &wanted, &mut three);
    let servlet = Arc::new(servlet::write(driver.as_bytes()));
    let pages = vec![reading(one), reading(two), reading(three), servlet];
    let (pod_labels, _) = PodLabels::read(&["team=a".to_owned()], &BTreeSet::new());
    MergedPage::new(pages, Arc::new(MergeOptions { pod_labels, max_series: usize::MAX }))
}

fn text(page: &Arc<MergedPage>, format: Format) -> String {
    let mut text = Text::new(Arc::clone(page), Selection::default(), format);
    let mut out = Vec::new();
    while !text.is_at_end() {
        text.write(usize::MAX, &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// The suffixes of the samples of a type.
fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total", "_created"],
        "summary" => &["", "_count", "_sum", "_created"],
        _ => &[""],
    }
}

/// Whether it is `OpenMetrics`; if not, what is wrong with it.
fn check(text: &str) -> Result<(), String> {
    let text = text.strip_suffix("# EOF\n").ok_or("no end")?;
    let (mut taken, mut series) = (HashMap::new(), HashSet::new());
    let mut family = ("", "");
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            family = declared.split_once(' ').ok_or("no type")?;
            let (name, kind) = family;
            let names: HashSet<String> =
                suffixes(kind).iter().chain(&[""]).map(|end| format!("{name}{end}")).collect();
            for name in names {
                if let Some(other) = taken.insert(name.clone(), declared.to_owned()) {
                    return Err(format!("{declared} and {other} both take {name}"));
                }
            }
        } else if !line.starts_with('#') {
            let (key, value) = line.rsplit_once(' ').ok_or("no value")?;
            let name = key.split('{').next().unwrap_or(key);
            let suffix = name.strip_prefix(family.0).unwrap_or("?");
            if !suffixes(family.1).contains(&suffix) {
                return Err(format!("{name} is none of {family:?}"));
            }
            if !series.insert(key) {
                return Err(format!("{key} is there twice"));
            }
            let value: f64 = value.parse().map_err(|_| format!("{value} is no number"))?;
            let counts = !suffix.is_empty() && !value.is_finite();
            let halves = suffix == "_count" && value.fract() != 0.0;
            if counts || halves || ((!suffix.is_empty() || family.1 == "summary") && value < 0.0) {
                return Err(format!("{line} cannot be"));
            }
        }
    }
    Ok(())
}

/// What Prometheus' own readers say, if they do not like it.
fn promtool(arguments: &[&str], page: &str) -> Result<(), String> {
    let mut promtool = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs promtool (of Prometheus) on the PATH");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let result = promtool.wait_with_output().unwrap();
    // 3: it can read the page, and dislikes a name.
    if matches!(result.status.code(), Some(0 | 3)) {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&result.stderr).into_owned())
}

/// Blocks are made of samples with their times.
fn prometheus_reads(open_metrics: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let (file, blocks) = (folder.path().join("page"), folder.path().join("blocks"));
    let stamped = open_metrics.lines().map(|line| {
        let stamp = if line.starts_with('#') { "" } else { " 1700000000" };
        format!("{line}{stamp}\n")
    });
    std::fs::write(&file, stamped.collect::<String>()).unwrap();
    let paths = [&file, &blocks].map(|path| path.to_str().unwrap());
    promtool(&["tsdb", "create-blocks-from", "openmetrics", paths[0], paths[1]], "")
}

proptest! {
    #[test]
    fn any_names_make_valid_open_metrics_with_the_same_series_as_text(
        metrics in metrics(),
        full: bool,
    ) {
        let page = Arc::new(served(&metrics, full));
        let open = text(&page, Format::OpenMetrics);
        prop_assert_eq!(check(&open), Ok(()), "{}", open);
        let series = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
        };
        prop_assert_eq!(series(&open), series(&text(&page, Format::Text)));
    }
}

proptest! {
    // Each case is two processes.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn prometheus_reads_any_names_in_both_formats(metrics in metrics(), full: bool) {
        let page = Arc::new(served(&metrics, full));
        let (plain, open) = (text(&page, Format::Text), text(&page, Format::OpenMetrics));
        prop_assert_eq!(promtool(&["check", "metrics"], &plain), Ok(()), "{}", plain);
        if page.samples() > 0 {
            prop_assert_eq!(prometheus_reads(&open), Ok(()), "{}", open);
        }
    }
}

#[test]
fn the_readers_refuse_what_is_not_valid() {
    for page in [
        "# TYPE a gauge\na 1\n",
        "# TYPE a gauge\na 1\n# TYPE a counter\na_total 1\n# EOF\n",
        "# TYPE a summary\na_count 1\n# TYPE a_sum gauge\na_sum 1\n# EOF\n",
        "# TYPE a counter\na_total 1\n# TYPE a_created gauge\na_created 1\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a counter\na_total -1\n# EOF\n",
        "# TYPE a summary\na_count 1.5\n# EOF\n",
        "# TYPE a summary\na{quantile=\"0.5\"} -1\n# EOF\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
    ] {
        assert!(check(page).is_err(), "{page}");
    }
    assert_eq!(check("# TYPE a gauge\na 1\n# TYPE a_total unknown\na_total 1\n# EOF\n"), Ok(()));
    assert!(prometheus_reads("# TYPE a gauge\na{b=\"} 1\n# EOF\n").is_err());
    assert_eq!(prometheus_reads("# TYPE a gauge\na{b=\"\"} 1\n# EOF\n"), Ok(()));
    assert!(promtool(&["check", "metrics"], "# TYPE a gauge\n# TYPE a gauge\na 1\n").is_err());
}
