//! What is recorded is stored, sent and paid for: somebody asks for it.

use std::fs;
use std::path::Path;

use super::{all, root};

/// The text of all files in a folder and its folders.
fn text(folder: &Path) -> String {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |path: &Path| {
        if path.is_dir() { text(path) } else { fs::read_to_string(path).unwrap_or_default() }
    };
    files.iter().map(|path| read(path)).collect()
}

#[test]
fn everything_that_is_recorded_is_asked_for_by_a_rule_a_dashboard_or_a_page() {
    let rules = all();
    let pages = ["docs/runbooks", "manifests/monitoring/grafana/source"]
        .map(|folder| text(&root().join(folder)))
        .concat()
        + &fs::read_to_string(root().join("docs/cost.md")).unwrap_or_default();
    for recorded in rules.iter().filter(|rule| !rule.is_alert()) {
        let name = &recorded.name;
        let by_rule = rules.iter().any(|rule| {
            rule.name != *name
                && (rule.expr().contains(name) || rule.annotation("description").contains(name))
        });
        assert!(by_rule || pages.contains(name.as_str()), "nobody asks for {name}");
    }
}
