//! `release/`: what people apply without this repository. What takes a compiler is left to
//! `make release-dry-run`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{base, documents, output, read, rendered, root};

const IMAGE: &str = "registry.example.com/emberscope";

/// The files that the script writes into this folder.
fn made(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let script = root().join("release/manifests.sh");
    output(script.to_str().unwrap(), &[folder.to_str().unwrap(), IMAGE]);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .collect()
}

#[test]
fn one_commit_gives_the_same_bytes_wherever_and_whenever_it_is_released() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = made(here.path());
    // Helm writes seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let second = made(there.path());
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    assert_eq!(first.len(), 5);
    for (name, bytes) in first {
        assert!(bytes == second[&name], "{name} differs");
    }
}

#[test]
fn each_file_is_its_overlay_with_the_image_that_was_pushed() {
    let folder = tempfile::tempdir().unwrap();
    let files = made(folder.path());
    let published = |text: String| text.replace("localhost/emberscope", IMAGE);
    for (file, folder) in [
        ("install.yaml", "manifests/base"),
        ("install-cert-manager.yaml", "manifests/overlays/cert-manager"),
        ("install-prometheus-operator.yaml", "manifests/overlays/prometheus-operator"),
        ("install-prometheus.yaml", "manifests/overlays/prometheus"),
    ] {
        let text = String::from_utf8(files[file].clone()).unwrap();
        assert!(text.contains(IMAGE) && !text.contains("localhost/emberscope"), "{file}");
        let expected = serde_json::to_string(&rendered(folder)).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&published(expected)).unwrap();
        assert_eq!(serde_json::Value::from(documents(&text)), expected, "{file}");
    }

    let chart = folder.path().join(concat!("emberscope-", env!("CARGO_PKG_VERSION"), ".tgz"));
    let objects = super::chart::release_of(&chart, "emberscope", &[]).unwrap();
    let text = serde_json::to_string(&objects).unwrap();
    assert!(!text.contains("localhost/emberscope"), "the chart has the name of a build");
    let count = |text: &str| text.matches(IMAGE).count();
    assert!(count(&text) > count(&published(serde_json::to_string(&base()).unwrap())) - 1);
}

/// A tag can be moved, a commit cannot.
#[test]
fn the_workflows_name_other_peoples_actions_by_commit() {
    for workflow in ["ci", "release"] {
        let text = read(&format!(".github/workflows/{workflow}.yml"));
        let mut seen = 0;
        for action in text
            .lines()
            .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "))
        {
            let (_, commit) = action.split_once('@').unwrap();
            let (commit, version) = commit.split_once(" # v").unwrap_or_else(|| panic!("{action}"));
            assert!(
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{action}"
            );
            assert!(!version.is_empty());
            seen += 1;
        }
        assert!(seen > 0, "{workflow}");
    }
}
