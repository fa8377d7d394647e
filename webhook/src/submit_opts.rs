//! Spark settings as `SPARK_SUBMIT_OPTS`: the channel in which the job's own settings win.
//!
//! Spark's launcher puts this variable in front of the driver JVM's other options, and system
//! properties lose to `spark.properties`, `--conf` and later `-D` options (Spark's
//! `SparkSubmitCommandBuilder` and `SparkSubmitArguments`). Executors get the driver's settings
//! when they register.

use std::collections::BTreeMap;

use crate::pod::Container;

/// The variable's name.
pub const NAME: &str = "SPARK_SUBMIT_OPTS";

/// What has to be done to a container for it to have our settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The container has no such variable: add it.
    Add(String),
    /// The variable at this position of `env` gets this value: ours in front of what was there.
    Prepend {
        /// Position in `env`.
        index: usize,
        /// The whole new value.
        value: String,
    },
    /// Our settings are there already.
    Present,
}

/// The variable comes, or may come, from a ConfigMap, Secret or field: its value is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FromElsewhere;

/// The settings as JVM options, quoted for Spark's launcher; empty without settings.
#[must_use]
pub fn options(confs: &BTreeMap<String, String>) -> String {
    let options: Vec<String> =
        confs.iter().map(|(key, value)| quoted(&format!("-D{key}={value}"))).collect();
    options.join(" ")
}

/// What to do so that `container` has `options` in front of its own.
pub fn change(container: &Container<'_>, options: &str) -> Result<Change, FromElsewhere> {
    let variables = container.env.as_deref().unwrap_or_default();
    // Of entries with one name the kubelet uses the last.
    let Some(index) = variables.iter().rposition(|variable| &*variable.name == NAME) else {
        // A variable of the container would hide one of the same name in there.
        let elsewhere = container.env_from.as_ref().is_some_and(|sources| !sources.is_empty());
        return if elsewhere { Err(FromElsewhere) } else { Ok(Change::Add(options.to_owned())) };
    };
    let variable = &variables[index];
    if variable.value_from.is_some() {
        return Err(FromElsewhere);
    }
    Ok(match variable.value.as_deref().unwrap_or_default() {
        theirs if theirs.starts_with(options) => Change::Present,
        "" => Change::Prepend { index, value: options.to_owned() },
        theirs => Change::Prepend { index, value: format!("{options} {theirs}") },
    })
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

    fn container(env: &str) -> String {
        format!(r#"{{"name": "spark-kubernetes-driver", "env": {env}}}"#)
    }

    fn changed(env: &str) -> Result<Change, FromElsewhere> {
        change(&serde_json::from_str(&container(env)).unwrap(), "-Da=b")
    }

    #[test]
    fn options_are_sorted_and_quoted_only_where_the_launcher_needs_it() {
        let confs = [("spark.b", "x"), ("spark.a.*.path", "/p"), ("spark.c", "say \"hi\" \\o")];
        let confs = confs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let expected = r#"-Dspark.a.*.path=/p -Dspark.b=x "-Dspark.c=say \"hi\" \\o""#;
        assert_eq!(options(&confs), expected);
    }

    #[test]
    fn the_jobs_own_options_come_after_ours_so_that_they_win() {
        let set = |index, value: &str| Ok(Change::Prepend { index, value: value.to_owned() });
        assert_eq!(changed("null"), Ok(Change::Add("-Da=b".to_owned())));
        assert_eq!(changed("[]"), Ok(Change::Add("-Da=b".to_owned())));
        assert_eq!(
            changed(r#"[{"name": "X"}, {"name": "SPARK_SUBMIT_OPTS", "value": "-Da=c"}]"#),
            set(1, "-Da=b -Da=c")
        );
        assert_eq!(changed(r#"[{"name": "SPARK_SUBMIT_OPTS"}]"#), set(0, "-Da=b"));
    }

    #[test]
    fn settings_that_are_there_are_not_added_again() {
        let env = r#"[{"name": "SPARK_SUBMIT_OPTS", "value": "-Da=b -Da=c"}]"#;
        assert_eq!(changed(env), Ok(Change::Present));
    }

    #[test]
    fn a_container_whose_variables_come_as_a_whole_may_have_it_among_them() {
        let with =
            |env: &str| format!(r#"{{"name": "a", "envFrom": [{{"secretRef": {{}}}}]{env}}}"#);
        let changed = |container: &str| change(&serde_json::from_str(container).unwrap(), "-Da=b");
        assert_eq!(changed(&with("")), Err(FromElsewhere));
        let empty = r#", "env": [{"name": "SPARK_SUBMIT_OPTS", "value": ""}]"#;
        assert!(matches!(changed(&with(empty)), Ok(Change::Prepend { .. })));
    }

    #[test]
    fn a_variable_from_elsewhere_is_left_alone() {
        let env = r#"[{"name": "SPARK_SUBMIT_OPTS", "valueFrom": {"configMapKeyRef": {}}}]"#;
        assert_eq!(changed(env), Err(FromElsewhere));
    }
}
