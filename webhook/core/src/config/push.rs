//! The sinks by which Spark's processes push their figures to their sidecars: settings of
//! `sparkConfs` that the sidecar has to know, and that Spark ends a job for where they are wrong.
//!
//! Spark's `MetricsSystem` throws what a sink's constructor throws (`registerSinks`), and its
//! `GraphiteSink` does so without a host or a port, for a period that is no number or less than a
//! second, for a unit that `TimeUnit` does not know and for another protocol than tcp and udp.

use super::{Config, Port, Problem, SparkConfs};
use crate::role::Role;

/// The class of the sinks.
pub(super) const CLASS: &str = "org.apache.spark.metrics.sink.GraphiteSink";

/// Between two pushes, unless a setting says otherwise: `GraphiteSink`'s own default, in seconds.
const DEFAULT_PERIOD: u32 = 10;

/// The longest period in seconds: what is seen once an hour is not watched.
const LONGEST_PERIOD: u64 = 3600;

/// What the settings of every sink start with.
const METRICS: &str = "spark.metrics.conf.";

/// `java.util.concurrent.TimeUnit`, each with its length in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("nanoseconds", 1),
    ("microseconds", 1_000),
    ("milliseconds", 1_000_000),
    ("seconds", 1_000_000_000),
    ("minutes", 60_000_000_000),
    ("hours", 3_600_000_000_000),
    ("days", 86_400_000_000_000),
];

/// What the settings of a role's sink start with.
pub(super) fn sink(role: Role) -> String {
    format!("{METRICS}{}.sink.emberscope", role.as_str())
}

/// Whether processes of this role push.
pub(super) fn is_on(confs: &SparkConfs, role: Role) -> bool {
    setting(confs, role, "class").is_some()
}

/// Whether the settings themselves say where processes of this role push to.
pub(super) fn says_port(confs: &SparkConfs, role: Role) -> bool {
    setting(confs, role, "port").is_some()
}

/// Where processes of this role push to.
pub(super) fn port(config: &Config, role: Role) -> u16 {
    let told = setting(&config.spark_confs, role, "port").and_then(|(_, port)| port.parse().ok());
    told.unwrap_or_else(|| config.sidecar.push_port.get())
}

/// Whole seconds from one push to the next, rounded up; none: they do not push.
pub(super) fn period_seconds(confs: &SparkConfs, role: Role) -> Option<u32> {
    is_on(confs, role).then(|| {
        let seconds = period(confs, role).ok().map(|nanos| nanos.div_ceil(1_000_000_000));
        seconds.and_then(|seconds| seconds.try_into().ok()).unwrap_or(DEFAULT_PERIOD)
    })
}

/// The first setting of the sinks that cannot work.
pub(super) fn problem(config: &Config) -> Option<Problem> {
    let confs = &config.spark_confs;
    let sparks = |(key, problem): Problem| (format!("sparkConfs.{key}"), problem);
    if let Some(problem) = confs.iter().find_map(|(key, value)| of_any_sink(key, value)) {
        return Some(sparks(problem));
    }
    let pushing = Role::ALL.into_iter().filter(|role| is_on(confs, *role));
    pushing.into_iter().find_map(|role| of_ours(config, role)).map(sparks)
}

/// The key by which the settings of a profile would have executors push elsewhere than those at the
/// top: a driver tells its executors where, and may be of another profile.
pub(super) fn differing_port(base: &Config, config: &Config) -> Option<String> {
    let (role, confs) = (Role::Executor, &config.spark_confs);
    let differs = is_on(confs, role) && port(base, role) != port(config, role);
    differs.then(|| format!("sparkConfs.{}.port", sink(role)))
}

/// What is wrong with a period or unit, whosever sink it is of: all of Spark's read them alike.
fn of_any_sink(key: &str, value: &str) -> Option<Problem> {
    let (_, name) = key.strip_prefix(METRICS)?.split_once(".sink.")?;
    let problem = match name.split_once('.')?.1 {
        "period" if number(value).is_none() => {
            format!(
                "is {value:?}; Spark wants a whole number of its unit, 1 or more, and ends the job else"
            )
        }
        "unit" if unit(value).is_none() => format!(
            "is {value:?}; Spark knows {}, and ends the job else",
            UNITS.map(|(name, _)| name).join(", ")
        ),
        _ => return None,
    };
    Some((key.to_owned(), problem))
}

/// What is wrong with the sink of one role.
fn of_ours(config: &Config, role: Role) -> Option<Problem> {
    let confs = &config.spark_confs;
    let of = |key| setting(confs, role, key);
    let found = |key: String, problem: String| Some((key, problem));
    if let Some((key, class)) = of("class").filter(|(_, class)| *class != CLASS) {
        return found(key, format!("is {class}; the sidecar understands {CLASS} only"));
    }
    match of("host") {
        Some((_, "127.0.0.1" | "localhost")) => {}
        Some((key, host)) => {
            return found(key, format!("is {host:?}; the sidecar listens on 127.0.0.1 of its pod"));
        }
        None => return found(format!("{}.host", sink(role)), "is missing".to_owned()),
    }
    if let Some((key, protocol)) = of("protocol").filter(|(_, it)| !it.eq_ignore_ascii_case("tcp"))
    {
        return found(key, format!("is {protocol:?}; the sidecar takes tcp only"));
    }
    if let Some((key, port)) = of("port") {
        let number = port.parse::<i64>().map_err(|_| format!("{port:?} is not a number"));
        match number.and_then(Port::try_from) {
            Err(problem) => return found(key, format!("is not valid: {problem}")),
            Ok(port) if port == *config.sidecar.port => {
                return found(key, format!("is {}, which is sidecar.port", port.get()));
            }
            Ok(_) => {}
        }
    }
    let (key, _) = of("period").or_else(|| of("unit"))?;
    match period(confs, role) {
        Err(too) => found(key, format!("is a period {too}")),
        Ok(_) => None,
    }
}

/// From one push to the next, in nanoseconds.
fn period(confs: &SparkConfs, role: Role) -> Result<u128, &'static str> {
    let of = |key| setting(confs, role, key).map(|(_, value)| value);
    let count = of("period").map_or(Some(DEFAULT_PERIOD), number).unwrap_or(DEFAULT_PERIOD);
    let length = of("unit").and_then(unit).unwrap_or(1_000_000_000);
    match u128::from(count) * length {
        ..1_000_000_000 => Err("of less than a second with its unit, for which Spark ends the job"),
        nanos if nanos > u128::from(LONGEST_PERIOD) * 1_000_000_000 => {
            Err("of more than an hour with its unit")
        }
        nanos => Ok(nanos),
    }
}

/// A number as Spark reads one: of 31 bits.
fn number(text: &str) -> Option<u32> {
    let number = text.parse::<i32>().ok()?;
    u32::try_from(number).ok().filter(|number| *number > 0)
}

fn unit(text: &str) -> Option<u128> {
    UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, length)| *length)
}

/// A setting of a role's sink, with its key; what is said of `*` holds where the role's own says
/// nothing (Spark's `MetricsConfig`).
fn setting<'c>(confs: &'c SparkConfs, role: Role, key: &str) -> Option<(String, &'c str)> {
    [sink(role), format!("{METRICS}*.sink.emberscope")].into_iter().find_map(|sink| {
        let key = format!("{sink}.{key}");
        confs.get(&key).map(|value| (key, value.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AllSettings;

    fn error(yaml: &str) -> String {
        Config::parse(yaml, None).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn what_spark_ends_a_job_for_and_what_the_sidecar_cannot_hear_is_refused() {
        for (settings, words) in [
            ("driver.sink.emberscope.port: '9814'", "which is sidecar.port"),
            ("driver.sink.emberscope.port: '4040'", "Spark may listen on port 4040"),
            ("executor.sink.emberscope.port: '80'", "80 is not a port"),
            ("executor.sink.emberscope.port: '70000'", "70000 is not a port"),
            ("executor.sink.emberscope.port: x", "is not a number"),
            ("driver.sink.emberscope.period: '0'", "1 or more"),
            ("driver.sink.emberscope.period: '-1'", "1 or more"),
            ("driver.sink.emberscope.period: ten", "whole number"),
            ("driver.sink.emberscope.period: '1.5'", "whole number"),
            ("driver.sink.emberscope.period: 10s", "whole number"),
            ("driver.sink.emberscope.period: '99999999999'", "whole number"),
            ("driver.sink.emberscope.period: ''", "whole number"),
            ("executor.sink.emberscope.unit: fortnights", "Spark knows nanoseconds"),
            ("executor.sink.emberscope.unit: s", "Spark knows nanoseconds"),
            ("executor.sink.emberscope.unit: milliseconds", "less than a second"),
            ("executor.sink.emberscope.unit: hours", "more than an hour"),
            ("executor.sink.emberscope.host: graphite.example.com", "listens on 127.0.0.1"),
            ("executor.sink.emberscope.host: null", "is missing"),
            ("executor.sink.emberscope.protocol: udp", "takes tcp only"),
            ("executor.sink.emberscope.class: org.apache.spark.metrics.sink.CsvSink", "only"),
            // Another sink of the operators', which Spark reads alike.
            ("'*.sink.csv.unit': fortnight", "Spark knows nanoseconds"),
            ("driver.sink.csv.period: '0'", "1 or more"),
        ] {
            let (key, value) = settings.split_once(": ").unwrap();
            let key = format!("spark.metrics.conf.{}", key.trim_matches('\''));
            let error = error(&format!("sparkConfs: {{'{key}': {value}}}"));
            let (sink, _) = key.rsplit_once('.').unwrap();
            assert!(error.contains(words) && error.contains(sink), "{settings}: {error}");
        }
        let of_all = "sparkConfs: {spark.metrics.conf.driver.sink.emberscope.unit: null,
            'spark.metrics.conf.*.sink.emberscope.unit': milliseconds}";
        assert!(error(of_all).contains("less than a second"));
        // Nobody reads the settings of a sink without a class.
        let none = "sparkConfs: {spark.metrics.conf.driver.sink.emberscope.class: null,
            spark.metrics.conf.driver.sink.emberscope.port: '4040'}";
        assert_eq!(error(none), "");
        let profile = "profiles: [{name: a, match: {namespaces: [x]}, sidecar: {port: 9900},
            sparkConfs: {spark.metrics.conf.executor.sink.emberscope.port: '9900'}}]";
        assert!(error(profile).contains("is for all profiles alike"), "{}", error(profile));
    }

    #[test]
    fn the_period_is_in_whole_seconds_and_never_too_short() {
        for (period, unit, seconds) in [
            ("10", "seconds", 10),
            ("2", "minutes", 120),
            ("1", "HOURS", 3600),
            ("1500", "Milliseconds", 2),
            ("60", "seconds", 60),
        ] {
            let yaml = format!(
                "sparkConfs: {{spark.metrics.conf.driver.sink.emberscope.period: '{period}',
                  spark.metrics.conf.driver.sink.emberscope.unit: {unit}}}"
            );
            let config = Config::parse(&yaml, None).unwrap();
            assert_eq!(period_seconds(&config.spark_confs, Role::Driver), Some(seconds));
            assert_eq!(period_seconds(&config.spark_confs, Role::Executor), Some(10));
        }
        let nothing_said = "sparkConfs: {spark.metrics.conf.driver.sink.emberscope.period: null}";
        let confs = Config::parse(nothing_said, None).unwrap().spark_confs;
        assert_eq!(period_seconds(&confs, Role::Driver), Some(10));
        let off = "sparkConfs: {spark.metrics.conf.driver.sink.emberscope.class: null}";
        let confs = Config::parse(off, None).unwrap().spark_confs;
        assert_eq!(period_seconds(&confs, Role::Driver), None);
    }

    /// An executor's driver may be of any profile, and its period is what the driver told it.
    #[test]
    fn an_executors_period_is_the_longest_that_a_driver_may_tell() {
        let key = "spark.metrics.conf.executor.sink.emberscope.period";
        let yaml = format!(
            "profiles: [{{name: a, match: {{namespaces: [x]}}, sparkConfs: {{{key}: '60'}}}},
              {{name: b, match: {{namespaces: [y]}}, sparkConfs: {{{key}: '5'}}}}]"
        );
        let all = AllSettings::offline(Config::parse(&yaml, None).unwrap());
        let settings = all.profiles().iter().map(|(_, settings)| settings);
        for settings in settings.chain([all.default()]) {
            assert_eq!(settings.push_period_seconds(Role::Executor), Some(60));
            assert_eq!(settings.push_period_seconds(Role::Driver), Some(10));
        }
    }
}
