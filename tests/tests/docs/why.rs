//! `docs/why.md` and `docs/findings.md`: an answer that a test holds, the command line, the rules.

use std::fs;

use emberscope_why::QUERIES;
use emberscope_why::findings::{CATALOG, THRESHOLDS};

use crate::generated::{check, fenced, root, table};

#[test]
fn the_page_about_why_says_what_the_code_says() {
    let answer = "webhook/why/tests/cases/executor-oom-python/answer.txt";
    let answer = fs::read_to_string(root().join(answer)).unwrap();
    let queries = QUERIES.iter().map(|query| {
        let kind = match query.kind {
            emberscope_why::Kind::Instant => "at the end",
            emberscope_why::Kind::Range => "at 200 times",
        };
        let cost = match (query.cost.once, query.cost.a_pod) {
            (once, 0) => format!("{once}"),
            (0, a_pod) => format!("{a_pod} a pod"),
            (once, a_pod) => format!("{once}, and {a_pod} a pod"),
        };
        [query.what.to_owned(), kind.to_owned(), cost]
    });
    check(
        "docs/why.md",
        &[
            ("answer", fenced("text", &format!("$ emberscope why taxi-trips\n{answer}"))),
            ("queries", table(["what", "asked", "series, about"], queries)),
            ("command line", fenced("text", &emberscope::cli::help("why"))),
        ],
    );
}

#[test]
fn the_page_of_findings_is_the_catalog() {
    let findings = CATALOG.iter().map(|rule| {
        let alert = rule.alert.map(|alert| format!("[{alert}](runbooks/{alert}.md)"));
        [
            format!("`{}`", rule.code),
            rule.severity.word().to_owned(),
            rule.certainty.words().to_owned(),
            rule.meaning.to_owned(),
            rule.needs.to_owned(),
            rule.advice.to_owned(),
            alert.unwrap_or_default(),
            rule.provoked.words().to_owned(),
        ]
    });
    let heads = [
        "code",
        "severity",
        "sure",
        "what it means",
        "what has to be seen",
        "what helps",
        "alert and runbook",
        "tried with",
    ];
    let thresholds = THRESHOLDS
        .iter()
        .map(|one| [format!("`{}`", one.name), one.value.to_string(), one.reason.to_owned()]);
    check(
        "docs/findings.md",
        &[
            ("findings", table(heads, findings)),
            ("thresholds", table(["name", "from", "of what, and why"], thresholds)),
        ],
    );
}

/// A threshold's reason names the alert that has it: `…; SparkSpillHigh's`.
#[test]
fn an_alert_that_says_the_same_has_the_same_threshold() {
    let rules =
        fs::read_to_string(root().join("manifests/monitoring/rules/job-alerts.yaml")).unwrap();
    let mut compared = 0;
    for threshold in THRESHOLDS {
        let words = threshold.reason.split(|c: char| !c.is_alphanumeric());
        let Some(alert) =
            words.into_iter().find(|word| word.starts_with("Spark") && word.len() > 8)
        else {
            continue;
        };
        if !threshold.reason.contains(&format!("{alert}'s")) {
            continue;
        }
        let (_, rest) =
            rules.split_once(&format!("- alert: {alert}\n")).unwrap_or_else(|| panic!("{alert}"));
        let (expression, _) = rest.split_once("annotations:").unwrap();
        let value = threshold.value;
        let gib = value / 1_073_741_824.0;
        let text = if gib >= 1.0 { format!("{gib} * 2^30") } else { value.to_string() };
        let found = expression.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(found.contains(&text), "{} is {text}, and {alert} is {found}", threshold.name);
        compared += 1;
    }
    assert!(compared >= 12, "{compared}");
}
