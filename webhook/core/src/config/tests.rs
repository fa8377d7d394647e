//! Good and bad configurations.

use super::*;

fn error(yaml: &str) -> String {
    let error = Config::parse(yaml, Some(Path::new("config.yaml"))).unwrap_err();
    format!("{:#}", anyhow::Error::from(error))
}

#[test]
fn the_documented_file_says_exactly_the_defaults() {
    assert_eq!(Config::parse(DEFAULT_YAML, None).unwrap(), Config::default());
}

#[test]
fn a_file_with_nothing_in_it_is_the_defaults() {
    for empty in ["", "# nothing\n", "{}", "sidecar: {}", "sparkConfs:\n"] {
        assert_eq!(Config::parse(empty, None).unwrap(), Config::default(), "{empty:?}");
    }
}

#[test]
fn spark_settings_add_to_the_defaults_and_null_removes() {
    let yaml = "sparkConfs: {spark.a: b, spark.ui.prometheus.enabled: null}";
    let confs = Config::parse(yaml, None).unwrap().spark_confs;
    assert_eq!(*confs["spark.a"], "b");
    assert!(!confs.contains_key("spark.ui.prometheus.enabled"));
    assert_eq!(confs.len(), spark_confs::defaults().len());
}

#[test]
fn what_was_printed_can_be_read_again() {
    let yaml =
        "sidecar: {port: 9900}\nsparkConfs: {spark.a: 'x: y', spark.ui.prometheus.enabled: null}";
    let config = Config::parse(yaml, None).unwrap();
    let printed = serde_saphyr::to_string(&config).unwrap();
    assert_eq!(Config::parse(&printed, None).unwrap(), config);
}

#[test]
fn mistakes_are_named_with_file_and_key() {
    for (yaml, words) in [
        ("sidecar: {imag: x}", "imag"),
        ("sidecar: {port: 99999}", "99999 is not a port"),
        ("sidecar: {port: 80}", "80 is not a port"),
        ("sidecar: {port: 4041}", "Spark may listen on port 4041"),
        ("sidecar: {port: 9815}", "sidecar.pushPort is the same"),
        ("sidecar: {resources: {memoryLimit: 32MB}}", "32MB"),
        ("sidecar: {resources: {cpuRequest: 1}}", "cpuRequest is more than cpuLimit"),
        ("sidecar: {mode: auto}", "sidecar.mode is gone"),
        (
            "profiles: [{name: a, match: {namespaces: [a]}, sidecar: {mode: native}}]",
            "profiles[0].sidecar",
        ),
        ("sidecar: {image: ''}", "\"\" is no reference to an image"),
        ("sidecar: {image: ' x:1'}", "\" x:1\" is no reference to an image"),
        ("sidecar: {image: 'a/b:1@sha256:0'}", "is no reference to an image"),
        ("sidecar: {imagePullSecrets: [ok, Not_ok]}", "\"Not_ok\" is no name of a Secret"),
        ("sidecar: {resources: {guaranteedCpu: 0}}", "guaranteedCpu is 0"),
        ("sidecar: {resources: {cpuLimit: '0'}}", "cpuLimit is 0"),
        ("sidecar: {resources: {memoryLimit: '64'}}", "memoryLimit is less than 8Mi"),
        ("users: [{runAsUser: -1}]", "users[0]"),
        ("sparkConfs: {executor.memory: 1g}", "sparkConfs.executor.memory"),
        ("sparkConfs: {spark.a: $(HOME)}", "sparkConfs.spark.a"),
        ("sidecar: {metricLabels: {pod: x}}", "the metric label pod has a meaning already"),
        ("sidecar: {metricLabels: {9a: x}}", "is no name for a metric label"),
        ("sidecar: {metricLabels: {__a: x}}", "is no name for a metric label"),
        ("- a list", "config.yaml"),
    ] {
        let error = error(yaml);
        assert!(error.contains(words) && error.contains("config.yaml"), "{yaml}: {error}");
    }
}

#[test]
fn another_configuration_has_another_fingerprint() {
    let other = Config::parse("sidecar: {lingerSeconds: 5}", None).unwrap();
    assert_ne!(other.fingerprint(), Config::default().fingerprint());
    assert_eq!(Config::default().fingerprint().len(), 8);
}

/// `emberscope check` knows the image by the Deployment, a webhook outside of a pod by its version.
#[test]
fn the_fingerprint_is_of_what_is_injected_not_of_who_said_it() {
    let said = "sidecar: {image: 'localhost/emberscope:0.1.0', imagePullPolicy: IfNotPresent}";
    let said = Config::parse(said, None);
    assert_eq!(said.unwrap().fingerprint(), Config::default().fingerprint());
    let other = Config::parse("sidecar: {imagePullPolicy: Always}", None).unwrap();
    assert_ne!(other.fingerprint(), Config::default().fingerprint());
}

/// What a ConfigMap with every default says is what is injected without one.
#[test]
fn the_documented_defaults_have_the_fingerprint_of_no_file() {
    let documented = Config::parse(DEFAULT_YAML, None).unwrap();
    assert_eq!(
        serde_json::to_value(&documented).unwrap(),
        serde_json::to_value(Config::default()).unwrap()
    );
    assert_eq!(documented.fingerprint(), Config::default().fingerprint());
}
