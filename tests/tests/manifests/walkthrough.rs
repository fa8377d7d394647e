//! `docs/walkthrough.md`: the kustomization that it has people write is one.

use std::fs;

use serde_json::Value;

use super::{output, read, rendered, root};

/// What the page has the shell write to `mine/kustomization.yaml`.
fn mine() -> String {
    let page = read("docs/walkthrough.md");
    let (_, rest) = page.split_once("cat > mine/kustomization.yaml <<'EOF'\n").unwrap();
    rest.split_once("EOF\n").unwrap().0.to_owned()
}

fn named<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let mut objects = objects.iter().filter(|object| object["kind"] == kind);
    objects.find(|object| object["metadata"]["name"] == name).unwrap()
}

#[test]
fn the_readers_own_kustomization_names_their_images() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (root().join("manifests"), folder.path());
    output("cp", &["-r", from.to_str().unwrap(), to.to_str().unwrap()]);
    let mine_folder = folder.path().join("mine");
    fs::create_dir(&mine_folder).unwrap();
    fs::write(mine_folder.join("kustomization.yaml"), mine()).unwrap();

    let objects = rendered(mine_folder.to_str().unwrap());
    let webhook = named(&objects, "Deployment", "emberscope");
    let image = &webhook["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, "REGISTRY/emberscope:0.1.0");
    named(&objects, "StatefulSet", "emberscope-prometheus");
}

/// Each of the resources that may take the first one's place renders as well.
#[test]
fn every_resource_of_its_table_is_a_kustomization() {
    let page = read("docs/walkthrough.md");
    let rows = page.lines().filter_map(|line| line.split("| `../").nth(1));
    let folders: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert_eq!(folders.len(), 5, "{folders:?}");
    for folder in folders {
        let objects = rendered(folder);
        named(&objects, "Deployment", "emberscope");
    }
}
