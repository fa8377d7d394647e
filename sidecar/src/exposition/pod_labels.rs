//! Labels of the pod that every figure of Spark and its container carries as well.

use super::labels::push_value;

/// Every label that the sidecar's own samples carry (docs/metrics.md). One of these a second time
/// would void the page.
pub const OWN: [&str; 20] = [
    "application_id",
    "application_name",
    "architecture",
    "collector",
    "container",
    "executor_id",
    "kernel_version",
    "kind",
    "le",
    "listener",
    "pool",
    "quantile",
    "query",
    "queue",
    "revision",
    "scheme",
    "window",
    "evidence",
    "type",
    "version",
];

/// The labels as text, ready to stand between the braces of a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodLabels(String);

impl PodLabels {
    /// Reads labels given as `name=value`. What cannot be a label beside the sidecar's own is left
    /// out and returned: a sidecar that refuses to run would hold its pod up.
    #[must_use]
    pub fn read(given: &[String]) -> (Self, Vec<&str>) {
        let (mut text, mut names, mut left_out) = (String::new(), Vec::new(), Vec::new());
        for label in given {
            let Some((name, value)) = label.split_once('=').filter(|(name, _)| is_name(name))
            else {
                left_out.push(label.as_str());
                continue;
            };
            if OWN.contains(&name) || names.contains(&name) {
                left_out.push(label.as_str());
                continue;
            }
            names.push(name);
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(name);
            text.push_str("=\"");
            push_value(&mut text, value);
            text.push('"');
        }
        (Self(text), left_out)
    }

    /// `a="b",c="d"`, or nothing.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
fn is_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    first && name.chars().all(word) && !name.starts_with("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_what_cannot_be_one_is_left_out() {
        let given = ["team=a \"b\" \\", "pool=x", "9=x", "team=again", "empty=", "none", "__a=x"];
        let given = given.map(str::to_owned);
        let (labels, left_out) = PodLabels::read(&given);
        assert_eq!(labels.text(), r#"team="a \"b\" \\",empty="""#);
        assert_eq!(left_out, ["pool=x", "9=x", "team=again", "none", "__a=x"]);
    }

    /// The golden pages have every label that a source can give.
    #[test]
    fn every_label_on_a_golden_page_is_known() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/spark");
        for file in std::fs::read_dir(folder).unwrap() {
            let page = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for line in page.lines().filter(|line| !line.starts_with('#')) {
                let Some((labels, _)) =
                    line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'))
                else {
                    continue;
                };
                // Names stand before `="`; what precedes them ends in a quote and a comma.
                let mut ends = labels.match_indices("=\"").map(|(at, _)| &labels[..at]);
                assert!(
                    ends.all(|upto| {
                        let name = upto.rsplit(['"', ',', ' ', '=']).next().unwrap();
                        OWN.contains(&name)
                    }),
                    "{line}"
                );
            }
        }
    }
}
