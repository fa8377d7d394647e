//! For a terminal: on one screen.

use std::fmt::Write as _;

use super::words;
use crate::answer::Answer;
use crate::findings::Severity;

/// Findings that are told in full; of more there is a line each.
const IN_FULL: usize = 4;

/// Evidence that is told of each.
const EVIDENCE: usize = 4;

/// The answer for people.
#[must_use]
pub fn text(answer: &Answer, colours: bool) -> String {
    let paint = Paint(colours);
    let mut text = String::new();
    let outcome = &answer.outcome;
    let verdict = format!("{} {}", words::title(answer), outcome.verdict.words());
    let colour = if outcome.verdict.is_bad() { RED } else { GREEN };
    line(&mut text, &format!("{}  ({})", paint.bold(colour, &verdict), outcome.certainty.words()));
    line(&mut text, &format!("  {}", words::place(answer)));
    for known in [words::time(answer), words::resources(answer)].into_iter().flatten() {
        line(&mut text, &format!("  {known}"));
    }
    for evidence in &outcome.evidence {
        line(&mut text, &format!("  {}  [{}]", evidence.text, words::origin(evidence, answer)));
    }
    text.push('\n');
    if answer.findings.is_empty() {
        line(&mut text, &words::how_many(answer));
    }
    for (index, finding) in answer.findings.iter().enumerate() {
        let colour = match finding.severity {
            Severity::Critical => RED,
            Severity::Warning => YELLOW,
            Severity::Info => CYAN,
        };
        let severity = paint.colour(colour, finding.severity.word());
        line(
            &mut text,
            &format!(
                "{}. {severity}  {}  ({}, {})",
                index + 1,
                finding.sentence,
                finding.code,
                finding.certainty.words()
            ),
        );
        if index >= IN_FULL {
            let first = finding.changes.first();
            if let Some(setting) = first.and_then(words::setting) {
                line(&mut text, &format!("     change  {setting}"));
            }
            continue;
        }
        for evidence in finding.evidence.iter().take(EVIDENCE) {
            line(
                &mut text,
                &format!("     seen    {}  [{}]", evidence.text, words::origin(evidence, answer)),
            );
        }
        for change in &finding.changes {
            match words::setting(change) {
                Some(setting) => {
                    let setting = paint.bold(NONE, &setting);
                    line(&mut text, &format!("     change  {setting}: {}", change.text));
                }
                None => line(&mut text, &format!("     do      {}", change.text)),
            }
        }
        if let Some(runbook) = &finding.runbook {
            line(&mut text, &format!("     read    {runbook}"));
        }
    }
    if !answer.unknown.is_empty() {
        line(&mut text, "\nNot known");
        for unknown in &answer.unknown {
            line(&mut text, &format!("  {}: {}", unknown.what, unknown.why));
        }
    }
    line(&mut text, &format!("\nAsked: {}", words::asked(answer)));
    text
}

fn line(text: &mut String, line: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{line}");
}

const NONE: u8 = 0;
const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;
const CYAN: u8 = 36;

/// Colours, if they are wanted.
struct Paint(bool);

impl Paint {
    fn colour(&self, colour: u8, text: &str) -> String {
        if self.0 { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(&self, colour: u8, text: &str) -> String {
        if self.0 { format!("\u{1b}[1;{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
