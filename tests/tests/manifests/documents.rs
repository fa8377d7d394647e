//! The papers name what is there.

use std::collections::BTreeSet;

use super::{files, read};

/// Files that a README's tables name: the first cell of a row, in backquotes.
fn named(readme: &str) -> BTreeSet<String> {
    let cells = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_manifest_is_in_the_readmes_tables_and_nothing_else_is() {
    let there: BTreeSet<_> =
        files("manifests").into_iter().filter(|file| file != "README.md").collect();
    assert_eq!(named(&read("manifests/README.md")), there);
}

#[test]
fn every_kustomization_lists_every_file_beside_it() {
    let kustomization = read("manifests/base/kustomization.yaml");
    for file in files("manifests/base").iter().filter(|file| *file != "kustomization.yaml") {
        assert!(kustomization.contains(&format!("  - {file}\n")), "{file}");
    }
}
