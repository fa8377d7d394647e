//! This run against its last ones.

use super::finding::{Certainty, Found, Provoked, Rule, Severity};
use super::thresholds::{RUNS, SLOWER, SLOWER_SECONDS};
use crate::units::{bytes, number, seconds};

pub(super) const SLOWER_THAN_BEFORE: Rule = Rule {
    code: "slower_than_before",
    severity: Severity::Info,
    certainty: Certainty::Likely,
    meaning: "This run took, or has taken, far longer than the last ones of the same name.",
    needs: "three earlier runs of the same name, and how long they took",
    advice: "More input explains more time; without it the stages that grew do.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let took = facts.duration()?;
        if (facts.earlier.len() as f64) < RUNS {
            return None;
        }
        let before = median(facts.earlier.iter().map(|run| run.duration_seconds))?;
        if took < SLOWER * before || took - before < SLOWER_SECONDS {
            return None;
        }
        let sentence = format!(
            "it took {}, {} times as long as its last {} runs in the median",
            seconds(took),
            number(took / before.max(1.0)),
            facts.earlier.len()
        );
        let found = Found::new(Severity::Info, Certainty::Likely, sentence).figure(
            format!("median of the last runs: {}", seconds(before)),
            None,
            None,
        );
        let input: f64 = facts.executors.iter().filter_map(|one| one.input_bytes).sum();
        let input_before = median(facts.earlier.iter().filter_map(|run| run.input_bytes))
            .filter(|bytes| *bytes > 0.0);
        Some(match input_before {
            Some(usual) if input >= usual * took / before.max(1.0) * 0.8 => found
                .figure(
                    format!("input: {}, {} in the median before", bytes(input), bytes(usual)),
                    facts.application.last_seen_at,
                    None,
                )
                .advise("its input grew as much: more executors, or less to read"),
            Some(usual) => found
                .figure(
                    format!("input: {}, {} in the median before", bytes(input), bytes(usual)),
                    facts.application.last_seen_at,
                    None,
                )
                .advise("its input did not grow as much: the findings above it say what else did"),
            None => found.advise("the findings above it say what grew"),
        })
    },
};

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
