//! Verbs, flags, files and exit codes.

use emberscope_core::config::DEFAULT_YAML;
use tempfile::TempDir;

use crate::harness::{DRIVER, emberscope, stderr, stdout, write};

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: pi-driver, labels: {spark-role: driver}}
spec:
  containers: [{name: spark-kubernetes-driver, image: spark}]
";

#[test]
fn a_pod_from_standard_input_comes_out_patched_in_the_format_it_came_in() {
    let output = emberscope(&["inject", "-f", "-"], POD);
    assert!(output.status.success());
    let yaml = stdout(&output);
    assert!(yaml.starts_with("apiVersion: v1\nkind: Pod\n"), "{yaml}");
    assert!(yaml.contains("name: emberscope-sidecar"), "{yaml}");
    assert_eq!(stderr(&output), "pi-driver: injected\n");

    let json = stdout(&emberscope(&["inject", "-f", "-", "-o", "json"], POD));
    let pod: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "emberscope-sidecar");
    // And what came out goes in again unchanged.
    let again = emberscope(&["inject", "-f", "-"], &json);
    assert_eq!(stdout(&again), json);
    assert!(stderr(&again).contains("already_injected"), "{}", stderr(&again));
}

/// As `kubectl get pods -o yaml` and `cat *.yaml` hand them over.
#[test]
fn a_list_comes_out_as_a_list_and_documents_as_documents() {
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";
    let documents = format!("---\n{POD}---\n{other}---\n");
    let output = emberscope(&["inject", "-f", "-"], &documents);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed = stdout(&output);
    let all: Vec<serde_json::Value> = serde_saphyr::from_multiple(&printed).unwrap();
    assert_eq!(all.len(), 2, "{printed}");
    assert_eq!(all[0]["spec"]["initContainers"][0]["name"], "emberscope-sidecar");
    assert_eq!(all[1]["kind"], "ConfigMap");
    assert!(stderr(&output).contains("settings: no pod (ConfigMap)"), "{}", stderr(&output));

    let pod = serde_saphyr::from_str::<serde_json::Value>(POD).unwrap();
    let left_alone = POD.replace("driver}", "worker}");
    let left_alone: serde_json::Value = serde_saphyr::from_str(&left_alone).unwrap();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [pod, left_alone]});
    let output = emberscope(&["inject", "-f", "-"], &list.to_string());
    let printed: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(printed["kind"], "List");
    assert_eq!(printed["items"][0]["spec"]["initContainers"][0]["name"], "emberscope-sidecar");
    assert_eq!(printed["items"][1], list["items"][1]);

    let output = emberscope(&["explain", "-f", "-", "-o", "json"], &list.to_string());
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let explained: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(explained[0]["decision"], "injected");
    assert_eq!(explained[1]["decision"], "not_spark");
}

#[test]
fn a_captured_review_gives_a_patch_of_add_operations() {
    let output = emberscope(&["inject", "-f", DRIVER, "--patch"], "");
    let patch: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let operations = patch.as_array().unwrap();
    assert!(operations.len() > 5 && operations.iter().all(|operation| operation["op"] == "add"));
}

#[test]
fn a_pod_that_is_left_alone_comes_out_as_it_was_with_the_reason_on_standard_error() {
    let pod = POD.replace("driver}", "worker}");
    let output = emberscope(&["inject", "-f", "-"], &pod);
    assert!(output.status.success());
    assert!(stderr(&output).contains("not_spark"), "{}", stderr(&output));
    assert!(!stdout(&output).contains("emberscope"), "{}", stdout(&output));
}

#[test]
fn input_that_is_no_pod_is_refused_with_its_name_and_what_is_expected() {
    for (input, words) in [
        ("kind: Service", "kind is Service; it has to be Pod"),
        ("a: b", "there is no field kind"),
        ("- kind: Pod", "there is no field kind"),
        ("{{", "neither YAML nor JSON"),
        ("", "there is nothing in it"),
        ("kind: List\nitems: [{kind: Service}]", "there is no Pod in it"),
        ("{kind: AdmissionReview, request: {}}", "no request.object"),
        ("{kind: AdmissionReview, request: 7}", "no request.object"),
        (
            "{kind: AdmissionReview, request: {uid: a, operation: UPDATE, object: {}}}",
            "not about the creation of a pod",
        ),
        ("{kind: Pod, spec: {containers: 7}}", "a field of another type"),
    ] {
        let output = emberscope(&["inject", "-f", "-"], input);
        assert_eq!(output.status.code(), Some(1), "{input}");
        assert!(stderr(&output).contains(words), "{input}: {}", stderr(&output));
        assert!(stdout(&output).is_empty());
    }
    let output = emberscope(&["inject", "-f", "/no/such.yaml"], "");
    assert!(stderr(&output).contains("/no/such.yaml"), "{}", stderr(&output));
}

#[test]
fn the_configuration_is_printed_with_every_key_or_as_it_is_in_effect() {
    assert_eq!(stdout(&emberscope(&["serve", "--print-config"], "")), DEFAULT_YAML);
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config.yaml");
    write(&file, "sidecar: {port: 9900}");
    let path = file.to_str().unwrap();
    let printed = stdout(&emberscope(&["serve", "--print-config", "--config", path], ""));
    assert!(printed.contains("port: 9900") && printed.contains("pushPort: 9815"), "{printed}");
    write(&file, "sidecar: {prt: 9900}");
    let output = emberscope(&["serve", "--config", path], "");
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(error.contains(path) && error.contains("prt"), "{error}");
}

#[test]
fn wrong_flags_end_with_code_2_and_help_teaches() {
    assert_eq!(emberscope(&["serve", "--listen", "here"], "").status.code(), Some(2));
    assert_eq!(emberscope(&["serve", "--tls-secret", "a"], "").status.code(), Some(2));
    let help = stdout(&emberscope(&["inject", "--help"], ""));
    assert!(help.contains("emberscope inject -f driver.yaml"), "{help}");
    let completions = stdout(&emberscope(&["completions", "bash"], ""));
    assert!(completions.contains("complete -F _emberscope"), "{completions}");
}

#[test]
fn an_explanation_ends_with_0_for_a_pod_that_is_injected_and_with_3_for_one_that_is_left_alone() {
    let driver =
        "{kind: Pod, metadata: {labels: {spark-role: driver}}, spec: {containers: [{name: a}]}}";
    let output = emberscope(&["explain", "-f", "-", "-n", "team-a"], driver);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("in namespace team-a gets the sidecar"),
        "{}",
        stdout(&output)
    );

    let other = driver.replace("driver", "none");
    let output = emberscope(&["explain", "-f", "-", "-o", "json"], &other);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let explained: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(explained["decision"], "not_spark");

    let output = emberscope(&["explain", "-f", "-"], "kind: Deployment");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("kind is Deployment"), "{}", stderr(&output));
}

#[test]
fn a_profile_is_chosen_by_the_namespace_that_is_said() {
    let dir = tempfile::TempDir::new().unwrap();
    let config = dir.path().join("config.yaml");
    let profile =
        "profiles: [{name: canary, match: {namespaces: [canary-*]}, sidecar: {image: 'new:1'}}]";
    std::fs::write(&config, profile).unwrap();
    let pod =
        "{kind: Pod, metadata: {labels: {spark-role: driver}}, spec: {containers: [{name: a}]}}";
    let injected = |namespace: &str| {
        let config = config.to_str().unwrap();
        stdout(&emberscope(&["inject", "-f", "-", "--config", config, "-n", namespace], pod))
    };
    assert!(injected("canary-a").contains("new:1"));
    assert!(!injected("team-a").contains("new:1"));
}
