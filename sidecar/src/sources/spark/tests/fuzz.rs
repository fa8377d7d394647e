//! Whatever comes in, what goes out is a valid page.

use std::time::Instant;

use proptest::prelude::*;

use super::{Of, Page, Store, Wanted, checker, driver, encode, executors_page, promtool};
use crate::args::Profile;

/// Pieces of what Spark sends, and of what breaks it.
const PIECES: [&str; 34] = [
    "metrics_",
    "app_20261123073954_0000",
    "_driver_",
    "executor_",
    "metrics_executor_",
    "DAGScheduler_job_allJobs",
    "DAGScheduler_messageProcessingTime",
    "jvm_pools_x_used",
    "plugin_x",
    "_Value",
    "_Number",
    "_Count",
    "_99thPercentile",
    "_Max",
    "_total",
    "_count",
    "spark_info",
    "{type=\"gauges\"}",
    "{type=\"counters\"}",
    "{type=\"histograms\"}",
    "{type=\"timers\"}",
    "{application_id=\"a\", application_name=\"",
    "\", executor_id=\"",
    "\"}",
    " 12",
    " null",
    " NaN 1",
    " 2.8E7",
    "\n",
    "\r\n",
    "# TYPE metrics_x counter\n",
    "\"",
    "\\",
    ", x=\"",
];

/// Lines of Spark's, whole and broken, and bytes that are neither.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A captured page with some of its bytes changed, cut out or put in.
fn broken(page: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let change =
        (any::<prop::sample::Index>(), 0usize..40, prop::collection::vec(any::<u8>(), 0..4));
    let size = page.len().min(12_000);
    prop::collection::vec(change, 1..12).prop_map(move |changes| {
        let mut text = page.as_bytes()[..size].to_vec();
        for (at, length, bytes) in changes {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, bytes);
            text.push(b'\n');
        }
        text
    })
}

/// The page that all three sources make of these bytes.
fn served(text: &[u8], application_id: Option<&str>) -> String {
    served_with(
        text,
        &Wanted { application_id: application_id.map(str::to_owned), ..Wanted::default() },
    )
}

fn served_with(text: &[u8], wanted: &Wanted) -> String {
    let store = Store::default();
    store.take(text.split(|byte| *byte == b'\n'), Instant::now());
    let mut page = Page::new();
    driver::write(text, wanted, &mut page);
    executors_page(text, &mut page);
    store.write(Of::All, wanted, &mut page);
    page.drop_duplicates();
    let mut out = Vec::new();
    encode::text(&page, &mut out);
    String::from_utf8(out).unwrap()
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/servlet/", $name))
    };
}

proptest! {
    #[test]
    fn pieces_of_spark_become_a_valid_page(text in text(), id in prop::option::of(".{0,6}")) {
        prop_assert_eq!(checker::check(&served(&text, id.as_deref())), Ok(()));
    }

    #[test]
    fn broken_pages_of_spark_become_a_valid_page(
        text in prop_oneof![
            broken(fixture!("spark-4.3.0-driver.prom")),
            broken(fixture!("spark-3.5.6-localcluster-executors.prom")),
            broken(fixture!("spark-3.5.6-executor.graphite")),
        ],
    ) {
        prop_assert_eq!(checker::check(&served(&text, None)), Ok(()));
    }

    #[test]
    fn any_bytes_become_a_valid_page(text in prop::collection::vec(any::<u8>(), 0..500)) {
        prop_assert_eq!(checker::check(&served(&text, None)), Ok(()));
    }
}

proptest! {
    // Each case is a process.
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn prometheus_itself_can_read_what_becomes_of_broken_pages(
        text in prop_oneof![
            text(),
            broken(fixture!("spark-4.3.0-driver.prom")),
            broken(fixture!("spark-3.5.6-localcluster-executors.prom")),
            broken(fixture!("spark-3.5.6-executor.graphite")),
        ],
        full: bool,
    ) {
        let profile = if full { Profile::Full } else { Profile::Standard };
        let page = served_with(&text, &Wanted { profile, ..Wanted::default() });
        let opinion = promtool::check(&page);
        prop_assert!(opinion.is_readable, "{}\n{page}", opinion.said);
    }
}
