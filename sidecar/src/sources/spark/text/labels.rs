//! The labels between a sample's braces.

use std::borrow::Cow;

use memchr::memmem;

use super::name;
use crate::sources::spark::Reason;

/// Labels with their values as the application meant them.
#[derive(Debug, Default, PartialEq)]
pub(in crate::sources::spark) struct Labels<'a> {
    /// Names and values, in order.
    pub(in crate::sources::spark) pairs: Vec<(&'a str, Cow<'a, str>)>,
    /// What had to be mended, if anything.
    pub(in crate::sources::spark) mended: Option<Reason>,
}

/// Splits labels; nothing where they are none.
///
/// Where the names are known to be `order`, and nothing else, a value may even hold what looks like
/// another label: all but the last are separated at their first occurrence, the last at its last.
pub(in crate::sources::spark) fn labels<'a>(
    block: &'a [u8],
    order: &[&'a str],
) -> Option<Labels<'a>> {
    let raw = ordered(block, order).or_else(|| unordered(block))?;
    let mut mended = None;
    let pairs = raw
        .into_iter()
        .map(|(name, value)| {
            let (value, reason) = decode(value);
            mended = mended.or(reason);
            (name, value)
        })
        .collect();
    Some(Labels { pairs, mended })
}

type Raw<'a> = Vec<(&'a str, &'a [u8])>;

fn ordered<'a>(block: &'a [u8], order: &[&'a str]) -> Option<Raw<'a>> {
    let (first, others) = order.split_first()?;
    let mut rest =
        block.strip_prefix(first.as_bytes())?.strip_prefix(b"=\"")?.strip_suffix(b"\"")?;
    let mut raw = Vec::with_capacity(order.len());
    let mut name = *first;
    for (index, next) in others.iter().enumerate() {
        let separator = format!("\", {next}=\"");
        let at = if index + 1 == others.len() {
            memmem::rfind(rest, separator.as_bytes())?
        } else {
            memmem::find(rest, separator.as_bytes())?
        };
        raw.push((name, &rest[..at]));
        (name, rest) = (next, &rest[at + separator.len()..]);
    }
    raw.push((name, rest));
    // A quote in the first or the last value: there are other labels than the known ones.
    let (first, last) = (raw.first()?.1, raw.last()?.1);
    (!first.contains(&b'"') && !last.contains(&b'"')).then_some(raw)
}

fn unordered(block: &[u8]) -> Option<Raw<'_>> {
    let mut raw = Vec::new();
    let mut rest = block;
    while !blank(rest) {
        let (name, tail) = name(skip_blank(rest))?;
        let value = tail.strip_prefix(b"=\"")?;
        let end = memchr::memchr_iter(b'"', value).find(|end| ends_value(&value[end + 1..]))?;
        raw.push((name, &value[..end]));
        rest = &value[end + 1..];
        rest = rest.strip_prefix(b",").unwrap_or(rest);
    }
    Some(raw)
}

/// Whether what follows a quote shows that it ended the value.
fn ends_value(after: &[u8]) -> bool {
    let Some(next) = after.strip_prefix(b",") else {
        return blank(after);
    };
    blank(next) || name(skip_blank(next)).is_some_and(|(_, tail)| tail.starts_with(b"=\""))
}

fn skip_blank(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| *byte != b' ').unwrap_or(text.len());
    &text[start..]
}

fn blank(text: &[u8]) -> bool {
    skip_blank(text).is_empty()
}

/// The value that was meant, and what was wrong with how it was written.
fn decode(raw: &[u8]) -> (Cow<'_, str>, Option<Reason>) {
    let Ok(text) = str::from_utf8(raw) else {
        return (String::from_utf8_lossy(raw), Some(Reason::NotUtf8));
    };
    if memchr::memchr3(b'"', b'\\', b'\n', raw).is_none() {
        (Cow::Borrowed(text), None)
    } else if let Some(unescaped) = unescape(text) {
        (Cow::Owned(unescaped), None)
    } else {
        (Cow::Borrowed(text), Some(Reason::UnescapedLabel))
    }
}

/// The text without its escapes, if it is escaped as the format wants.
///
/// Spark does not escape, so `C:\new` is a path and not a line feed: only a text that is escaped
/// throughout, and has an escaped quote or backslash to show for it, is taken as escaped.
fn unescape(text: &str) -> Option<String> {
    let mut unescaped = String::with_capacity(text.len());
    let mut shown = false;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' | '\n' => return None,
            '\\' => match chars.next()? {
                'n' => unescaped.push('\n'),
                char @ ('"' | '\\') => {
                    shown = true;
                    unescaped.push(char);
                }
                _ => return None,
            },
            char => unescaped.push(char),
        }
    }
    shown.then_some(unescaped)
}
