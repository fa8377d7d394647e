//! `docs/compatibility.md`: each row names a test or says that there is none, and the versions are those
//! that the tests run.

use std::fs;

use crate::generated::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// What, version, tested.
fn rows() -> Vec<[String; 3]> {
    let page = read("docs/compatibility.md");
    let (table, _) = page.split_once("\n## ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        <[String; 3]>::try_from(cells).unwrap_or_else(|cells| panic!("{cells:?}"))
    });
    rows.skip(1).collect()
}

#[test]
fn each_row_says_by_which_test_or_that_there_is_none() {
    let rows = rows();
    assert!(rows.len() > 15, "{}", rows.len());
    for [what, version, tested] in rows {
        let by = tested.contains("](");
        assert!(
            by || tested.contains("not tested") || tested == "everything above",
            "{what} {version}"
        );
    }
}

#[test]
fn the_versions_are_those_that_the_tests_run() {
    let of = |path: &str, before: &str| -> String {
        let text = read(path);
        let (_, rest) = text.split_once(before).unwrap();
        rest.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap().to_owned()
    };
    for (what, version) in [
        ("Kubernetes, API server", of("tests/control-plane/go.mod", "k8s.io/kubernetes v")),
        ("Spark", of("tests/requirements.txt", "pyspark==")),
        ("Spark", of("tests/requirements-4.txt", "pyspark==")),
        ("Helm", of("tests/helm/go.mod", "helm.sh/helm/v3 v")),
    ] {
        let row = rows().into_iter().find(|[name, versions, _]| {
            name == what && versions.split(", ").any(|one| one == version)
        });
        let [.., tested] = row.unwrap_or_else(|| panic!("no row of {what} {version}"));
        assert!(tested.contains("]("), "{what} {version} is run, and not said to be");
    }
}
