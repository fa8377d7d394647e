//! Spark's pages as they were captured, and the executors page as it is with more executors.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

const FIXTURES: &str = "sidecar/tests/fixtures/servlet";

/// The driver page of a job on a small cluster.
pub(super) const DRIVER: &str = "spark-3.5.6-localcluster-driver.prom";

/// The longest driver page that was captured: all sources that Spark has.
pub(super) const LONG_DRIVER: &str = "spark-4.3.0-driver.prom";

/// The executors page with the most lines for each executor.
const EXECUTORS: &str = "spark-4.3.0-executors.prom";

/// A page of the driver's own figures, as captured.
pub(super) fn driver(root: &Path, name: &str) -> Result<Vec<u8>> {
    let file = root.join(FIXTURES).join(name);
    fs::read(&file).with_context(|| format!("{} could not be read", file.display()))
}

/// An executors page with so many executors beside the driver: the lines that one of them had in the
/// captured page, again and again with another id.
pub(super) fn executors(root: &Path, count: usize) -> Result<Vec<u8>> {
    let page = String::from_utf8(driver(root, EXECUTORS)?)?;
    let of = |id: &str| {
        let label = format!("executor_id=\"{id}\"");
        page.split_inclusive('\n').filter(move |line| line.contains(&label))
    };
    let mut made: String = page.split_inclusive('\n').take(1).chain(of("driver")).collect();
    let one: String = of("0").collect();
    ensure!(!one.is_empty(), "{EXECUTORS} has no executor 0");
    made.reserve(count * (one.len() + one.lines().count() * 5));
    for id in 0..count {
        made.push_str(&one.replace("executor_id=\"0\"", &format!("executor_id=\"{id}\"")));
    }
    Ok(made.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_executor_has_the_lines_of_the_one_that_was_captured() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let page = String::from_utf8(executors(&root, 12).unwrap()).unwrap();
        let lines = |id: &str| {
            let label = format!("executor_id=\"{id}\"");
            page.lines().filter(|line| line.contains(&label)).count()
        };
        assert_eq!(lines("11"), lines("driver"));
        assert_eq!(page.lines().count(), 1 + 13 * lines("0"));
    }
}
