//! A strict reader of the text format, to check what is served; it shares nothing with the encoder.
//!
//! Stricter than <https://prometheus.io/docs/instrumenting/exposition_formats/> is: each family has
//! HELP and TYPE, in this order, right before its samples.

use std::collections::HashSet;

/// What one family's lines have to keep to.
struct Family<'a> {
    name: &'a str,
    kind: &'a str,
    samples: usize,
}

/// Whether the text is a valid page; if not, what is wrong with it.
pub(in crate::sources::spark) fn check(text: &str) -> Result<(), String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    let (mut families, mut series) = (HashSet::new(), HashSet::new());
    let mut family: Option<Family<'_>> = None;
    let mut lines = text.split_terminator('\n');
    while let Some(line) = lines.next() {
        let wrong = |what: &str| format!("{what}: {line}");
        if let Some(help) = line.strip_prefix("# HELP ") {
            if family.as_ref().is_some_and(|family| family.samples == 0) {
                return Err(wrong("the family before has no sample"));
            }
            let (name, help) = help.split_once(' ').ok_or_else(|| wrong("no help"))?;
            if help.trim().is_empty() || !escapes_are_valid(help, "\\n") {
                return Err(wrong("bad help"));
            }
            if !is_name(name, ":") || !families.insert(name) {
                return Err(wrong("bad or repeated family"));
            }
            let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
            let kind = kind.and_then(|rest| rest.strip_prefix(name)?.strip_prefix(' '));
            let kind =
                kind.filter(|kind| ["counter", "gauge", "summary", "untyped"].contains(kind));
            family = Some(Family { name, kind: kind.ok_or_else(|| wrong("no type"))?, samples: 0 });
        } else {
            let family = family.as_mut().ok_or_else(|| wrong("no family yet"))?;
            family.samples += 1;
            let key = sample(line, family).map_err(wrong)?;
            if !series.insert(key) {
                return Err(wrong("the series is there already"));
            }
        }
    }
    Ok(())
}

/// Checks a sample; its series is returned, with the labels in order.
fn sample(line: &str, family: &Family<'_>) -> Result<String, &'static str> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    let (labels, value) = match rest.strip_prefix('{') {
        None => (Vec::new(), rest),
        Some(rest) => labels(rest)?,
    };
    let value = value.strip_prefix(' ').ok_or("no space before the value")?;
    let is_number = !value.is_empty() && value.bytes().all(|b| b"0123456789+-.e".contains(&b));
    let number: Option<f64> = value.parse().ok().filter(|_| is_number);
    if number.is_none() && !["NaN", "+Inf", "-Inf"].contains(&value) {
        return Err("bad value");
    }
    let quantile = labels.iter().any(|(name, _)| *name == "quantile");
    let suffix = name.strip_prefix(family.name).ok_or("not of this family")?;
    match (family.kind, suffix, quantile) {
        ("summary", "", true)
        | ("summary", "_sum" | "_count", false)
        | ("counter" | "gauge" | "untyped", "", _) => {}
        _ => return Err("not of this family's type"),
    }
    let mut sorted = labels;
    sorted.sort_unstable();
    if sorted.is_sorted_by(|(one, _), (other, _)| one < other) {
        Ok(format!("{name} {sorted:?}"))
    } else {
        Err("a label comes twice")
    }
}

type Labels<'a> = Vec<(&'a str, &'a str)>;

/// Reads the labels, and what follows the closing brace.
fn labels(mut rest: &str) -> Result<(Labels<'_>, &str), &'static str> {
    let mut labels = Vec::new();
    loop {
        let (name, value) = rest.split_once("=\"").ok_or("no label")?;
        let reserved = ["pod", "instance", "job", "namespace", "type"];
        if !is_name(name, "") || name.starts_with("__") || reserved.contains(&name) {
            return Err("bad label name");
        }
        let mut escaped = false;
        let end = value.find(|char| {
            let ends = char == '"' && !escaped;
            escaped = char == '\\' && !escaped;
            ends
        });
        let (value, after) = value.split_at(end.ok_or("a label does not end")?);
        if !escapes_are_valid(value, "\\n\"") {
            return Err("bad escape");
        }
        labels.push((name, value));
        match after.get(1..2) {
            Some(",") => rest = &after[2..],
            Some("}") => return Ok((labels, &after[2..])),
            _ => return Err("labels do not go on"),
        }
    }
}

/// Whether a backslash is always followed by one of these.
fn escapes_are_valid(text: &str, after: &str) -> bool {
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char == '\\' && !chars.next().is_some_and(|char| after.contains(char)) {
            return false;
        }
    }
    true
}

fn is_name(name: &str, more: &str) -> bool {
    let letter = |char: char| char.is_ascii_alphabetic() || char == '_' || more.contains(char);
    name.starts_with(letter) && name.chars().all(|char| letter(char) || char.is_ascii_digit())
}

#[test]
fn the_checker_refuses_what_prometheus_refuses() {
    let family = "# HELP a A.\n# TYPE a gauge\n";
    for sample in ["a 1", "a{x=\"1\"} +Inf", "a{x=\"\\\\\\\"\\n\",y=\"\"} 1e18\na{x=\"\"} NaN"] {
        assert_eq!(check(&format!("{family}{sample}\n")), Ok(()), "{sample}");
    }
    for sample in [
        "a null",
        "a",
        "a  1",
        "a Infinity",
        "a{x=\"a\"b\"} 1",
        "a{x=\"\\x\"} 1",
        "a{x=\"1\" y=\"2\"} 1",
        "a{x=\"1\",x=\"2\"} 1",
        "a{9=\"1\"} 1",
        "a{job=\"1\"} 1",
        "a{x=\"1\"",
        "a{x=\"1\"} 1\na{x=\"1\"} 2",
        "a_count 1",
        "b 1",
        "# HELP b B.\n# TYPE b gauge\nb 1\n# HELP a A.\n# TYPE a gauge\na 1",
    ] {
        assert!(check(&format!("{family}{sample}\n")).is_err(), "{sample}");
    }
    for text in ["a 1\n", "# HELP a A.\n# TYPE a gauge\na 1", "# HELP a A.\na 1\n", "\n"] {
        assert!(check(text).is_err(), "{text}");
    }
    let summary = "# HELP s S.\n# TYPE s summary\n";
    assert_eq!(check(&format!("{summary}s{{quantile=\"0.5\"}} 1\ns_count 2\n")), Ok(()));
    assert!(check(&format!("{summary}s 1\n")).is_err());
}
