//! Labels of the pod that every figure of Spark and its container carries as well.

use std::collections::BTreeSet;

use super::labels::push_value;

/// The labels as text, ready to stand between the braces of a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodLabels(String);

impl PodLabels {
    /// Reads labels given as `name=value`. What cannot be a label beside those that are taken is left
    /// out and returned: a sidecar that refuses to run would hold its pod up.
    #[must_use]
    pub fn read<'g>(given: &'g [String], taken: &BTreeSet<String>) -> (Self, Vec<&'g str>) {
        let (mut text, mut names, mut left_out) = (String::new(), Vec::new(), Vec::new());
        for label in given {
            let Some((name, value)) = label.split_once('=').filter(|(name, _)| is_name(name))
            else {
                left_out.push(label.as_str());
                continue;
            };
            if taken.contains(name) || names.contains(&name) {
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
        let (labels, left_out) = PodLabels::read(&given, &BTreeSet::from(["pool".to_owned()]));
        assert_eq!(labels.text(), r#"team="a \"b\" \\",empty="""#);
        assert_eq!(left_out, ["pool=x", "9=x", "team=again", "none", "__a=x"]);
    }
}
