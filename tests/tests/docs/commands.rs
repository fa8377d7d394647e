//! Commands in the documentation name files that are there, and options that their scripts know.

use std::fs;
use std::path::{Path, PathBuf};

use crate::generated::root;

/// Every Markdown page that tells people what to run.
fn pages() -> Vec<(PathBuf, String)> {
    let folders = ["", "docs", "manifests", "manifests/aws/terraform"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let pages = files.map(|file| file.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The words of a page that are paths of the repository: those that start with a folder of its top.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c.is_whitespace() || "`|()[]<>\"'=,;".contains(c));
    words.filter_map(|word| {
        let word = word.trim_end_matches(['.', ':', '/']);
        let ours = ["manifests/", "tests/", "docs/"].iter().any(|start| word.starts_with(start));
        (ours && !word.contains(['*', '$', '#'])).then_some(word)
    })
}

#[test]
fn every_path_that_a_page_names_is_there() {
    let pages = pages();
    let named: Vec<(&PathBuf, &str)> =
        pages.iter().flat_map(|(page, text)| paths(text).map(move |path| (page, path))).collect();
    assert!(named.len() > 40, "only {} paths", named.len());
    let missing: Vec<String> = named
        .into_iter()
        .filter(|(_, path)| !root().join(path).exists())
        .map(|(page, path)| format!("{}: {path}", page.display()))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn whatever_kubectl_is_told_to_apply_is_a_kustomization() {
    let mut seen = 0;
    for (page, text) in pages() {
        for path in text
            .split(" -k ")
            .skip(1)
            .filter_map(|rest| paths(rest).next().zip(rest.split_whitespace().next()))
        {
            let (path, word) = path;
            if word.trim_end_matches(['`', '.', ',', ';']) != path {
                continue; // A folder that the reader makes.
            }
            seen += 1;
            let file = root().join(path).join("kustomization.yaml");
            assert!(file.exists(), "{}: {path} has no kustomization.yaml", page.display());
        }
    }
    assert!(seen >= 5, "only {seen}");
}

fn is_script(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "sh")
}

#[test]
fn every_option_given_to_a_script_is_one_that_it_knows() {
    let mut seen = 0;
    for (page, text) in pages() {
        for line in text.lines() {
            let Some(script) = paths(line).find(|path| is_script(path)) else { continue };
            let (_, rest) = line.split_once(script).unwrap();
            // A command ends where its code does.
            let rest = rest.split('`').next().unwrap_or(rest);
            let source = fs::read_to_string(root().join(script)).unwrap();
            for option in rest.split_whitespace().filter(|word| word.starts_with("--")) {
                seen += 1;
                let known = source.contains(&format!("{option})"))
                    || source.contains(&format!("{option} "));
                assert!(known, "{}: {script} knows no {option}", page.display());
            }
        }
    }
    assert!(seen >= 5, "only {seen}");
}

/// A path is found in prose, in code and as an argument; what only looks like one is not.
#[test]
fn paths_are_found_in_prose_and_in_commands() {
    let text =
        "see `manifests/base`, run tests/setup.sh test; (docs/demo.md). amanifests/x manifests/*/y";
    let found: Vec<&str> = paths(text).collect();
    assert_eq!(found, ["manifests/base", "tests/setup.sh", "docs/demo.md"]);
}
