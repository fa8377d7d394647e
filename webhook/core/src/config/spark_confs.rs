//! The key `sparkConfs`: Spark settings for drivers.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{SparkConfs, push};
use crate::origin::{Origin, Sourced};
use crate::role::Role;

/// Spark settings as a file has them, over others; `null` removes one.
pub(super) type Changes = BTreeMap<String, Option<String>>;

const METRICS: &str = "org.apache.spark.metrics";

/// What drivers get unless somebody says otherwise; why is in `default.yaml`.
pub(super) fn defaults() -> SparkConfs {
    let servlet = "spark.metrics.conf.*.sink.prometheusServlet";
    let mut confs: BTreeMap<String, String> = [
        ("spark.ui.prometheus.enabled".into(), "true".into()),
        (format!("{servlet}.class"), format!("{METRICS}.sink.PrometheusServlet")),
        (format!("{servlet}.path"), "/metrics/driver/prometheus".into()),
        ("spark.metrics.appStatusSource.enabled".into(), "true".into()),
        ("spark.executor.processTreeMetrics.enabled".into(), "true".into()),
        ("spark.sql.streaming.metricsEnabled".into(), "true".into()),
        ("spark.metrics.conf.*.source.jvm.class".into(), format!("{METRICS}.source.JvmSource")),
    ]
    .into();
    for role in Role::ALL {
        let push = push::sink(role);
        confs.extend([
            (format!("{push}.class"), push::CLASS.into()),
            (format!("{push}.host"), "127.0.0.1".into()),
            (format!("{push}.period"), "10".into()),
            (format!("{push}.unit"), "seconds".into()),
        ]);
    }
    confs.into_iter().map(|(key, value)| (key, Sourced::default(value))).collect()
}

/// What is wrong with a setting, if anything.
pub(super) fn problem(key: &str, value: &str) -> Option<&'static str> {
    if !key.starts_with("spark.") || key.contains(|c: char| c.is_whitespace() || c == '=') {
        return Some("is not a Spark setting: they begin with \"spark.\"");
    }
    // The kubelet would expand $(NAME), and a line feed would end the setting.
    (value.contains("$(") || value.contains('\n')).then_some("must not contain $( or line feeds")
}

/// Puts changes over settings; `null` removes.
pub(super) fn over(mut confs: SparkConfs, changes: Changes, origin: &Origin) -> SparkConfs {
    for (key, value) in changes {
        match value {
            Some(value) => confs.insert(key, Sourced { value, origin: origin.clone() }),
            None => confs.remove(&key),
        };
    }
    confs
}

/// Writes settings so that they are read as the same: a default that is not among them as `null`.
pub(super) fn with_removed<S: Serializer>(
    confs: &SparkConfs,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let defaults = defaults();
    let mut written: BTreeMap<&str, Option<&str>> =
        defaults.keys().map(|key| (key.as_str(), None)).collect();
    written.extend(confs.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))));
    written.serialize(serializer)
}

/// Settings as JVM options, quoted for Spark's launcher; empty without settings.
pub(super) fn options(confs: &SparkConfs) -> String {
    let options: Vec<String> =
        confs.iter().map(|(key, value)| quoted(&format!("-D{key}={}", **value))).collect();
    options.join(" ")
}

/// One option as `CommandBuilderUtils.parseOptionString` of Spark's launcher takes it apart.
fn quoted(option: &str) -> String {
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
    if !option.contains(special) {
        return option.to_owned();
    }
    let mut text = String::with_capacity(option.len() + 2);
    text.push('"');
    for c in option.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_sorted_and_quoted_only_where_the_launcher_needs_it() {
        let confs = [("spark.b", "x"), ("spark.a.*.path", "/p"), ("spark.c", "say \"hi\" \\o")];
        let confs = confs.map(|(key, value)| (key.to_owned(), Sourced::default(value.to_owned())));
        let expected = r#"-Dspark.a.*.path=/p -Dspark.b=x "-Dspark.c=say \"hi\" \\o""#;
        assert_eq!(options(&confs.into()), expected);
    }
}
