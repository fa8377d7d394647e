//! Links between pages lead somewhere.

use std::path::{Path, PathBuf};

use crate::generated::root;

/// Every Markdown page of the repository that people read.
fn pages() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/runbooks", "manifests", "tests/golden"]
        .map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut pages: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
}

/// The targets of `[text](target)`, without those on other machines.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', ' ', '\n']).next()?;
        let elsewhere = target.contains("://") || target.starts_with("mailto:");
        (!elsewhere && !target.starts_with('#')).then_some(target)
    })
}

#[test]
fn every_link_between_pages_leads_to_a_file() {
    let pages = pages();
    assert!(pages.len() >= 8, "only {} pages", pages.len());
    let dangling: Vec<String> = pages
        .iter()
        .flat_map(|page| {
            let text = std::fs::read_to_string(page).unwrap();
            let folder = page.parent().unwrap_or(Path::new("")).to_owned();
            let exists = move |target: &str| {
                let file = target.split('#').next().unwrap_or_default();
                folder.join(file).exists()
            };
            let bad: Vec<String> =
                targets(&text).filter(|target| !exists(target)).map(str::to_owned).collect();
            bad.into_iter().map(|target| format!("{}: {target}", page.display()))
        })
        .collect();
    assert!(dangling.is_empty(), "{}", dangling.join("\n"));
}
