//! `docs/runbooks`: a page for each alert.

use emberscope_tests::rules::Rule;

use super::{alert_names, alerts, read, stems};

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    assert_eq!(stems("docs/runbooks"), alert_names());
}

#[test]
fn every_runbook_answers_the_same_questions_in_brief() {
    let sections = ["## How sure", "## Look", "## Do", "## Silence"];
    for Rule { name, .. } in alerts() {
        let page = read(&format!("docs/runbooks/{name}.md"));
        assert!(page.starts_with(&format!("# {name}\n\n")), "{name}: the title is the alert");
        let mut at = 0;
        for section in sections {
            let found = page[at..].find(&format!("\n{section}\n"));
            at += found.unwrap_or_else(|| panic!("{name}: no section {section:?} in its place"));
        }
        let lines = page.lines().count();
        assert!(lines <= 60, "{name}: {lines} lines are no runbook for the night");
    }
}

/// Labels that change with every run would make a silence forget.
#[test]
fn a_runbook_about_jobs_says_that_silences_go_by_name() {
    for Rule { name, file, .. } in alerts() {
        let page = read(&format!("docs/runbooks/{name}.md"));
        let (_, silence) = page.split_once("## Silence\n").unwrap();
        let by_run = ["`application_id`", "`pod`", "`instance`"]
            .iter()
            .find(|label| silence.contains(**label));
        if file == "job-alerts.yaml" {
            assert!(silence.contains("`spark_app_name`"), "{name}");
            assert_eq!(by_run, None, "{name}");
        }
    }
}
