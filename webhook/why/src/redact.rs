//! What is not shown: secrets, and what would act on a terminal.
//!
//! Names, messages and log lines are other people's text. Secrets are told by the name in front of them, as Spark
//! does (`spark.redaction.regex`: `(?i)secret|password|token|access[.]?key`), and by their own look.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What stands in the place of a secret (`Utils.REDACTION_REPLACEMENT_TEXT`).
const REDACTED: &str = "*********(redacted)";

/// Longest text that is shown, in characters.
const LONGEST: usize = 600;

/// Longest text that is looked at, in bytes: a secret that is cut in two is none.
const LOOKED_AT: usize = 8192;

/// What is a secret; the groups `before` and `after` stay.
#[allow(clippy::expect_used)] // Constant, and compiled by every test.
static SECRETS: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        // A name with one of Spark's words in it, and its value.
        r#"(?P<before>(?i-u:[\w.\-]*(?:secret|passw(?:or)?d|token|access[._\-]?key|signature|credential)[\w.\-]*)["']?\s*(?:[=:]|=>)\s*["']?(?i-u:bearer\s+|basic\s+)?)(?P<value>[^\s"',;&)}\]]+)(?P<after>)"#,
        // An Authorization header.
        r#"(?P<before>(?i-u:authorization["']?\s*[=:]\s*["']?(?:\w+\s+)?|bearer\s+))(?P<value>[A-Za-z0-9._~+/=\-]{8,})(?P<after>)"#,
        // A password in a URL.
        r"(?P<before>://[^\s/@:]*:)(?P<value>[^\s/@]+)(?P<after>@)",
        // Keys of AWS, and web tokens, by their look.
        r"(?P<before>)(?P<value>\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\beyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]*)(?P<after>)",
    ]
    .map(|pattern| Regex::new(pattern).expect("a constant pattern"))
});

/// Without one of these, `=`, `:` or `>`, no text has a secret.
const MARKS: [&str; 5] = ["earer", "EARER", "AKIA", "ASIA", "eyJ"];

/// A text without secrets, escape codes, control characters and line ends, and of bounded length.
#[must_use]
pub fn clean(text: &str) -> String {
    let looked_at = text.get(..text.floor_char_boundary(LOOKED_AT)).unwrap_or(text);
    let plain = without_controls(looked_at);
    let mut text = plain;
    // Most texts are names, and looked at for nothing.
    let suspicious = text.contains(['=', ':', '>']) || MARKS.iter().any(|mark| text.contains(mark));
    for secret in SECRETS.iter().filter(|_| suspicious) {
        let with = format!("${{before}}{REDACTED}${{after}}");
        text = secret.replace_all(&text, with.as_str()).into_owned();
    }
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    text
}

/// The same of every text in a value.
pub(crate) fn all<T: Serialize + DeserializeOwned + Clone>(value: &T) -> T {
    let cleaned = serde_json::to_value(value).map(|mut json| {
        each(&mut json);
        json
    });
    // What was written is read back, whatever its texts are.
    cleaned.and_then(serde_json::from_value).unwrap_or_else(|_| value.clone())
}

fn each(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(values) => values.iter_mut().for_each(each),
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            for (key, mut value) in old {
                each(&mut value);
                fields.insert(clean(&key), value);
            }
        }
        _ => {}
    }
}

/// Escape sequences are left out, other control characters and what turns text around become spaces.
fn without_controls(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // CSI: parameters, then a letter; others: one character.
                if characters.next_if_eq(&'[').is_some() {
                    while characters.next_if(|next| !next.is_ascii_alphabetic()).is_some() {}
                }
                characters.next();
            }
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {}
            control if control.is_control() => plain.push(' '),
            other => plain.push(other),
        }
    }
    plain.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_by_their_names_and_by_their_look() {
        for (text, shown) in [
            (
                "--conf spark.hadoop.fs.s3a.secret.key=abc/def+1 x",
                "--conf spark.hadoop.fs.s3a.secret.key=*********(redacted) x",
            ),
            ("fs.s3a.access.key: AKIAIOSFODNN7EXAMPLE", "fs.s3a.access.key: *********(redacted)"),
            ("denied for AKIAIOSFODNN7EXAMPLE.", "denied for *********(redacted)."),
            (
                r#"{"password": "hunter2", "user": "a"}"#,
                r#"{"password": "*********(redacted)", "user": "a"}"#,
            ),
            ("jdbc:postgresql://app:s3cret@db/x", "jdbc:postgresql://app:*********(redacted)@db/x"),
            ("Authorization: Bearer abcdef123456", "Authorization: Bearer *********(redacted)"),
            ("GET /x?X-Amz-Signature=0a1b2c&y=1", "GET /x?X-Amz-Signature=*********(redacted)&y=1"),
            ("jwt eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc", "jwt *********(redacted)"),
        ] {
            assert_eq!(clean(text), shown);
        }
        for text in
            ["the token bucket is empty", "password expired", "column secret_santa not found"]
        {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn nothing_acts_on_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m\u{7}b\r\nc\u{202e}d\u{1b}]0;x"), "ared b  cd0;x");
    }

    #[test]
    fn a_line_of_10_mb_is_cut() {
        let line = "x".repeat(10 << 20);
        assert_eq!(clean(&line).chars().count(), LONGEST);
    }

    #[test]
    fn every_text_of_a_value_is_cleaned_keys_too() {
        let value = serde_json::json!({"a\u{1b}[1m": ["password=x", {"b": "ok"}], "n": 1.5});
        let cleaned =
            serde_json::json!({"a": ["password=*********(redacted)", {"b": "ok"}], "n": 1.5});
        assert_eq!(all(&value), cleaned);
    }
}
