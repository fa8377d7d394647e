use proptest::prelude::*;

use super::*;

const ORDER: [&str; 3] = ["application_id", "application_name", "executor_id"];

fn one(text: &str) -> Result<Line<'_>, Reason> {
    let mut samples = Lines::new(text.as_bytes());
    let one = samples.next().unwrap();
    assert_eq!(samples.next(), None, "{text:?}");
    one
}

fn value_of(text: &str) -> f64 {
    match one(text) {
        Ok(sample) => sample.value,
        Err(reason) => panic!("{text:?}: {reason:?}"),
    }
}

/// The labels of the only sample.
fn labels_of(text: &[u8]) -> (Vec<(String, String)>, Option<Reason>) {
    let samples: Vec<_> = Lines::new(text).collect();
    let [Ok(sample)] = samples.as_slice() else { panic!("{samples:?}") };
    let labels = labels(sample.labels, &ORDER).unwrap();
    let pairs = labels.pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    (pairs, labels.mended)
}

fn executor(name: &str) -> Vec<(String, String)> {
    [("application_id", "app-1"), ("application_name", name), ("executor_id", "7")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[test]
fn what_java_prints_is_read() {
    for (text, value) in [
        ("a 12", 12.0),
        ("a{type=\"gauges\"} 2.8658920632825397E7", 28_658_920.632_825_397),
        ("a{} -1\r", -1.0),
        ("  a\t0.41400000000000003  ", 0.414_000_000_000_000_03),
        ("a -Infinity", f64::NEG_INFINITY),
        ("a{x=\"1\",} 1 1795419118000", 1.0),
    ] {
        assert_eq!(value_of(text).to_bits(), value.to_bits(), "{text}");
    }
    assert!(value_of("a NaN").is_nan());
}

#[test]
fn what_is_no_sample_has_a_reason() {
    for (text, reason) in [
        ("a{type=\"gauges\"} null", Reason::NotANumber),
        ("a{type=\"gauges\"} [x, y]", Reason::NotANumber),
        ("a{type=\"gauges\"} {x=1}", Reason::NotANumber),
        ("a{type=\"gauges\"}", Reason::NoValue),
        ("a", Reason::NoValue),
        ("a 1 of 3", Reason::Malformed),
        ("9a 1", Reason::Malformed),
        ("a-b 1", Reason::Malformed),
        ("<html>", Reason::Malformed),
        ("a{x=\"1 2", Reason::Malformed),
    ] {
        assert_eq!(one(text), Err(reason), "{text}");
    }
    let long = format!("a{{x=\"{}\"}} 1", "x".repeat(MAX_LINE));
    assert_eq!(one(&long), Err(Reason::TooLong));
}

#[test]
fn comments_are_skipped() {
    let text = "# HELP a Gauge metric\n# TYPE a gauge\n\na 1\n# EOF\n";
    let sample = Line { name: "a", labels: b"", value: 1.0 };
    assert_eq!(Lines::new(text.as_bytes()).collect::<Vec<_>>(), [Ok(sample)]);
}

#[test]
fn an_application_name_may_hold_anything() {
    for name in [
        "my \"quoted\" \\ job",
        "ends with \\",
        "\"",
        "a\nb\n\nc",
        "a {b} c} 1",
        "x\", executor_id=\"9\"} 5",
        "x\", y=\"z",
        "C:\\new\\table",
        "odd \"} 5\nsecond \"} 6\nthird",
    ] {
        let text = format!(
            "m{{application_id=\"app-1\", application_name=\"{name}\", executor_id=\"7\"}} 0\n"
        );
        let expected = (executor(name), Some(Reason::UnescapedLabel));
        // Braces, commas and spaces are nothing that needs an escape.
        let expected = if name.starts_with("a {") { (expected.0, None) } else { expected };
        assert_eq!(labels_of(text.as_bytes()), expected, "{name:?}");
    }
}

#[test]
fn a_build_that_escapes_is_understood() {
    let text =
        r#"m{application_id="app-1",application_name="my \"q\" \\ job\n",executor_id="7"} 0"#;
    assert_eq!(labels_of(text.as_bytes()), (executor("my \"q\" \\ job\n"), None));
}

#[test]
fn other_labels_than_the_known_ones_are_split_too() {
    let text = b"m{application_id=\"app-1\", executor_id=\"7\", instance=\"a\"b\", } 0";
    let (pairs, mended) = labels_of(text);
    assert_eq!(pairs[2], ("instance".to_owned(), "a\"b".to_owned()));
    assert_eq!((pairs.len(), mended), (3, Some(Reason::UnescapedLabel)));
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let text = b"m{application_id=\"app-1\", application_name=\"caf\xe9\", executor_id=\"7\"} 0\n";
    assert_eq!(labels_of(text), (executor("caf\u{fffd}"), Some(Reason::NotUtf8)));
}

#[test]
fn a_cut_line_does_not_swallow_the_next() {
    let text = b"m{application_id=\"app-1\", applic\nm{application_id=\"app-1\"} 4\nn 5";
    let samples: Vec<_> = Lines::new(text).collect();
    let sample = Line { name: "m", labels: b"application_id=\"app-1\"", value: 4.0 };
    let last = Line { name: "n", labels: b"", value: 5.0 };
    let expected = [Err(Reason::Malformed), Ok(sample), Ok(last)];
    assert_eq!(samples, expected);
}

proptest! {
    #[test]
    fn any_bytes_come_to_an_end(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        let lines = text.split(|byte| *byte == b'\n').count();
        prop_assert!(Lines::new(&text).count() <= lines);
    }

    #[test]
    fn a_text_in_pieces_is_the_same_text(
        lines in proptest::collection::vec("(m|n\\{a=\"|b\", c=\"|\"\\} 1|[ -~]{0,8}|\r)", 0..24),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = lines.join("\n").into_bytes();
        let whole: Vec<_> = Lines::new(&text).collect();
        let cut = cut.index(text.len() + 1);
        let mut beginning = Lines::beginning(&text[..cut]);
        let mut pieces: Vec<_> = beginning.by_ref().collect();
        let read = cut - beginning.remainder().len();
        pieces.extend(Lines::new(&text[read..]));
        prop_assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    }

    #[test]
    fn any_application_name_survives(name in "\\PC{0,12}[\"\\\\\n{},= ]{0,4}\\PC{0,8}") {
        // What is escaped by chance cannot be told from the real thing.
        let name = name.replace("\\\\", "/").replace("\\\"", "'");
        let text = format!(
            "m{{application_id=\"app-1\", application_name=\"{name}\", executor_id=\"7\"}} 0\n"
        );
        prop_assert_eq!(labels_of(text.as_bytes()).0, executor(&name));
    }
}
