//! Answers of Prometheus as series.

use std::collections::BTreeMap;

use emberscope_ask::{Refusal, prometheus};
use kube::Client;
use serde_json::Value;

/// A series, or what an expression gave for one set of labels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    /// Its labels, its name among them as `__name__`.
    pub(super) labels: BTreeMap<String, String>,
    /// Time and value, oldest first; no value that is no number.
    pub(super) samples: Vec<(f64, f64)>,
}

impl Series {
    /// A label that is there and says something.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.label("__name__").unwrap_or_default()
    }

    /// Its last value.
    pub(super) fn last(&self) -> Option<f64> {
        self.samples.last().map(|(_, value)| *value)
    }
}

/// What an instant query at `time` gave.
pub(super) async fn at(
    client: &Client,
    expression: &str,
    time: f64,
) -> Result<Vec<Series>, Refusal> {
    Ok(read(&prometheus::query_at(client, expression, time).await?))
}

/// What a range query gave.
pub(super) async fn over(
    client: &Client,
    expression: &str,
    window: [f64; 2],
    step: f64,
) -> Result<Vec<Series>, Refusal> {
    Ok(read(&prometheus::query_range(client, expression, window, step).await?))
}

/// The clock of Prometheus.
pub(super) async fn clock(client: &Client) -> Result<f64, Refusal> {
    let answer = prometheus::query(client, "time()").await?;
    let time = answer.pointer("/data/result/1").and_then(number);
    time.ok_or_else(|| Refusal::Failed("its answer is none of a Prometheus".to_owned()))
}

fn read(answer: &Value) -> Vec<Series> {
    let result = answer.pointer("/data/result").and_then(Value::as_array);
    result.into_iter().flatten().map(one).collect()
}

fn one(value: &Value) -> Series {
    let labels = value["metric"].as_object().into_iter().flatten();
    let labels =
        labels.filter_map(|(name, label)| Some((name.clone(), label.as_str()?.to_owned())));
    let samples = match (&value["values"], &value["value"]) {
        (Value::Array(values), _) => values.iter().filter_map(sample).collect(),
        (_, single) => sample(single).into_iter().collect(),
    };
    Series { labels: labels.collect(), samples }
}

fn sample(pair: &Value) -> Option<(f64, f64)> {
    Some((pair.get(0)?.as_f64()?, number(pair.get(1)?)?))
}

fn number(text: &Value) -> Option<f64> {
    text.as_str()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A text as a string of `PromQL`.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A text as a regular expression that matches nothing else.
pub(super) fn literal(text: &str) -> String {
    regex::escape(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn vectors_and_matrices_are_read_and_what_is_no_number_is_left_out() {
        let answer = json!({"data": {"result": [
            {"metric": {"__name__": "a", "pod": "p"}, "value": [1.0, "2.5"]},
            {"metric": {}, "values": [[1, "NaN"], [2, "3"], [3, "+Inf"]]},
        ]}});
        let series = read(&answer);
        assert_eq!(
            (series[0].name(), series[0].label("pod"), series[0].last()),
            ("a", Some("p"), Some(2.5))
        );
        assert_eq!(series[1].samples, [(2.0, 3.0)]);
        assert_eq!(read(&json!({"status": "error"})), []);
    }

    #[test]
    fn a_name_cannot_leave_its_string() {
        assert_eq!(quoted("a\"} or vector(1) #\\\n"), r#""a\"} or vector(1) #\\\n""#);
    }
}
