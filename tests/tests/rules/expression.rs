//! Which metrics a `PromQL` expression asks for: the identifiers that are left when labels, functions
//! and keywords are taken away.

use std::collections::BTreeSet;

/// Words that are followed by a list of labels.
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words that stand between expressions.
const OPERATORS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "atan2"];

/// The names of the metrics in an expression that promtool has found valid.
pub(super) fn metrics(expression: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_alphabetic() || first == '_' || first == ':' {
            let end = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let follows = after.trim_start();
            if GROUPINGS.contains(&word) {
                rest = if follows.starts_with('(') { past(follows, ')') } else { after };
                continue;
            }
            if !OPERATORS.contains(&word) && !is_aggregation(follows) {
                found.insert(word.to_owned());
            }
            rest = after;
        } else if first.is_ascii_digit() {
            // A number or a duration, whose unit is no name.
            let end = rest.find(|char: char| !is_part(char) && char != '.').unwrap_or(rest.len());
            rest = &rest[end..];
        } else {
            rest = match first {
                '{' => past(rest, '}'),
                '[' => past(rest, ']'),
                '"' => past(&rest[1..], '"'),
                _ => &rest[first.len_utf8()..],
            };
        }
    }
    found
}

fn is_part(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_' || char == ':'
}

/// A function's or an aggregation's name has its arguments behind it, or first `by (…)`.
fn is_aggregation(follows: &str) -> bool {
    let word = follows.split(|char: char| !char.is_ascii_alphabetic()).next().unwrap_or_default();
    follows.starts_with('(') || ["by", "without"].contains(&word)
}

/// What comes behind the next `end`; one in a text of a selector does not count.
fn past(text: &str, end: char) -> &str {
    let (mut in_text, mut escaped) = (false, false);
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == end && !in_text => return &text[at + char.len_utf8()..],
            '"' => in_text = !in_text,
            _ => {}
        }
    }
    ""
}

#[test]
fn labels_functions_keywords_texts_and_durations_are_no_metrics() {
    let expression = r#"
        max by (cluster, pod) (rate(a_total{b="c } d", e=~"f|g"}[5m] offset 1h)) > bool 2e3
        * on (cluster) group_left (id) pod:h:sum
        unless (time() - i < 7 * 86400) or label_replace(j, "k", "$1", "l", "m")
        and sum(n) without (o) == 0"#;
    let found: Vec<_> = metrics(expression).into_iter().collect();
    assert_eq!(found, ["a_total", "i", "j", "n", "pod:h:sum"]);
}
