//! Prometheus' own reader of the text format, which shares nothing with this exporter.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What `promtool check metrics` thinks of a page.
pub(in crate::sources::spark) struct Opinion {
    /// Whether it can be read.
    pub(in crate::sources::spark) is_readable: bool,
    /// What it dislikes about names, line by line.
    pub(in crate::sources::spark) dislikes: Vec<String>,
    /// All that it said.
    pub(in crate::sources::spark) said: String,
}

/// Asks for it.
pub(in crate::sources::spark) fn check(page: &str) -> Opinion {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = promtool.expect("this test needs promtool (of Prometheus) on the PATH");
    // It reads all of it before it writes.
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let result = promtool.wait_with_output().unwrap();
    let said = String::from_utf8([result.stdout, result.stderr].concat()).unwrap();
    let lines = said.lines().filter(|line| !line.trim().is_empty());
    Opinion {
        // 3: it dislikes a name. Any other: it cannot read the page.
        is_readable: matches!(result.status.code(), Some(0 | 3)),
        dislikes: lines.map(str::to_owned).collect(),
        said,
    }
}

#[test]
fn a_page_that_is_none_is_not_readable() {
    for page in ["a{b=\"c} 1\n", "# TYPE a counter\n# TYPE a counter\na 1\n", "a null\n"] {
        assert!(!check(page).is_readable, "{page}");
    }
    assert!(check("# HELP a A.\n# TYPE a gauge\na 1\n").is_readable);
}
