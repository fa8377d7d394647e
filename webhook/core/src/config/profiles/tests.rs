//! Which pods a profile is for, and what it changes.

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::{AllSettings, LabelName};

const FILE: &str = r#"
sidecar:
  lingerSeconds: 30
  resources: {memoryLimit: 48Mi}
  metricLabels: {team: emr-team}
sparkConfs: {spark.a: top, spark.b: top}
profiles:
  - name: streaming
    match: {namespaces: ["emr-data-team-*"], podLabels: {workload: streaming}}
    sidecar:
      port: 9900
      resources: {memoryRequest: 24Mi}
      metricLabels: {query: null, step: example.com/stage}
    users: [{runAsUser: 1}]
    sparkConfs: {spark.a: null, spark.b: streaming, spark.ui.prometheus.enabled: null}
  - name: teams
    match: {namespaces: ["emr-data-team-*", other]}
    sidecar: {lingerSeconds: null}
"#;

fn all() -> AllSettings {
    AllSettings::offline(Config::parse(FILE, None).unwrap())
}

fn profile_of(namespace: &str, labels: &Value) -> Option<String> {
    let pod = json!({"metadata": {"labels": labels}}).to_string();
    let pod: Pod<'_> = serde_json::from_str(&pod).unwrap();
    all().of(namespace, &pod).profile.clone()
}

#[test]
fn the_first_profile_that_selects_the_pod_counts() {
    let streaming = json!({"workload": "streaming", "x": "y"});
    assert_eq!(profile_of("emr-data-team-a", &streaming).as_deref(), Some("streaming"));
    assert_eq!(profile_of("emr-data-team-a", &json!({})).as_deref(), Some("teams"));
    assert_eq!(
        profile_of("emr-data-team-a", &json!({"workload": "batch"})).as_deref(),
        Some("teams")
    );
    assert_eq!(profile_of("other", &streaming).as_deref(), Some("teams"));
    assert_eq!(profile_of("default", &streaming), None);
}

#[test]
fn what_a_profile_does_not_say_is_as_at_the_top() {
    let all = all();
    let Config { sidecar, users, spark_confs, .. } = &all.profiles()[0].1.config;
    assert_eq!((sidecar.port.get(), *sidecar.linger_seconds), (9900, 30));
    assert_eq!(sidecar.resources.memory_limit.to_string(), "48Mi");
    assert_eq!(sidecar.resources.memory_request.to_string(), "24Mi");
    let labels: Vec<_> = sidecar.metric_labels.keys().map(LabelName::as_str).collect();
    assert_eq!(labels, ["step", "team"]);
    assert_eq!(users.len(), 1);
    assert_eq!(spark_confs.get("spark.a"), None);
    assert_eq!(*spark_confs["spark.b"], "streaming");
    assert_eq!(spark_confs.get("spark.ui.prometheus.enabled"), None);
    // The options of its drivers, and what marks its pods, are its own.
    let [default, streaming] = [all.default(), &all.profiles()[0].1];
    assert!(default.options.contains("spark.ui.prometheus.enabled"));
    assert!(!streaming.options.contains("spark.ui.prometheus.enabled"));
    assert_ne!(default.injected, streaming.injected);
}

#[test]
fn each_value_knows_who_said_it() {
    let all = all();
    let [streaming, teams] = [0, 1].map(|index| &all.profiles()[index].1.config);
    let of_streaming = || Origin::Profile("streaming".to_owned());
    assert_eq!(streaming.sidecar.port.origin, of_streaming());
    assert_eq!(streaming.sidecar.linger_seconds.origin, Origin::Configuration);
    assert_eq!(streaming.sidecar.log_level.origin, Origin::Default);
    assert_eq!(streaming.sidecar.resources.memory_request.origin, of_streaming());
    assert_eq!(streaming.sidecar.resources.memory_limit.origin, Origin::Configuration);
    let origins: Vec<_> = streaming.sidecar.metric_labels.values().map(|key| &key.origin).collect();
    assert_eq!(origins, [&of_streaming(), &Origin::Configuration]);
    assert_eq!(streaming.users.origin, of_streaming());
    assert_eq!(streaming.spark_confs["spark.b"].origin, of_streaming());
    assert_eq!(teams.sidecar.linger_seconds.origin, Origin::Default);
    assert_eq!(teams.spark_confs["spark.b"].origin, Origin::Configuration);
    assert_eq!(teams.users.origin, Origin::Default);
}

#[test]
fn null_takes_the_default_instead_of_what_is_at_the_top() {
    let all = all();
    let sidecar = &all.profiles()[1].1.config.sidecar;
    assert_eq!(sidecar.linger_seconds, SidecarConfig::default().linger_seconds);
}

#[test]
fn mistakes_in_a_profile_are_named_with_its_place() {
    let everyone = "name: a, match: {namespaces: ['*']}";
    for (profiles, words) in [
        (
            format!("[{{{everyone}, sidecar: {{port: 80}}}}]"),
            "profiles[0].sidecar is not valid: 80 is not a port",
        ),
        (format!("[{{{everyone}, sidecar: {{prot: 9900}}}}]"), "unknown field `prot`"),
        (
            format!("[{{{everyone}, sidecar: {{pushPort: 9814}}}}]"),
            "profiles[0].sidecar.pushPort is for all profiles alike",
        ),
        (
            format!("[{{{everyone}, sparkConfs: {{executor: x}}}}]"),
            "profiles[0].sparkConfs.executor",
        ),
        (format!("[{{{everyone}}}, {{{everyone}}}]"), "profiles[1].name \"a\" is the name of two"),
        ("[{name: a, match: {}}]".to_owned(), "profiles[0].match selects nothing"),
        ("[{name: a-, match: {namespaces: [x]}}]".to_owned(), "profiles[0].name is not"),
        ("[{name: A b, match: {namespaces: [x]}}]".to_owned(), "profiles[0].name is not"),
        ("[{name: a, match: {namespaces: [Team]}}]".to_owned(), "fits no namespace"),
        ("[{name: a, match: {namespace: [x]}}]".to_owned(), "namespace"),
        (
            format!("[{}]", vec![format!("{{{everyone}}}"); 33].join(", ")),
            "profiles has 33 entries",
        ),
        ("[{name: a}]".to_owned(), "match"),
    ] {
        let yaml = format!("profiles: {profiles}");
        let error = Config::parse(&yaml, Some(Path::new("config.yaml"))).unwrap_err();
        let error = format!("{:#}", anyhow::Error::from(error));
        assert!(error.contains(words) && error.contains("config.yaml"), "{yaml}: {error}");
    }
}

#[test]
fn what_was_printed_can_be_read_again() {
    let yaml = "profiles: [{name: a, match: {podLabels: {x: y}}, sidecar: {port: 9900}, sparkConfs: {spark.a: b}}]";
    let config = Config::parse(yaml, None).unwrap();
    let printed = serde_saphyr::to_string(&config).unwrap();
    assert_eq!(Config::parse(&printed, None).unwrap(), config);
}

#[test]
fn a_star_stands_for_any_characters() {
    for (pattern, fitting, others) in [
        ("team", vec!["team"], vec!["team-a", "a-team", ""]),
        ("emr-*", vec!["emr-", "emr-a"], vec!["emr", "x-emr-a"]),
        ("*-prod", vec!["a-prod", "-prod"], vec!["prod", "a-prod-b"]),
        ("a*b*c", vec!["abc", "a1b2c", "abbc", "abcbc"], vec!["ac", "ab", "bc", "acb"]),
        ("a*a", vec!["aa", "aba"], vec!["a", "ab"]),
        ("*", vec!["", "x"], vec![]),
    ] {
        let pattern = Pattern::try_from(pattern.to_owned()).unwrap();
        assert!(fitting.iter().all(|name| pattern.fits(name)), "{pattern:?}");
        assert!(!others.iter().any(|name| pattern.fits(name)), "{pattern:?}");
    }
}

/// The definition, word for word; exponential, so for short names only.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        ([b'*', rest @ ..], name) => (0..=name.len()).any(|at| fits(rest, &name[at..])),
        ([p, pattern @ ..], [n, name @ ..]) => p == n && fits(pattern, name),
        (_, []) => false,
    }
}

proptest! {
    #[test]
    fn a_pattern_fits_what_its_definition_says(pattern in "[ab*]{1,6}", name in "[ab]{0,8}") {
        let expected = fits(pattern.as_bytes(), name.as_bytes());
        prop_assert_eq!(Pattern::try_from(pattern).unwrap().fits(&name), expected);
    }
}
