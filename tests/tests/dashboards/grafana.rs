//! What Grafana does before it asks Prometheus: variables get their values.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use emberscope_tests::dashboards::source::{Source, Variable};
use emberscope_tests::prometheus;

/// What Grafana takes for `$__rate_interval`: at least four scrape intervals.
const RATE_INTERVAL: &str = "20s";
/// And for `$__interval`, where a subquery looks at each scrape.
const INTERVAL: u32 = 5;

/// The values of a dashboard's variables, with "All" for those that have it.
#[derive(Debug, Default)]
pub(crate) struct Values(BTreeMap<String, String>);

impl Values {
    /// Asks Prometheus for them, one after the other, as their dashboard would when it is opened; the
    /// names of those that have none.
    pub(crate) async fn ask(
        source: &Source,
        port: u16,
        span: [f64; 2],
    ) -> Result<(Self, Vec<String>)> {
        let (mut values, mut empty) = (Self::default(), Vec::new());
        for variable in &source.variables {
            let found = values.options(variable, port, span).await?;
            if found.is_empty() {
                empty.push(variable.name.clone());
            }
            values.0.insert(variable.name.clone(), chosen(variable, &found));
        }
        Ok((values, empty))
    }

    async fn options(&self, variable: &Variable, port: u16, span: [f64; 2]) -> Result<Vec<String>> {
        let inside = variable.values.strip_prefix("label_values(");
        let inside = inside.and_then(|rest| rest.strip_suffix(')'));
        let (selector, label) = inside
            .and_then(|inside| inside.rsplit_once(", "))
            .with_context(|| format!("{} is no label_values", variable.values))?;
        prometheus::label_values(port, &self.put_into(selector, span), label, span).await
    }

    /// The text with its variables replaced.
    pub(crate) fn put_into(&self, text: &str, [start, end]: [f64; 2]) -> String {
        let range = format!("{:.0}s", (end - start).ceil());
        let text = text.replace("$__rate_interval", RATE_INTERVAL).replace("$__range", &range);
        let mut text = text
            .replace("$__interval_ms", &(INTERVAL * 1000).to_string())
            .replace("$__interval", &format!("{INTERVAL}s"));
        // Longer names first: one may begin with another.
        for (name, value) in self.0.iter().rev() {
            text = text.replace(&format!("${name}"), value);
        }
        text
    }
}

/// What stands for the variable in a query, as Grafana writes it for Prometheus.
fn chosen(variable: &Variable, options: &[String]) -> String {
    let escaped = |value: &String| {
        value.chars().fold(String::new(), |mut text, c| {
            if ".+*?()|[]{}^$".contains(c) {
                text.push_str("\\\\");
            }
            text.push(c);
            text
        })
    };
    match variable.all.as_deref() {
        Some("each") => {
            format!("({})", options.iter().map(escaped).collect::<Vec<_>>().join("|"))
        }
        Some(all) => all.to_owned(),
        None => options.last().cloned().unwrap_or_default(),
    }
}
