//! Generated parts of hand-written pages.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Holds the parts of `page` against what they should be; with `UPDATE_GOLDEN` writes them.
pub(crate) fn check(page: &str, parts: &[(&str, String)]) {
    let path = root().join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let fresh = parts.iter().fold(text.clone(), |text, (name, part)| replace(&text, name, part));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, fresh).unwrap();
    } else {
        assert!(text == fresh, "{page} is not what the code says; `make golden` writes it");
    }
}

fn replace(text: &str, name: &str, part: &str) -> String {
    let start = format!("<!-- generated: {name} -->\n");
    let (before, rest) = text.split_once(&start).unwrap_or_else(|| panic!("no part {name:?}"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{start}{}\n<!-- end -->{after}", part.trim_end())
}

/// A Markdown table.
pub(crate) fn table<const N: usize>(
    heads: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ").replace('\n', " "));
    let mut table = line(&heads.map(str::to_owned)) + &line(&[(); N].map(|()| "---".to_owned()));
    for row in rows {
        table += &line(&row);
    }
    table
}

/// A fenced block.
pub(crate) fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}
