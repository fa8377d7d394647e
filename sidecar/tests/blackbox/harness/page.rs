//! A page as Prometheus reads it: strictly.

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A valid page.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    samples: BTreeMap<String, f64>,
}

impl Page {
    /// Checks the page line by line: HELP, then TYPE, then the samples of one family, no family
    /// and no series twice.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        let (mut samples, mut families) = (BTreeMap::new(), HashSet::new());
        let (mut helped, mut family) = ("", ("", ""));
        assert!(text.ends_with('\n'), "the page is cut off: {:?}", text.lines().last());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                helped = help.split(' ').next().unwrap();
                assert!(families.insert(helped), "{helped} comes twice");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                family = kind.split_once(' ').unwrap();
                assert_eq!(family.0, helped, "TYPE without HELP");
                assert!(["counter", "gauge", "summary", "untyped"].contains(&family.1), "{line}");
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let suffixes: &[&str] =
                    if family.1 == "summary" { &["_sum", "_count"] } else { &[] };
                let base = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
                assert!(
                    name == family.0 || base == Some(family.0),
                    "{line} in the family {family:?}"
                );
                let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
                assert!(samples.insert(series.to_owned(), value).is_none(), "{series} twice");
            }
        }
        Self { text: text.to_owned(), samples }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The value of a series, written as on the page.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        self.samples.get(series).copied()
    }

    /// `emberscope_source_up` of that source.
    #[track_caller]
    pub(crate) fn up(&self, source: &str) -> bool {
        let series = format!("emberscope_source_up{{source=\"{source}\"}}");
        self.value(&series).unwrap_or_else(|| panic!("no {series} in\n{}", self.text)) > 0.0
    }

    /// Whether there is a series whose name begins like that.
    pub(crate) fn has(&self, beginning: &str) -> bool {
        self.samples.keys().any(|series| series.starts_with(beginning))
    }

    /// How often the source failed for that reason.
    pub(crate) fn errors(&self, source: &str, reason: &str) -> f64 {
        let labels = format!("{{reason=\"{reason}\",source=\"{source}\"}}");
        self.value(&format!("emberscope_source_errors_total{labels}")).unwrap_or_default()
    }

    /// Lets `promtool check metrics` read the page, if there is one. It also has opinions on names,
    /// and Spark's own executor metrics are in camel case.
    #[track_caller]
    pub(crate) fn check(&self) {
        let child = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            return;
        };
        child.stdin.take().unwrap().write_all(self.text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let complaints = String::from_utf8(output.stderr).unwrap();
        let other: Vec<&str> = complaints
            .lines()
            .filter(|line| !(line.starts_with("metrics_executor_") && line.contains("camelCase")))
            .collect();
        assert!(other.is_empty(), "promtool: {other:#?}");
    }
}
