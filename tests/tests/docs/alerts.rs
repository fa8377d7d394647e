//! `docs/alerts.md`: every rule that is shipped.

use emberscope_tests::rules::{Rule, all};

use crate::drills;
use crate::generated::{check, root, table};

#[test]
fn the_page_about_alerts_lists_the_rules_and_the_drills_that_are_shipped() {
    let (alerts, recorded): (Vec<_>, Vec<_>) =
        all(&root()).unwrap().into_iter().partition(Rule::is_alert);
    let alerts = alerts.iter().map(|alert| {
        [
            format!("[{0}](runbooks/{0}.md)", alert.name),
            alert.severity().to_owned(),
            alert.hold().to_owned(),
            alert.annotation("summary").to_owned(),
        ]
    });
    let recorded = recorded.iter().map(|rule| {
        let expression: Vec<_> = rule.expr().split_whitespace().collect();
        let expression = expression.join(" ").replace('|', "\\|");
        [format!("`{}`", rule.name), format!("`{expression}`")]
    });
    check(
        "docs/alerts.md",
        &[
            ("alerts", table(["alert", "severity", "for", "what it says"], alerts)),
            ("drills", drills::listed()),
            ("recorded", table(["name", "expression"], recorded)),
        ],
    );
}
