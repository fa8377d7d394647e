//! Whose metrics they are: what Spark puts in front of each name.
//!
//! A registry name is `<namespace>.<executor id>.<source>.<metric>`
//! (`org.apache.spark.metrics.MetricsSystem.buildRegistryName`). The namespace is the application
//! id, or whatever the user set `spark.metrics.namespace` to.

use std::borrow::Cow;

use super::catalog::{find, fold, is_source};
use super::dropwizard;

/// So many known metrics are enough to tell a page's namespace.
const VOTES: usize = 16;

/// What the names of one driver page start with.
#[derive(Debug, Default)]
pub(super) struct Prefix<'a> {
    /// `metrics_<namespace>_driver_`, with all but letters and digits as `_`.
    prefix: Option<&'a str>,
}

impl<'a> Prefix<'a> {
    /// Learns the prefix from the names of the page.
    ///
    /// The one with the application's id wins. Else each name that the catalog knows after one of
    /// its `_driver_` votes for what is before: a namespace may hold `_driver_` itself, and names
    /// that users chose may as well, but not before a metric of Spark's.
    pub(super) fn learn(
        names: impl Iterator<Item = &'a str>,
        application_id: Option<&str>,
    ) -> Self {
        let expected = application_id.map(|id| format!("metrics_{}_driver_", fold(id)));
        let mut votes: Vec<(&str, usize)> = Vec::new();
        for name in names {
            if votes.iter().map(|(_, votes)| votes).sum::<usize>() >= VOTES {
                break;
            }
            if let Some(prefix) = expected.as_deref().filter(|prefix| name.starts_with(prefix)) {
                return Self { prefix: name.get(..prefix.len()) };
            }
            for (prefix, _) in splits(name).filter(|(_, key)| known(key)) {
                match votes.iter_mut().find(|(other, _)| *other == prefix) {
                    Some((_, votes)) => *votes += 1,
                    None => votes.push((prefix, 1)),
                }
            }
        }
        // Of equals the longest: the shorter ones are parts of its namespace.
        let best = votes.into_iter().max_by_key(|(prefix, votes)| (*votes, prefix.len()));
        Self { prefix: best.map(|(prefix, _)| prefix) }
    }

    /// What is left of a name: `<source>_<metric>_<field>`.
    pub(super) fn key<'n>(&self, name: &'n str) -> &'n str {
        if let Some(key) = self.prefix.and_then(|prefix| name.strip_prefix(prefix)) {
            return key;
        }
        let by = |test: fn(&str) -> bool| splits(name).find(|(_, key)| test(key));
        let (_, key) = by(known)
            .or_else(|| by(is_source))
            .or_else(|| splits(name).next())
            // A metric that was registered before the application had an id.
            .unwrap_or(("", name.strip_prefix("metrics_").unwrap_or(name)));
        key
    }

    /// The application's id, where the namespace looks like one.
    pub(super) fn application_id(&self) -> Option<Cow<'a, str>> {
        let namespace = self.prefix?.strip_prefix("metrics_")?.strip_suffix("_driver_")?;
        application_id(namespace)
    }
}

/// A name split after each of its `_driver_`; two may share an underscore.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let driver = "_driver_";
    let find = move |from: usize| name.get(from..)?.find(driver).map(|at| from + at);
    let places = std::iter::successors(find(0), move |at| find(at + 1));
    places.filter_map(move |at| {
        let (prefix, key) = name.split_at(at + driver.len());
        (prefix.starts_with("metrics_") && !key.is_empty()).then_some((prefix, key))
    })
}

/// Whether the key, with its field or without, is a source's metric that the catalog knows.
fn known(key: &str) -> bool {
    let base = dropwizard::servlet(key).map_or(key, |(base, _)| base);
    is_source(base) && find(base).is_some()
}

/// The id that a namespace is, folded or not; nothing where it does not look like an id.
///
/// Ids are `app-<time>-<number>` (standalone), `local-<time>`, `spark-<UUID without hyphens>` and
/// EMR's `spark-<job id>`, `spark-application-<time>`, and YARN's `application_<time>_<number>`.
/// Others were set by a user, and are no id.
pub(super) fn application_id(namespace: &str) -> Option<Cow<'_, str>> {
    let digits = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let job = |part: &str| {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        part.len() >= 16 && part.bytes().all(lower) && part.bytes().any(|b| b.is_ascii_digit())
    };
    let parts: Vec<&str> = namespace.split(['-', '_']).collect();
    let hyphens = match parts.as_slice() {
        ["application", time, number] if digits(time) && digits(number) => false,
        ["app", time, number] if digits(time) && digits(number) => true,
        ["local", time] | ["spark", "application", time] if digits(time) => true,
        ["spark", job_id] if job(job_id) => true,
        _ => return None,
    };
    let id = if hyphens { namespace.replace('_', "-").into() } else { namespace.into() };
    Some(id)
}

/// A pushed name, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pushed<'a> {
    /// The namespace, with the sink's prefix if it has one.
    pub(super) namespace: &'a str,
    /// A number, or `driver`.
    pub(super) executor_id: &'a str,
    /// `<source>.<metric>[.<field>]`
    pub(super) key: &'a str,
}

impl<'a> Pushed<'a> {
    /// Splits a name at the executor's id: the first part that is one and has a source after it,
    /// or the first that is one, if Spark's sources are not in it.
    pub(super) fn split(name: &'a str) -> Option<Self> {
        let candidates = || {
            name.match_indices('.').filter_map(|(dot, _)| {
                let (namespace, rest) = (&name[..dot], &name[dot + 1..]);
                let (executor_id, key) = rest.split_once('.')?;
                let digits = executor_id.bytes().all(|byte| byte.is_ascii_digit());
                let id = executor_id == "driver" || (digits && !executor_id.is_empty());
                (id && !key.is_empty()).then_some(Self { namespace, executor_id, key })
            })
        };
        candidates().find(|pushed| is_source(&fold(pushed.key))).or_else(|| candidates().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(names: &[&'static str], id: Option<&str>, name: &'static str) -> &'static str {
        Prefix::learn(names.iter().copied(), id).key(name)
    }

    #[test]
    fn a_namespace_may_hold_driver_itself() {
        for namespace in ["app_1", "my_driver_app", "x_driver_executor", "driver", "_driver_"] {
            let names: Vec<String> =
                ["DAGScheduler_job_allJobs_Value", "my_own_driver_thing_Count"]
                    .iter()
                    .map(|key| format!("metrics_{namespace}_driver_{key}"))
                    .collect();
            let prefix = Prefix::learn(names.iter().map(String::as_str), None);
            assert_eq!(prefix.key(&names[0]), "DAGScheduler_job_allJobs_Value", "{namespace}");
            assert_eq!(prefix.key(&names[1]), "my_own_driver_thing_Count", "{namespace}");
        }
    }

    #[test]
    fn the_application_id_decides_where_it_is_known() {
        let names = ["metrics_a_driver_driver_plugin_x_Value"];
        assert_eq!(key(&names, Some("a"), names[0]), "driver_plugin_x_Value");
        assert_eq!(key(&names, Some("a-driver"), names[0]), "plugin_x_Value");
        assert_eq!(key(&names, Some("other"), names[0]), "plugin_x_Value");
    }

    #[test]
    fn a_name_without_a_driver_is_all_key() {
        assert_eq!(key(&[], None, "metrics_CodeGenerator_x_Count"), "CodeGenerator_x_Count");
        assert_eq!(key(&[], None, "metrics_a_driver_"), "a_driver_");
    }

    #[test]
    fn only_what_looks_like_an_id_is_one() {
        for (namespace, id) in [
            ("app_20261123073954_0000", Some("app-20261123073954-0000")),
            ("local_1795418699443", Some("local-1795418699443")),
            ("spark_000000030tk4ss2g8lm", Some("spark-000000030tk4ss2g8lm")),
            (
                "spark-5a1f0c7d2e9b4f6a8c3d1e0f9a7b6c5d",
                Some("spark-5a1f0c7d2e9b4f6a8c3d1e0f9a7b6c5d"),
            ),
            ("spark_application_1795418699443", Some("spark-application-1795418699443")),
            ("application_1795418699443_0001", Some("application_1795418699443_0001")),
            ("spark_etl", None),
            ("spark_streamingapplication", None),
            ("app_1", None),
            ("fromfile", None),
            ("", None),
        ] {
            assert_eq!(application_id(namespace).as_deref(), id, "{namespace}");
        }
    }

    #[test]
    fn a_pushed_name_is_split_at_the_executor_id() {
        let split = |name| Pushed::split(name).map(|p| (p.namespace, p.executor_id, p.key));
        for (name, parts) in [
            ("app-1.0.executor.runTime.count", ("app-1", "0", "executor.runTime.count")),
            ("pre.fix.my.app.12.jvm.heap.used", ("pre.fix.my.app", "12", "jvm.heap.used")),
            ("v1.2.3.7.JVMCPU.jvmCpuTime", ("v1.2.3", "7", "JVMCPU.jvmCpuTime")),
            ("ns.driver.DAGScheduler.job.allJobs", ("ns", "driver", "DAGScheduler.job.allJobs")),
            ("ns.3.my.own.metric", ("ns", "3", "my.own.metric")),
        ] {
            assert_eq!(split(name), Some(parts), "{name}");
        }
        for name in ["", "a", "a.b", "a.b.c", "a.1", "a.1.", "CodeGenerator.x.count"] {
            assert_eq!(split(name), None, "{name}");
        }
    }
}
