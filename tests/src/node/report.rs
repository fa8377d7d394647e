//! Without beside with, as a table.

use std::fmt::Write as _;
use std::time::Duration;

use super::outcome::{Outcome, Side, Times};
use super::scenario::Scenario;

/// One scenario on one Spark.
#[derive(Debug)]
pub struct Row {
    name: String,
    about: String,
    version: String,
    sides: Vec<Outcome>,
    /// What is not as it should be.
    pub complaints: Vec<String>,
}

impl Row {
    /// Compares what was seen with what is expected, and the sides with each other.
    #[must_use]
    pub fn new(scenario: &Scenario, version: &str, sides: Vec<Outcome>) -> Self {
        let mut complaints = Vec::new();
        for (side, outcome) in scenario.sides().iter().zip(&sides) {
            if outcome.sidecar != (*side == Side::With) {
                complaints.push(format!(
                    "the driver {side} Emberscope has a sidecar: {}",
                    outcome.sidecar
                ));
            }
            complaints.extend(outcome.untrue.iter().cloned());
            if outcome.verdict != scenario.expect {
                complaints
                    .push(format!("the driver is {}, not {}", outcome.verdict, scenario.expect));
            }
        }
        if let [without, with] = sides.as_slice() {
            complaints.extend(with.differences(without));
        }
        Self {
            name: scenario.name.clone(),
            about: scenario.about.clone(),
            version: version.to_owned(),
            sides,
            complaints,
        }
    }
}

/// The rows as a table in Markdown, with a line for every complaint below.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| scenario | Spark | driver | submitter says | equal | start, s | whole, s | Spark's end to terminal phase, s |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let Some(last) = row.sides.last() else { continue };
        let times = |pick: fn(&Times) -> Option<Duration>| -> String {
            let of = |outcome: &Outcome| {
                pick(&outcome.times)
                    .map_or("-".to_owned(), |time| format!("{:.1}", time.as_secs_f64()))
            };
            row.sides.iter().map(of).collect::<Vec<_>>().join(" → ")
        };
        let equal = if row.complaints.is_empty() { "yes" } else { "**no**" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {equal} | {} | {} | {} |",
            row.about,
            row.version,
            last.verdict,
            last.submitter,
            times(|times| times.start),
            times(|times| times.whole),
            times(|times| times.end),
        );
    }
    for row in rows {
        for complaint in &row.complaints {
            let _ = write!(text, "\n- {} on {}: {complaint}", row.name, row.version);
        }
    }
    text
}
