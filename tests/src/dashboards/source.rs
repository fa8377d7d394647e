//! What describes a dashboard, read from YAML.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// How deep phrases may stand in phrases.
const DEPTH: usize = 4;

/// What all dashboards share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Template variables, in the order in which they narrow each other down.
    pub variables: Vec<Variable>,
    /// Text by the name that stands for it, as `<name>`.
    pub phrases: BTreeMap<String, String>,
}

/// A template variable.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What queries call it.
    pub name: String,
    /// What users see.
    pub label: String,
    /// A `label_values(...)`.
    pub values: String,
    /// What "All" means: a regular expression, or `each` for all values that there are to choose from;
    /// none where one has to be chosen.
    pub all: Option<String>,
}

/// A dashboard.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its title.
    pub title: String,
    /// Its address in Grafana, which never changes.
    pub uid: String,
    /// What it is for.
    pub description: String,
    /// How often Grafana asks anew while it is open; an empty text for never.
    #[serde(default = "Source::often")]
    pub refresh: String,
    /// Names of its variables.
    #[serde(rename = "variables")]
    pub variable_names: Vec<String>,
    /// Those variables.
    #[serde(skip)]
    pub variables: Vec<Variable>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// Panels under a heading.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The heading.
    pub title: String,
    /// From left to right and from top to bottom.
    pub panels: Vec<Panel>,
}

/// How a panel shows what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Lines over time.
    TimeSeries,
    /// One number.
    Stat,
    /// A bar for each series.
    BarGauge,
    /// A line for each set of labels, and a column for each query.
    Table,
}

impl Kind {
    /// Grafana's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimeSeries => "timeseries",
            Self::Stat => "stat",
            Self::BarGauge => "bargauge",
            Self::Table => "table",
        }
    }

    /// Whether its queries ask for one moment, the end of the time shown.
    #[must_use]
    pub const fn is_instant(self) -> bool {
        !matches!(self, Self::TimeSeries)
    }
}

/// A panel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// Its title.
    pub title: String,
    /// How it shows what it has.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Of the 24 columns that a row has.
    pub width: u64,
    /// In Grafana's units of 30 pixels; by default what suits the kind.
    pub height: Option<u64>,
    /// What it tells, and from which metric.
    pub description: String,
    /// The unit of all its values, for a table of those columns that have none.
    pub unit: Option<String>,
    /// Digits after the point.
    pub decimals: Option<u64>,
    /// The upper end of the axis.
    pub max: Option<f64>,
    /// Whether lines stand on each other.
    #[serde(default)]
    pub stack: bool,
    /// From which value on which colour.
    #[serde(default)]
    pub thresholds: Vec<(f64, String)>,
    /// Text that is shown for a value.
    #[serde(default)]
    pub mappings: BTreeMap<String, String>,
    /// The labels of a table's lines; `<labels>` in its queries.
    #[serde(default)]
    pub labels: Vec<String>,
    /// A dashboard that a table's column leads to.
    pub opens: Option<Opens>,
    /// Its queries.
    pub queries: Vec<Query>,
}

/// A way from a line of a table to another dashboard, by application.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opens {
    /// The other dashboard's uid.
    pub dashboard: String,
    /// The column that has the application's id.
    pub column: String,
}

/// A query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// `PromQL` with Grafana's variables.
    pub expr: String,
    /// What a series is called.
    pub legend: Option<String>,
    /// What a table's column is called.
    pub column: Option<String>,
    /// The unit of that column.
    pub unit: Option<String>,
}

impl Shared {
    /// Reads `shared.yaml`.
    pub fn read(yaml: &str) -> Result<Self> {
        Ok(serde_saphyr::from_str(yaml)?)
    }

    /// The text with each `<name>` replaced by what it stands for.
    fn spelled_out(&self, text: &str, labels: &str) -> Result<String> {
        let mut text = text.to_owned();
        for _ in 0..DEPTH {
            for (name, phrase) in &self.phrases {
                text = text.replace(&format!("<{name}>"), phrase);
            }
        }
        let text = text.replace("<labels>", labels);
        // A comparison has a space after its sign.
        let left = text.split('<').skip(1).find(|rest| rest.starts_with(char::is_alphabetic));
        match left {
            Some(rest) => bail!("no phrase stands for <{rest}"),
            None => Ok(text.split_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }
}

impl Source {
    fn often() -> String {
        "30s".to_owned()
    }

    /// Reads a description, and replaces its phrases.
    pub fn read(yaml: &str, shared: &Shared) -> Result<Self> {
        let mut source: Self = serde_saphyr::from_str(yaml)?;
        for name in &source.variable_names {
            let found = shared.variables.iter().find(|variable| variable.name == *name);
            let mut variable = found.with_context(|| format!("no variable {name}"))?.clone();
            variable.values = shared.spelled_out(&variable.values, "")?;
            source.variables.push(variable);
        }
        for panel in source.rows.iter_mut().flat_map(|row| &mut row.panels) {
            let table = panel.kind == Kind::Table;
            let labels = panel.labels.join(", ");
            let title = panel.title.clone();
            for query in &mut panel.queries {
                query.expr = shared.spelled_out(&query.expr, &labels).context(title.clone())?;
                ensure!(
                    query.column.is_some() == table,
                    "{title}: a query has a column in a table, and nowhere else"
                );
            }
        }
        Ok(source)
    }

    /// All panels, in order.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared::read(
            "{variables: [], phrases: {fleet: 'team=~\"$team\"', pods: 'a{<fleet>}', loop: '<loop>'}}",
        )
        .unwrap()
    }

    #[test]
    fn phrases_may_stand_in_phrases() {
        let text = shared().spelled_out("sum by (<labels>)\n(<pods>) < 3", "x, y").unwrap();
        assert_eq!(text, "sum by (x, y) (a{team=~\"$team\"}) < 3");
    }

    #[test]
    fn a_phrase_that_nobody_wrote_is_an_error() {
        let error = shared().spelled_out("sum(a{<flet>})", "").unwrap_err().to_string();
        assert!(error.contains("<flet>"), "{error}");
        assert!(shared().spelled_out("<loop>", "").is_err());
    }
}
