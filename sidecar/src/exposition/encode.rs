//! Pages as text, in either [`Format`].

use super::{Declared, Family, Format, Kind, Page, PodLabels, Sample};

/// Appends the page to `out`: each family that has samples, with its HELP and TYPE in front.
pub fn text(page: &Page, out: &mut Vec<u8>) {
    for family in page.families().iter().filter(|family| !family.samples.is_empty()) {
        header(family, Format::Text, Declared::AsItIs, out);
        for one in &family.samples {
            sample(page, family, one, &PodLabels::default(), out);
        }
    }
}

/// Appends one sample of one of the page's families, with the pod's labels behind its own.
pub fn sample(page: &Page, family: &Family, sample: &Sample, pod: &PodLabels, out: &mut Vec<u8>) {
    out.extend_from_slice(family.name.as_bytes());
    out.extend_from_slice(sample.part.suffix().as_bytes());
    let (own, pods) = (page.label_text(sample.labels), pod.text());
    if !own.is_empty() || !pods.is_empty() {
        out.push(b'{');
        out.extend_from_slice(own.as_bytes());
        if !own.is_empty() && !pods.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(pods.as_bytes());
        out.push(b'}');
    }
    out.push(b' ');
    number(sample.value, out);
    out.push(b'\n');
}

/// Appends a family's HELP and TYPE.
pub fn header(family: &Family, format: Format, declared: Declared, out: &mut Vec<u8>) {
    let (name, kind) = name_and_type(family, format, declared);
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    for byte in family.help.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if format == Format::OpenMetrics => out.extend_from_slice(b"\\\""),
            byte => out.push(byte),
        }
    }
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(kind.as_bytes());
    out.push(b'\n');
}

/// The name and type that a family is declared with. To `OpenMetrics` only what has samples called
/// `_total` is a counter, and its family is called without that.
fn name_and_type(family: &Family, format: Format, declared: Declared) -> (&str, &'static str) {
    match (format, family.kind) {
        (Format::OpenMetrics, _) if declared == Declared::Unknown => (&family.name, "unknown"),
        (Format::OpenMetrics, Kind::Counter) => match family.name.strip_suffix("_total") {
            Some(name) => (name, Kind::Counter.as_str()),
            None => (&family.name, "unknown"),
        },
        (Format::OpenMetrics, Kind::Untyped) => (&family.name, "unknown"),
        (Format::Text | Format::OpenMetrics, kind) => (&family.name, kind.as_str()),
    }
}

/// A value as Go's `ParseFloat` reads it.
fn number(value: f64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // Writing into a `Vec` cannot fail.
    let _ = match value {
        value if value.is_nan() => out.write_all(b"NaN"),
        f64::INFINITY => out.write_all(b"+Inf"),
        f64::NEG_INFINITY => out.write_all(b"-Inf"),
        // Beyond this, plain digits are longer than the exponent form.
        value if value.abs() >= 1e16 => write!(out, "{value:e}"),
        value => write!(out, "{value}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Kind, Part};

    #[test]
    fn families_come_with_help_and_type_and_escaped_labels() {
        let mut page = Page::new();
        page.counter("spark_a_total", "Line one\nback\\slash.", &[("q", "a\"b")], 3.0);
        page.gauge("spark_b", "B.", &[], f64::INFINITY);
        let summary = page.family("spark_c_seconds", Kind::Summary, "C.");
        let (half, none) = (page.labels(&[("quantile", "0.5")]), page.labels(&[]));
        page.push(summary, Part::Value, half, 0.25);
        page.push(summary, Part::Count, none, 1e18);
        page.family("spark_empty", Kind::Gauge, "Nothing in it.");
        let mut out = Vec::new();
        text(&page, &mut out);
        let expected = "\
# HELP spark_a_total Line one\\nback\\\\slash.
# TYPE spark_a_total counter
spark_a_total{q=\"a\\\"b\"} 3
# HELP spark_b B.
# TYPE spark_b gauge
spark_b +Inf
# HELP spark_c_seconds C.
# TYPE spark_c_seconds summary
spark_c_seconds{quantile=\"0.5\"} 0.25
spark_c_seconds_count 1e18
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn open_metrics_calls_a_counters_family_without_its_suffix() {
        let mut page = Page::new();
        page.counter("spark_a_total", "Say \"a\".", &[], 3.0);
        // Spark's own name for one, which is kept.
        page.counter("metrics_executor_b", "B.", &[], 4.0);
        let mut out = Vec::new();
        for family in page.families() {
            header(family, Format::OpenMetrics, Declared::AsItIs, &mut out);
            sample(&page, family, &family.samples[0], &PodLabels::default(), &mut out);
        }
        header(&page.families()[0], Format::OpenMetrics, Declared::Unknown, &mut out);
        let expected = "\
# HELP spark_a Say \\\"a\\\".
# TYPE spark_a counter
spark_a_total 3
# HELP metrics_executor_b B.
# TYPE metrics_executor_b unknown
metrics_executor_b 4
# HELP spark_a_total Say \\\"a\\\".
# TYPE spark_a_total unknown
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
