//! Spark's settings in a driver's `SPARK_SUBMIT_OPTS`: the channel in which the job's own settings win.
//!
//! Spark's launcher puts this variable in front of the driver JVM's other options, and system
//! properties lose to `spark.properties`, `--conf` and later `-D` options (Spark's
//! `SparkSubmitCommandBuilder` and `SparkSubmitArguments`). Executors get the driver's settings
//! when they register.

use crate::contract::SUBMIT_OPTS;
use crate::pod::Container;

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
pub(super) struct FromElsewhere;

/// What to do so that `container` has `options` in front of its own.
pub(super) fn change(container: &Container<'_>, options: &str) -> Result<Change, FromElsewhere> {
    let variables = container.env.as_deref().unwrap_or_default();
    // Of entries with one name the kubelet uses the last.
    let Some(index) = variables.iter().rposition(|variable| &*variable.name == SUBMIT_OPTS) else {
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

/// Whether the container's own options have a setting, which wins then.
#[must_use]
pub fn has_its_own(container: &Container<'_>, key: &str) -> bool {
    container.env(SUBMIT_OPTS).unwrap_or_default().contains(&format!("-D{key}="))
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
