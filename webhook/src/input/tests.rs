//! What is taken for a pod in what people and `kubectl` hand over.

use std::io::Write as _;

use serde_json::json;

use super::*;

fn read_text(text: &str) -> Result<Input> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    read(file.path(), None)
}

/// The names of the pods with their namespaces.
fn names(text: &str) -> Vec<String> {
    let input = read_text(text).unwrap();
    let name = |(pod, namespace): (&Value, &str)| {
        format!("{namespace}/{}", pod["metadata"]["name"].as_str().unwrap())
    };
    input.pods().into_iter().map(name).collect()
}

#[test]
fn pods_are_found_in_lists_in_documents_and_beside_other_objects() {
    let pod = |name: &str| format!("{{kind: Pod, metadata: {{name: {name}, namespace: team}}}}");
    let (a, b) = (pod("a"), pod("b"));
    for (text, expected) in [
        (a.clone(), vec!["team/a"]),
        (format!("---\n{a}\n---\n"), vec!["team/a"]),
        (format!("{a}\n---\n{b}\n"), vec!["team/a", "team/b"]),
        (format!("kind: List\nitems: [{a}, {b}]"), vec!["team/a", "team/b"]),
        (format!("kind: List\nitems: [{a}, {{kind: ConfigMap}}]\n---\n{b}"), vec!["team/a", "team/b"]),
        ("kind: PodList\nitems: [{metadata: {name: a}}]".to_owned(), vec!["default/a"]),
        (format!("kind: List\nitems: [{{kind: List, items: [{b}]}}]"), vec!["team/b"]),
        (
            r#"{"kind": "Pod", "metadata": {"name": "a"}}{"kind": "Pod", "metadata": {"name": "b"}}"#
                .to_owned(),
            vec!["default/a", "default/b"],
        ),
    ] {
        assert_eq!(names(&text), expected, "{text}");
    }
}

#[test]
fn what_holds_no_pod_says_what_it_is() {
    for (text, words) in [
        ("kind: ConfigMap", "kind is ConfigMap"),
        ("a: 1", "no field kind"),
        ("# nothing", "nothing in it"),
        ("kind: List\nitems: []", "there is no Pod in it"),
        ("kind: List\nitems: [{kind: Service}]", "there is no Pod in it"),
        ("kind: [", "neither YAML nor JSON"),
    ] {
        let error = format!("{:#}", read_text(text).unwrap_err());
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn numbers_are_read_as_kubectl_reads_them() {
    let input = read_text("{kind: Pod, spec: {defaultMode: 0644, port: 1_024}}").unwrap();
    let (pod, _) = input.pods()[0];
    assert_eq!(pod["spec"], json!({"defaultMode": 420, "port": 1024}));
}
