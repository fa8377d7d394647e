//! Cases: a folder each, with facts and the answer to them as people and programs get it.
//!
//! `UPDATE_GOLDEN=1` writes the answers anew; read the difference before you commit it.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // In a test that is the message.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use emberscope_why::findings::CATALOG;
use emberscope_why::{Answer, Facts, answer, render};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn facts(case: &Path) -> Facts {
    let text = fs::read_to_string(case.join("facts.json")).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.display()))
}

fn hold(file: &Path, fresh: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, fresh).unwrap();
    } else {
        let kept = fs::read_to_string(file).unwrap_or_default();
        assert!(kept == fresh, "{} is not what comes out:\n{fresh}", file.display());
    }
}

#[test]
fn every_case_has_the_answer_that_is_kept() {
    for case in cases() {
        let answer = answer(&facts(&case));
        hold(&case.join("answer.txt"), &render::text(&answer, false));
        hold(&case.join("answer.json"), &render::json(&answer));
    }
}

/// Of every case the text and the JSON are kept, of one the other forms too.
#[test]
fn a_ticket_and_a_page_are_kept_of_one_case() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/executor-oom-python");
    let facts = facts(&case);
    let answer = answer(&facts);
    hold(&case.join("answer.md"), &render::markdown(&answer));
    hold(&case.join("answer.html"), &render::html(&answer, &facts));
}

#[test]
fn a_page_needs_nothing_from_elsewhere_and_runs_nothing() {
    for case in cases() {
        let facts = facts(&case);
        let page = render::html(&answer(&facts), &facts);
        for word in ["<script", "javascript:", "src=", "@import", "url(", "onload", "NaN", "inf\""]
        {
            assert!(!page.contains(word), "{}: {word}", case.display());
        }
        let links = page.matches("href=").count();
        assert_eq!(links, page.matches("href=\"https://github.com/emberscope/").count());
    }
}

#[test]
fn an_answer_that_is_written_is_read_back_the_same() {
    for case in cases() {
        let answer = answer(&facts(&case));
        let again: Answer = serde_json::from_str(&render::json(&answer)).unwrap();
        assert_eq!(again, answer);
    }
}

#[test]
fn every_finding_has_a_case_in_which_it_is_found() {
    let mut found = BTreeSet::new();
    for case in cases() {
        found.extend(answer(&facts(&case)).findings.into_iter().map(|finding| finding.code));
    }
    let missing: Vec<&str> =
        CATALOG.iter().map(|rule| rule.code).filter(|code| !found.contains(*code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_finding_is_no_worse_and_no_surer_than_the_catalog_says() {
    for case in cases() {
        for finding in answer(&facts(&case)).findings {
            let rule = CATALOG.iter().find(|rule| rule.code == finding.code).unwrap();
            assert!(finding.severity >= rule.severity, "{}: {}", case.display(), finding.code);
            assert!(finding.certainty >= rule.certainty, "{}: {}", case.display(), finding.code);
            assert!(!finding.evidence.is_empty(), "{}: {}", case.display(), finding.code);
            assert!(!finding.changes.is_empty(), "{}: {}", case.display(), finding.code);
        }
    }
}

#[test]
fn no_two_findings_have_one_name() {
    let names: BTreeSet<&str> = CATALOG.iter().map(|rule| rule.code).collect();
    assert_eq!(names.len(), CATALOG.len());
}
