//! `docs/check.md`: the checks, the command line, and a report that a test printed.

use std::collections::BTreeSet;
use std::fs;

use emberscope_check::CHECKS;

use crate::generated::{check, fenced, root, table};

#[test]
fn the_page_about_check_says_what_the_code_says() {
    let golden = |name: &str| {
        fs::read_to_string(root().join(format!("tests/golden/check/{name}.txt"))).unwrap()
    };
    let report = golden("well");
    let report = format!("$ emberscope check --prometheus http://127.0.0.1:9090\n{report}");
    let checks = CHECKS.iter().map(|check| {
        [check.link.title().to_owned(), format!("`{}`", check.code), check.help.to_owned()]
    });
    check(
        "docs/check.md",
        &[
            ("report", fenced("text", &report)),
            ("broken", fenced("text", &golden("foreign-authority"))),
            ("checks", table(["link", "check", "what has to hold"], checks)),
            ("command line", fenced("text", &emberscope::cli::help("check"))),
        ],
    );
}

#[test]
fn no_two_checks_have_one_name() {
    let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.code).collect();
    assert_eq!(names.len(), CHECKS.len());
}
