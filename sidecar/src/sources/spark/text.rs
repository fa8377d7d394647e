//! A lenient reader of what Spark sends as Prometheus text.
//!
//! ```text
//! page    = *( line LF ) [ line ]
//! line    = [ comment / sample ] [ CR ]
//! comment = "#" *any                      ; Spark writes none
//! sample  = name [ "{" labels "}" ] 1*blank value [ 1*blank timestamp ]
//! labels  = [ label *( "," *blank label ) [ "," ] ]
//! label   = name "=" DQUOTE *any DQUOTE   ; Spark escapes nothing
//! value   = what Java prints: 12, 2.8E7, NaN, -Infinity, true, false; and null, [a, b]
//! blank   = SP / TAB
//! ```
//!
//! Since a label value may hold anything, line feeds too, a sample ends where its braces are closed
//! by `"}` and a value follows, and its labels end where a quote is followed by `, name="` or by
//! nothing. Nothing is copied but label values that have to change; no bytes make it fail.

mod labels;

pub(super) use labels::labels;

use memchr::{memchr, memmem, memrchr};

use super::Reason;

/// Longest sample, in bytes; Spark's longest are a few hundred.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// One sample, as it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line<'a> {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    pub(super) name: &'a str,
    /// What is between the braces; empty where there are none.
    pub(super) labels: &'a [u8],
    /// The value; the timestamp, if any, is not of interest.
    pub(super) value: f64,
}

/// The samples of a text, in order, and of each line that is none why not.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    /// Whether the text ends here; if not, a last line without line feed is left for later.
    ends: bool,
}

impl<'a> Lines<'a> {
    /// Those of a whole text.
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { rest: text, ends: true }
    }

    /// Those of the beginning of a text; [`Self::remainder`] has to be read with what follows.
    pub(super) const fn beginning(text: &'a [u8]) -> Self {
        Self { rest: text, ends: false }
    }

    /// What is not read yet.
    pub(super) const fn remainder(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, Reason>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let end = line_end(self.rest, 0, self.ends)?;
            let mut line = trim(&self.rest[..end]);
            let mut after = self.rest.get(end + 1..).unwrap_or_default();
            let item = match line.first() {
                _ if end > MAX_LINE => Some(Err(Reason::TooLong)),
                None | Some(b'#') => None,
                Some(_) => {
                    let mut sample = sample(line);
                    if matches!(sample, Err(Cut { open: true, .. })) {
                        match joined(self.rest, end, self.ends) {
                            Joined::NotYet => return None,
                            Joined::Never => {}
                            Joined::At(end) => {
                                line = trim(&self.rest[..end]);
                                after = self.rest.get(end + 1..).unwrap_or_default();
                                sample = self::sample(line);
                            }
                        }
                    }
                    Some(sample.map_err(|cut| cut.reason))
                }
            };
            self.rest = after;
            if item.is_some() {
                return item;
            }
        }
    }
}

/// Why a line is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    reason: Reason,
    /// Whether it has labels: the value of one may go on in the next line.
    open: bool,
}

fn sample(line: &[u8]) -> Result<Line<'_>, Cut> {
    let cut = |reason, open| Cut { reason, open };
    let (name, rest) = name(line).ok_or(cut(Reason::Malformed, false))?;
    let (labels, tail) = match rest.first() {
        None => return Err(cut(Reason::NoValue, false)),
        Some(b' ' | b'\t') => (&rest[..0], rest),
        Some(b'{') => {
            let close = close(rest).ok_or(cut(Reason::Malformed, true))?;
            (&rest[1..close], &rest[close + 1..])
        }
        Some(_) => return Err(cut(Reason::Malformed, false)),
    };
    if is_half(labels) {
        return Err(cut(Reason::Malformed, true));
    }
    let value = value(tail).map_err(|reason| cut(reason, rest.starts_with(b"{")))?;
    Ok(Line { name, labels, value })
}

/// Whether these are an executor's labels without the last: an application's name that holds
/// braces, a number and a line feed looks like the end of a sample.
fn is_half(labels: &[u8]) -> bool {
    // Nearly every line ends like this, and to search costs more than all else that is done with it.
    let last = memrchr(b',', labels).map(|comma| labels.split_at(comma));
    if last
        .is_some_and(|(rest, last)| rest.ends_with(b"\"") && last.starts_with(b", executor_id=\""))
    {
        return false;
    }
    let has = |label: &str| memmem::find(labels, label.as_bytes()).is_some();
    labels.starts_with(b"application_id=\"")
        && has("\", application_name=\"")
        && !has("\", executor_id=\"")
}

/// Splits a metric or label name off.
fn name(line: &[u8]) -> Option<(&str, &[u8])> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    let end = line.iter().position(|byte| !part(byte)).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.first()?.is_ascii_digit() {
        return None;
    }
    Some((str::from_utf8(name).ok()?, rest))
}

/// Where the brace is that closes the one at the start.
///
/// The last one counts, since label values may hold braces and values do not; where the last one
/// closes no labels, it belongs to a value that is no number, and the first one that does counts.
fn close(braces: &[u8]) -> Option<usize> {
    let closes = |at: &usize| {
        let before = trim_end_of(&braces[..*at], b" \t,");
        before.len() == 1 || (before.len() > 1 && before.ends_with(b"\""))
    };
    memrchr(b'}', braces)
        .filter(closes)
        .or_else(|| memmem::find(braces, b"\"}").map(|quote| quote + 1))
}

fn value(tail: &[u8]) -> Result<f64, Reason> {
    let tail = trim(tail);
    let end = tail.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(tail.len());
    let (token, rest) = tail.split_at(end);
    if token.is_empty() {
        return Err(Reason::NoValue);
    }
    let number = match token {
        // As `GraphiteSink` has a gauge that is either.
        b"true" => Some(1.0),
        b"false" => Some(0.0),
        _ => str::from_utf8(token).ok().and_then(|token| token.parse().ok()),
    };
    let number = number.ok_or(Reason::NotANumber)?;
    let rest = trim(rest);
    let stamp = rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    if stamp || rest.starts_with(b"#") { Ok(number) } else { Err(Reason::Malformed) }
}

/// Where a sample ends that does not end with its first line.
enum Joined {
    At(usize),
    /// The text has to go on first.
    NotYet,
    /// Another sample starts before this one is closed: it was cut.
    Never,
}

/// How many line feeds a label's value may hold: each is looked at again with every line that
/// follows, so a page of open lines must not make one of them long.
const MAX_JOINED: usize = 8;

fn joined(text: &[u8], first: usize, ends: bool) -> Joined {
    let mut end = first;
    for _ in 0..MAX_JOINED {
        let start = end + 1;
        if start >= text.len() && ends {
            return Joined::Never;
        }
        let next = match line_end(text, start, ends) {
            Some(next) if next <= MAX_LINE => next,
            None if text.len() <= MAX_LINE => return Joined::NotYet,
            _ => return Joined::Never,
        };
        if starts_labels(trim(&text[start..next])) {
            return Joined::Never;
        }
        if sample(trim(&text[..next])).is_ok() {
            return Joined::At(next);
        }
        end = next;
    }
    Joined::Never
}

/// Whether the line begins as a sample with labels does.
fn starts_labels(line: &[u8]) -> bool {
    let braces = name(line).and_then(|(_, rest)| rest.strip_prefix(b"{"));
    braces.and_then(name).is_some_and(|(_, rest)| rest.starts_with(b"=\""))
}

/// Where the line that starts at `start` ends; nothing where that is not known yet.
fn line_end(text: &[u8], start: usize, ends: bool) -> Option<usize> {
    let rest = text.get(start..).filter(|rest| !rest.is_empty() || start > 0)?;
    match memchr(b'\n', rest) {
        Some(length) => Some(start + length),
        None if ends && !rest.is_empty() => Some(text.len()),
        None => None,
    }
}

fn trim(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    trim_end_of(&line[start..], b" \t\r")
}

fn trim_end_of<'a>(text: &'a [u8], blanks: &[u8]) -> &'a [u8] {
    let end = text.iter().rposition(|byte| !blanks.contains(byte)).map_or(0, |last| last + 1);
    &text[..end]
}

#[cfg(test)]
mod tests;
