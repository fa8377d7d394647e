//! `docs/why.md` and `docs/findings.md`: an answer that a test holds, the command line, the rules.

use std::fs;

use emberscope_tests::verdict_of_why::CASES;
use emberscope_why::QUERIES;
use emberscope_why::facts::{LastState, LossReason};
use emberscope_why::findings::{CATALOG, Provoked, THRESHOLDS};

use serde_json::Value;

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

#[test]
fn what_is_said_to_be_tried_is_tried() {
    let api_server = fs::read_to_string(root().join("tests/tests/why/api_server.rs")).unwrap();
    for rule in CATALOG {
        let by_spark = CASES.iter().any(|case| case.cause == Some(rule.code));
        let by_api_server = api_server.contains(&format!("\"{}\"", rule.code));
        let tried = match rule.provoked {
            Provoked::RealSpark => by_spark,
            Provoked::RealApiServer => by_api_server,
            // There may be a job for it that has not shown it yet.
            Provoked::RecordedFacts => !by_api_server,
        };
        assert!(tried, "{} is not tried with {}", rule.code, rule.provoked.words());
    }
}

/// The sidecar's list of reasons, as its page has it, is the one that is read here: an unknown word would
/// be read as a reason that Spark does not tell.
#[test]
fn every_reason_of_a_loss_is_known() {
    let page = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let list = page.split("**Losses**:").nth(1).unwrap().split("\n\n").next().unwrap();
    let words: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(words.len(), 9, "{words:?}");
    for word in words {
        let reason: LossReason = serde_json::from_value(word.into()).unwrap();
        assert_eq!(serde_json::to_value(reason).unwrap(), word);
    }
}

#[test]
fn the_runbook_of_an_alert_names_the_command_and_the_finding() {
    for rule in CATALOG {
        let Some(alert) = rule.alert else { continue };
        let page = fs::read_to_string(root().join(format!("docs/runbooks/{alert}.md"))).unwrap();
        assert!(page.contains("`emberscope why APPLICATION"), "{alert}");
        assert!(
            page.contains(&format!("[`{}`](../findings.md)", rule.code)),
            "{alert}: {}",
            rule.code
        );
    }
}

#[test]
fn what_is_asked_for_is_served() {
    let page = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for query in QUERIES {
        let expression = (query.expression)();
        let words = expression.split(|c| !is_name(c));
        let metrics = words.filter(|word| {
            ["spark_", "metrics_", "emberscope_"].iter().any(|start| word.starts_with(start))
        });
        // A label's name, and the beginnings of regular expressions.
        let whole = metrics.filter(|word| !word.ends_with('_') && *word != "spark_role");
        for metric in whole {
            assert!(page.contains(&format!("| `{metric}` |")), "{}: {metric}", query.name);
        }
    }
}

#[test]
fn every_evidence_of_a_containers_end_is_understood() {
    let page = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let (_, table) = page.split_once("| evidence | what is known |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let evidence: Vec<&str> = rows.map(|(evidence, _)| evidence).collect();
    assert!(evidence.len() >= 7, "{evidence:?}");
    for one in evidence {
        assert!(LastState::of_label(one).is_some(), "{one}");
    }
}

/// A threshold's reason names the alert that has it: `…; SparkSpillHigh's`.
#[test]
fn an_alert_that_says_the_same_has_the_same_threshold() {
    let rules = |file: &str| {
        let path = root().join("manifests/monitoring/rules").join(file);
        let text = fs::read_to_string(path).unwrap();
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let groups = value["groups"].as_array().unwrap().clone();
        groups.into_iter().flat_map(|group| group["rules"].as_array().unwrap().clone())
    };
    let all: Vec<Value> = rules("job-alerts.yaml").chain(rules("recording.yaml")).collect();
    let expression = |kind: &str, name: &str| {
        let rule = all.iter().find(|rule| rule[kind] == name);
        let text = rule.unwrap_or_else(|| panic!("{name}"))["expr"].as_str().unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut compared = 0;
    for threshold in THRESHOLDS {
        let mut words = threshold.reason.split(|c: char| !c.is_alphanumeric() && c != '\'');
        let Some(alert) = words.find_map(|word| {
            word.strip_suffix("'s").filter(|word| word.starts_with("Spark") && word.len() > 5)
        }) else {
            continue;
        };
        // With what the recorded series in it are made of.
        let mut text = expression("alert", alert);
        for record in all.iter().filter_map(|rule| rule["record"].as_str()) {
            if text.contains(record) {
                text += &expression("record", record);
            }
        }
        let value = threshold.value;
        let gib = value / 1_073_741_824.0;
        let number = if gib >= 1.0 { format!("{gib} * 2^30") } else { value.to_string() };
        assert!(text.contains(&number), "{} is {number}, and {alert} is {text}", threshold.name);
        compared += 1;
    }
    assert!(compared >= 12, "{compared}");
}
