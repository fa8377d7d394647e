use super::*;
use crate::exposition::{Kind, encode};

fn text(page: &Page) -> String {
    let mut out = Vec::new();
    encode::text(page, &mut out);
    String::from_utf8(out).unwrap()
}

fn write(body: &[u8], page: &mut Page) -> Repairs {
    let mut reader = Reader::default();
    reader.feed(body, page);
    reader.finish(page)
}

fn line(metric: &str, name: &str, id: usize, value: &str) -> String {
    format!(
        "metrics_executor_{metric}{{application_id=\"app-1\", application_name=\"{name}\", \
         executor_id=\"{id}\"}} {value}\n"
    )
}

#[test]
fn an_application_name_with_quotes_is_escaped() {
    let mut page = Page::new();
    let repairs = write(line("activeTasks", "a \"b\" \\ c\nd", 1, "2").as_bytes(), &mut page);
    let sample = r#"metrics_executor_activeTasks{application_id="app-1",application_name="a \"b\" \\ c\nd",executor_id="1"} 2"#;
    assert!(
        text(&page).ends_with(&format!("# TYPE metrics_executor_activeTasks gauge\n{sample}\n"))
    );
    assert_eq!(repairs.count(Reason::UnescapedLabel), 1);
}

#[test]
fn types_come_from_the_table_and_else_from_the_ending() {
    let mut page = Page::new();
    for metric in ["totalCores", "totalGCTime_seconds_total", "new_total", "newSize"] {
        write(line(metric, "x", 1, "0.41400000000000003").as_bytes(), &mut page);
    }
    let kinds: Vec<_> = page.families().iter().map(|f| (f.kind, f.samples[0].value)).collect();
    let value = 0.414_000_000_000_000_03;
    let expected = [Kind::Gauge, Kind::Counter, Kind::Counter, Kind::Gauge].map(|k| (k, value));
    assert_eq!(kinds, expected);
}

#[test]
fn labels_that_the_scraper_sets_are_left_out() {
    let mut page = Page::new();
    let body = b"metrics_executor_maxTasks{executor_id=\"1\", instance=\"x\", executor_id=\"2\"} 1";
    let repairs = write(body, &mut page);
    assert!(text(&page).ends_with("metrics_executor_maxTasks{executor_id=\"1\"} 1\n"));
    assert_eq!(repairs.count(Reason::ReservedLabel), 1);
}

#[test]
fn foreign_names_and_bad_values_are_left_out() {
    let mut page = Page::new();
    let body = "up 1\nmetrics_executor_maxTasks{executor_id=\"1\"} null\nmetrics_executor_ 1\n";
    let repairs = write(body.as_bytes(), &mut page);
    assert!(page.is_empty());
    assert_eq!(repairs.count(Reason::Foreign), 2);
    assert_eq!(repairs.count(Reason::NotANumber), 1);
}

#[test]
fn a_name_that_is_another_kind_already_is_left_out() {
    let mut page = Page::new();
    page.gauge("metrics_executor_failedTasks_total", "Not Spark's.", &[], 0.0);
    let repairs = write(line("failedTasks_total", "x", 1, "1").as_bytes(), &mut page);
    assert_eq!(repairs.count(Reason::NameTaken), 1);
}

#[test]
fn a_page_has_a_limited_number_of_names() {
    let lines: Vec<_> = (0..=MAX_NAMES).map(|n| line(&format!("m{n}"), "x", 1, "1")).collect();
    let body = lines.concat();
    let mut page = Page::new();
    let repairs = write(body.as_bytes(), &mut page);
    assert_eq!((page.families().len(), repairs.count(Reason::TooMany)), (MAX_NAMES, 1));
}

#[test]
fn a_page_in_pieces_is_the_same_page() {
    let mut body: Vec<u8> = (0..30)
        .flat_map(|id| ["activeTasks", "maxTasks"].map(|metric| line(metric, "a\nb", id, "1")))
        .flat_map(String::into_bytes)
        .collect();
    body.extend(b"x".repeat(3 * MAX_LINE));
    body.extend(format!("\n{}", line("totalCores", "a", 1, "1").trim_end()).into_bytes());
    let mut whole = Page::new();
    let repairs = write(&body, &mut whole);
    for size in [1, 7, 4096, 100_000, body.len()] {
        let (mut page, mut reader) = (Page::new(), Reader::default());
        for chunk in body.chunks(size) {
            reader.feed(chunk, &mut page);
        }
        assert_eq!(reader.finish(&mut page), repairs, "{size}");
        assert_eq!(text(&page), text(&whole), "{size}");
    }
}
