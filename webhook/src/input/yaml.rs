//! YAML as `kubectl` reads it: YAML 1.1's numbers and booleans, so that a pod in a file is the pod that
//! would be created from it.
//!
//! After `resolve` of Go's `go.yaml.in/yaml/v2`, which `sigs.k8s.io/yaml` wraps: `010` is 8, `0o17` 15,
//! `1_000` 1000 and `yes` true, while `08` is 8 and `190:20:30` a string. The events come from the
//! parser that the configuration is read with; what their plain scalars mean is decided here.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Number, Value};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Tag};

/// Nodes in all, with those that aliases repeat: far more than 8 MiB of a person's text have.
const MOST_NODES: usize = 2_000_000;

/// Collections in each other.
const DEEPEST: usize = 500;

/// The documents of a text; one without content is none.
pub(super) fn documents(text: &str) -> Result<Vec<Value>> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event?;
        reader.take(event).with_context(|| format!("line {}", span.start.line()))?;
    }
    Ok(reader.documents)
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    documents: Vec<Value>,
    open: Vec<Collection>,
    /// By the parser's number: what an anchor stands for, and how many nodes that is.
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

/// A collection whose end has not come yet.
struct Collection {
    anchor: usize,
    /// How many nodes there were before it.
    before: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Value>),
    Mapping {
        entries: Map<String, Value>,
        /// What `<<` brings, where the mapping itself says nothing.
        merged: Vec<Value>,
        key: Option<Key>,
    },
}

enum Key {
    Name(String),
    Merge,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_key = self.wants_key();
                let plain = style == ScalarStyle::Plain && tag.is_none();
                if is_key && plain && text == "<<" {
                    self.put_key(Key::Merge);
                    return Ok(());
                }
                let value = scalar(&text, style, tag.as_deref())?;
                self.nodes += 1;
                self.put(value, anchor, 1)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, Content::Sequence(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let (entries, merged) = (Map::new(), Vec::new());
                self.begin(anchor, Content::Mapping { entries, merged, key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let (value, nodes) = known.context("an alias stands inside of what it repeats")?;
                self.nodes += nodes;
                self.put(value, 0, nodes)
            }
            Event::UnresolvedAlias(name) => bail!("nothing has the anchor {name}"),
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Collection { content: Content::Mapping { key: None, .. }, .. })
        )
    }

    fn begin(&mut self, anchor: usize, content: Content) -> Result<()> {
        ensure!(!self.wants_key(), "a mapping's key is a collection");
        ensure!(self.open.len() < DEEPEST, "more than {DEEPEST} collections are in each other");
        self.open.push(Collection { anchor, before: self.nodes, content });
        self.nodes += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let Some(Collection { anchor, before, content }) = self.open.pop() else {
            return Ok(());
        };
        let value = match content {
            Content::Sequence(elements) => Value::Array(elements),
            Content::Mapping { mut entries, merged, .. } => {
                for (key, value) in merged.into_iter().flat_map(mapping) {
                    entries.entry(key).or_insert(value);
                }
                Value::Object(entries)
            }
        };
        let nodes = self.nodes - before;
        self.put(value, anchor, nodes)
    }

    fn put_key(&mut self, name: Key) {
        if let Some(Collection { content: Content::Mapping { key, .. }, .. }) = self.open.last_mut()
        {
            *key = Some(name);
        }
    }

    fn put(&mut self, value: Value, anchor: usize, nodes: usize) -> Result<()> {
        ensure!(self.nodes <= MOST_NODES, "aliases make more than {MOST_NODES} values of it");
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), nodes));
        }
        if self.wants_key() {
            self.put_key(Key::Name(key(value)?));
            return Ok(());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            // A document without content is the parser's null.
            None if value.is_null() => {}
            None => self.documents.push(value),
            Some(Content::Sequence(elements)) => elements.push(value),
            Some(Content::Mapping { entries, merged, key }) => match key.take() {
                Some(Key::Name(name)) => {
                    // Of two with one name the last counts, as in `kubectl`.
                    entries.insert(name, value);
                }
                Some(Key::Merge) => merged.extend(sources(value)?),
                None => {}
            },
        }
        Ok(())
    }
}

/// The mappings that `<<` names, those that count more in front.
fn sources(value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Object(_) => Ok(vec![value]),
        Value::Array(all) if all.iter().all(Value::is_object) => Ok(all),
        _ => bail!("<< takes a mapping, or a list of mappings"),
    }
}

fn mapping(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(entries) => entries,
        _ => Map::new(),
    }
}

/// A key as JSON has them.
fn key(value: Value) -> Result<String> {
    match value {
        Value::String(name) => Ok(name),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => bail!("a mapping's key is null or a collection"),
    }
}

/// What a scalar means: one in quotes is a string, unless its tag says otherwise.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value> {
    let Some(tag) = tag else {
        let plain = style == ScalarStyle::Plain;
        return if plain { plain_scalar(text) } else { Ok(Value::String(text.to_owned())) };
    };
    let wanted = tag.core_suffix();
    if !matches!(wanted, Some("int" | "float" | "bool" | "null")) {
        return Ok(Value::String(text.to_owned()));
    }
    let value = plain_scalar(text)?;
    let fits = match (&value, wanted) {
        (Value::Number(number), Some("int")) => !number.is_f64(),
        (Value::Number(_), Some("float"))
        | (Value::Bool(_), Some("bool"))
        | (Value::Null, Some("null")) => true,
        _ => false,
    };
    ensure!(fits, "{text:?} is not what its tag says");
    Ok(value)
}

/// `resolve` of Go's yaml/v2, without a tag.
fn plain_scalar(text: &str) -> Result<Value> {
    Ok(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => bail!("JSON has no number {text}"),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    })
}

/// The number that a plain scalar is, if it is one.
fn number(text: &str) -> Option<Number> {
    match text.as_bytes().first()? {
        b'.' => float(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let plain = text.replace('_', "");
            integer(&plain).or_else(|| is_yaml_float(&plain).then(|| float(&plain)).flatten())
        }
        _ => None,
    }
}

/// Go's `ParseInt` and `ParseUint` with base 0: a prefix names the base, and a leading zero is octal.
fn integer(text: &str) -> Option<Number> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (Some(text.starts_with('-')), digits),
        None => (None, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', _, ..] => (16, &digits[2..]),
        [b'0', b'o', _, ..] => (8, &digits[2..]),
        [b'0', b'b', _, ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    match sign {
        None => Some(size.into()),
        Some(negative) => {
            let size = i128::from(size);
            i64::try_from(if negative { -size } else { size }).ok().map(Number::from)
        }
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_yaml_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = |text: &str| !text.is_empty() && digits(text);
    let mantissa = match mantissa.split_once('.') {
        None => some_digits(mantissa),
        Some(("", fraction)) => some_digits(fraction),
        Some((whole, fraction)) => some_digits(whole) && digits(fraction),
    };
    let signed =
        |exponent: &str| some_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
    mantissa && exponent.is_none_or(signed)
}

/// A finite number; a whole one as JSON writes it.
fn float(text: &str) -> Option<Number> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    // Go writes 1e3 as 1000, and a port is read as a whole number.
    #[allow(clippy::cast_possible_truncation)]
    // Checked: every f64 below 2^53 that is whole is an i64.
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(text: &str) -> Value {
        let mut all = documents(text).unwrap();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    /// What kubectl 1.36 makes of them; `tests/tests/cluster/yaml.rs` asks it.
    #[test]
    fn plain_scalars_are_what_yaml_1_1_has_them_be() {
        for (text, value) in [
            ("010", json!(8)),
            ("08", json!(8)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("-010", json!(-8)),
            ("-0x1f", json!(-31)),
            ("1_000", json!(1000)),
            ("0_17", json!(15)),
            ("00", json!(0)),
            ("-0", json!(0)),
            ("+12", json!(12)),
            ("0", json!(0)),
            ("0x", json!("0x")),
            ("0o8", json!("0o8")),
            ("_1", json!("_1")),
            ("190:20:30", json!("190:20:30")),
            ("2001-01-01", json!("2001-01-01")),
            ("1e3", json!(1000)),
            ("1.", json!(1)),
            (".5", json!(0.5)),
            ("009.5", json!(9.5)),
            ("1_0.5", json!(10.5)),
            ("1e400", json!("1e400")),
            ("+", json!("+")),
            ("yes", json!(true)),
            ("n", json!(false)),
            ("Off", json!(false)),
            ("tRUE", json!("tRUE")),
            ("~", json!(null)),
            ("Null", json!(null)),
            ("18446744073709551615", json!(u64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("'010'", json!("010")),
            ("\"yes\"", json!("yes")),
            ("!!str 010", json!("010")),
            ("!!int \"010\"", json!(8)),
            ("!!float 1", json!(1)),
            ("5m", json!("5m")),
            ("16Mi", json!("16Mi")),
            ("1.2.3", json!("1.2.3")),
        ] {
            assert_eq!(one(&format!("a: {text}")), json!({"a": value}), "{text}");
        }
        assert_eq!(one("{yes: 1, 010: 2, 1.5: 3}"), json!({"true": 1, "8": 2, "1.5": 3}));
        for bad in ["a: .inf", "~: 1", "? [a]\n: 1", "a: !!int x", "a: *b", "a: [", "a: &b [*b]"] {
            assert!(documents(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn documents_anchors_and_merges_are_read() {
        let all = documents(
            "---\n---\na: 1\n---\n# nothing\n---\nb: &x {c: 1, d: 2}\ne: {<<: *x, c: 3}\nf: *x\n",
        );
        let second = json!({"b": {"c": 1, "d": 2}, "e": {"c": 3, "d": 2}, "f": {"c": 1, "d": 2}});
        assert_eq!(all.unwrap(), [json!({"a": 1}), second]);
        assert_eq!(one("a: 1\na: 2"), json!({"a": 2}));
        assert_eq!(documents("# nothing\n").unwrap(), [] as [Value; 0]);
    }

    #[test]
    fn aliases_of_aliases_do_not_fill_the_memory() {
        use std::fmt::Write as _;

        let mut text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = vec![format!("*a{}", level - 1); 10].join(", ");
            let _ = writeln!(text, "k{level}: &a{level} [{before}]");
        }
        assert!(documents(&text).is_err());
        assert!(documents(&"[".repeat(100_000)).is_err());
    }
}
