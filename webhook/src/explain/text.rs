//! The explanation for people.

use std::fmt::{self, Formatter, Write as _};

use super::{Explanation, RuleResult};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { pod, namespace, sentence, profile, rules, values, missing, .. } = self;
        let profile = profile.as_ref().map(|name| format!(" (profile {name})")).unwrap_or_default();
        writeln!(f, "{pod} in namespace {namespace}{profile} {sentence}.")?;
        writeln!(f, "\nWhat would leave it alone, in this order:")?;
        let rules: Vec<[&str; 3]> =
            rules.iter().map(|rule| [result(rule.result), rule.code, rule.sentence]).collect();
        f.write_str(&table(&rules))?;
        if !values.is_empty() {
            writeln!(f, "\nWhat it gets:")?;
            let rows: Vec<[String; 3]> = values
                .iter()
                .map(|row| {
                    let from = match &row.note {
                        Some(note) => format!("{}; {note}", row.from),
                        None => row.from.to_string(),
                    };
                    let value = if row.value.is_empty() { "-" } else { &row.value };
                    [row.name.clone(), value.to_owned(), from]
                })
                .collect();
            f.write_str(&table(&rows))?;
        }
        if !missing.is_empty() {
            writeln!(f, "\nWhat it does not get:")?;
        }
        for lack in missing {
            writeln!(f, "  {lack}")?;
        }
        Ok(())
    }
}

const fn result(result: RuleResult) -> &'static str {
    match result {
        RuleResult::Passes => "no",
        RuleResult::Decides => "YES",
        RuleResult::NotAsked => "",
        RuleResult::Unknown => "ask the cluster",
    }
}

/// Aligned columns; the last is not padded.
pub(super) fn table<const N: usize, T: AsRef<str>>(rows: &[[T; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].as_ref().len()).max();
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let mut table = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing into a string cannot fail.
            let _ = write!(line, "  {:width$}", cell.as_ref());
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}
