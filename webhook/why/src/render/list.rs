//! Many applications, a line each, worst first.

use std::fmt::Write as _;

use serde_json::json;

use super::{markdown, words};
use crate::answer::{Answer, SCHEMA, Verdict};
use crate::findings::Severity;
use crate::units::seconds;

/// Worst first: by what became of it, then by its worst finding, then the newest.
pub fn sort(answers: &mut [Answer]) {
    let rank = |answer: &Answer| {
        let worst = answer.findings.first().map_or(Severity::Info, |finding| finding.severity);
        (order(answer.outcome.verdict), worst, answer.findings.is_empty())
    };
    answers.sort_by(|a, b| {
        let newest = b.application.started_at.partial_cmp(&a.application.started_at);
        rank(a).cmp(&rank(b)).then(newest.unwrap_or(std::cmp::Ordering::Equal))
    });
}

/// What somebody has to look at comes first.
const fn order(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Failed => 0,
        Verdict::Lost => 1,
        Verdict::NeverStarted => 2,
        Verdict::Killed => 3,
        Verdict::Running => 4,
        Verdict::Succeeded => 5,
    }
}

/// For a terminal.
#[must_use]
pub fn list_text(answers: &[Answer], colours: bool) -> String {
    let rows: Vec<[String; 5]> = answers.iter().map(row).collect();
    let heads = ["WHAT", "APPLICATION", "STARTED", "TOOK", "FINDINGS"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&heads]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    let verdicts = answers.iter().map(|answer| Some(answer.outcome.verdict));
    for (verdict, row) in [None].into_iter().chain(verdicts).zip([&heads].into_iter().chain(&rows))
    {
        let [what, application, started, took, findings] = row;
        let padded = format!("{what:<0$}", widths[0]);
        let padded = match verdict {
            Some(verdict) if colours && verdict.is_bad() => format!("\u{1b}[31m{padded}\u{1b}[0m"),
            _ => padded,
        };
        // Writing into a string cannot fail.
        let [_, wide, date, time] = widths;
        let line =
            format!("{padded}  {application:<wide$}  {started:<date$}  {took:<time$}  {findings}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let bad = answers.iter().filter(|answer| answer.outcome.verdict.is_bad()).count();
    let _ = writeln!(
        text,
        "\n{} applications, {bad} of them did not succeed; emberscope why APPLICATION tells more",
        answers.len()
    );
    text
}

/// For a ticket.
#[must_use]
pub fn list_markdown(answers: &[Answer]) -> String {
    let mut text =
        "| what | application | started | took | findings |\n|---|---|---|---|---|\n".to_owned();
    for answer in answers {
        let cells = row(answer).map(|cell| markdown::escape(&cell));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

/// For programs.
pub fn list_json(answers: &[Answer]) -> serde_json::Result<String> {
    let list = json!({"schema": SCHEMA, "applications": answers});
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

fn row(answer: &Answer) -> [String; 5] {
    let application = &answer.application;
    let verdict = match answer.outcome.verdict {
        Verdict::Failed => "failed",
        Verdict::Lost => "lost",
        Verdict::NeverStarted => "never started",
        Verdict::Killed => "killed",
        Verdict::Running => "running",
        Verdict::Succeeded => "succeeded",
    };
    let codes: Vec<&str> = answer.findings.iter().map(|finding| finding.code.as_str()).collect();
    let id = application.id.as_deref().filter(|id| *id != words::title(answer));
    let name = format!("{}/{}", application.namespace, words::title(answer));
    [
        verdict.to_owned(),
        id.map_or(name.clone(), |id| format!("{name} {id}")),
        application.started_at.map(|start| start.to_string()).unwrap_or_default(),
        answer.duration_seconds.map(seconds).unwrap_or_default(),
        codes.join(", "),
    ]
}
