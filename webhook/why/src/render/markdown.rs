//! For a ticket or a chat.

use std::fmt::Write as _;

use super::words;
use crate::answer::Answer;

/// The answer as Markdown.
#[must_use]
pub fn markdown(answer: &Answer) -> String {
    let mut text = String::new();
    let outcome = &answer.outcome;
    line(&mut text, &format!("## {} {}", escape(words::title(answer)), outcome.verdict.words()));
    line(&mut text, "");
    line(&mut text, &format!("{}  ", escape(&words::place(answer))));
    for known in [words::time(answer), words::resources(answer)].into_iter().flatten() {
        line(&mut text, &format!("{}  ", escape(&known)));
    }
    for evidence in &outcome.evidence {
        line(
            &mut text,
            &format!(
                "{} ({}): {}",
                outcome.certainty.words(),
                escape(&words::origin(evidence, answer)),
                escape(&evidence.text)
            ),
        );
    }
    for (index, finding) in answer.findings.iter().enumerate() {
        line(&mut text, &format!("\n### {}. {}\n", index + 1, escape(&finding.sentence)));
        let code = &finding.code;
        line(
            &mut text,
            &format!("`{code}`, {}, {}", finding.severity.word(), finding.certainty.words()),
        );
        if !finding.evidence.is_empty() {
            line(&mut text, "\n**Seen**\n");
        }
        for evidence in &finding.evidence {
            line(
                &mut text,
                &format!(
                    "- {} ({})",
                    escape(&evidence.text),
                    escape(&words::origin(evidence, answer))
                ),
            );
        }
        if !finding.changes.is_empty() {
            line(&mut text, "\n**Change**\n");
        }
        for change in &finding.changes {
            match words::setting(change) {
                Some(setting) => line(
                    &mut text,
                    &format!("- `{}`: {}", setting.replace('`', "'"), escape(&change.text)),
                ),
                None => line(&mut text, &format!("- {}", escape(&change.text))),
            }
        }
        if let Some(runbook) = &finding.runbook {
            line(&mut text, &format!("\n[Runbook]({runbook})"));
        }
    }
    if answer.findings.is_empty() {
        line(&mut text, &format!("\n{}", words::how_many(answer)));
    }
    if !answer.unknown.is_empty() {
        line(&mut text, "\n### Not known\n");
        for unknown in &answer.unknown {
            line(&mut text, &format!("- {}: {}", escape(&unknown.what), escape(&unknown.why)));
        }
    }
    line(&mut text, &format!("\nAsked: {}", escape(&words::asked(answer))));
    text
}

fn line(text: &mut String, line: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{line}");
}

/// What would be markup is shown as it is.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
