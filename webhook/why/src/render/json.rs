//! For programs. The fields of `schema` 1 stay; others may come.

use crate::answer::Answer;
use crate::facts::Facts;
use crate::redact;

/// The answer as indented JSON, with a line end.
#[must_use]
pub fn json(answer: &Answer) -> String {
    // An answer is plain data: it can be written.
    serde_json::to_string_pretty(answer).unwrap_or_default() + "\n"
}

/// What was gathered, without secrets, in the same form.
#[must_use]
pub fn facts_json(facts: &Facts) -> String {
    serde_json::to_string_pretty(&redact::all(facts)).unwrap_or_default() + "\n"
}
