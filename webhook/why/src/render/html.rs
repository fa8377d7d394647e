//! One page to look at and to attach: no script, nothing from elsewhere, readable in print and in the dark.

mod charts;
mod svg;

use std::fmt::Write as _;

use super::words;
use crate::answer::Answer;
use crate::facts::Facts;
use crate::redact;

/// The answer as a page, with pictures of the facts that it is from.
#[must_use]
pub fn html(answer: &Answer, facts: &Facts) -> String {
    let facts = redact::all(facts);
    let mut page = String::new();
    let outcome = &answer.outcome;
    let title = format!("{} {}", words::title(answer), outcome.verdict.words());
    let mood = if outcome.verdict.is_bad() { "bad" } else { "good" };
    put(&mut page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">");
    put(&mut page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    put(
        &mut page,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    );
    put(
        &mut page,
        &format!(
            "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>",
            escape(&title),
            include_str!("html/page.css")
        ),
    );
    put(
        &mut page,
        &format!(
            "<header class=\"{mood}\">\n<h1>{} <small>({})</small></h1>",
            escape(&title),
            outcome.certainty.words()
        ),
    );
    let known = [Some(words::place(answer)), words::time(answer), words::resources(answer)];
    for line in known.into_iter().flatten() {
        put(&mut page, &format!("<p>{}</p>", escape(&line)));
    }
    for evidence in &outcome.evidence {
        put(
            &mut page,
            &format!(
                "<p>{} <small>{}</small></p>",
                escape(&evidence.text),
                escape(&words::origin(evidence, answer))
            ),
        );
    }
    put(&mut page, "</header>\n<main>");
    findings(&mut page, answer);
    for chart in charts::all(&facts) {
        put(&mut page, &chart);
    }
    if !answer.unknown.is_empty() {
        put(&mut page, "<section>\n<h2>Not known</h2>\n<ul>");
        for unknown in &answer.unknown {
            put(
                &mut page,
                &format!("<li><b>{}</b>: {}</li>", escape(&unknown.what), escape(&unknown.why)),
            );
        }
        put(&mut page, "</ul>\n</section>");
    }
    put(
        &mut page,
        &format!(
            "</main>\n<footer>Asked at {}: {}</footer>\n</body>\n</html>",
            answer.asked_at,
            escape(&words::asked(answer))
        ),
    );
    page
}

fn findings(page: &mut String, answer: &Answer) {
    put(page, &format!("<section>\n<h2>{}</h2>", words::how_many(answer)));
    for (index, finding) in answer.findings.iter().enumerate() {
        let severity = finding.severity.word();
        put(
            page,
            &format!(
                "<article class=\"{severity}\">\n<h3>{}. {}</h3>",
                index + 1,
                escape(&finding.sentence)
            ),
        );
        put(
            page,
            &format!(
                "<p class=\"code\">{severity}, {}, <code>{}</code></p>",
                finding.certainty.words(),
                finding.code
            ),
        );
        put(page, "<dl>");
        for evidence in &finding.evidence {
            put(
                page,
                &format!(
                    "<dt>seen</dt><dd>{} <small>{}</small></dd>",
                    escape(&evidence.text),
                    escape(&words::origin(evidence, answer))
                ),
            );
        }
        for change in &finding.changes {
            match words::setting(change) {
                Some(setting) => put(
                    page,
                    &format!(
                        "<dt>change</dt><dd><code>{}</code>: {}</dd>",
                        escape(&setting),
                        escape(&change.text)
                    ),
                ),
                None => put(page, &format!("<dt>do</dt><dd>{}</dd>", escape(&change.text))),
            }
        }
        if let Some(runbook) = &finding.runbook {
            put(page, &format!("<dt>read</dt><dd><a href=\"{0}\">{0}</a></dd>", escape(runbook)));
        }
        put(page, "</dl>\n</article>");
    }
    put(page, "</section>");
}

fn put(page: &mut String, text: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(page, "{text}");
}

/// Text between and inside of tags.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
