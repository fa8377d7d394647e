//! The shipped rule files of Prometheus, as data.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The folder of the rule files, from the top of the repository.
pub const FOLDER: &str = "manifests/monitoring/rules";

/// The rule files, in the order in which they belong.
pub const FILES: [&str; 4] =
    ["recording.yaml", "job-alerts.yaml", "platform-alerts.yaml", "collector-alerts.yaml"];

/// One rule of a file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The file's name.
    pub file: &'static str,
    /// The group that the rule is in.
    pub group: String,
    /// What it records, or the alert's name.
    pub name: String,
    /// The rule as it stands in the file.
    pub value: Value,
}

impl Rule {
    /// Whether the rule is an alert; else it records.
    #[must_use]
    pub fn is_alert(&self) -> bool {
        !self.value["alert"].is_null()
    }

    /// The expression.
    #[must_use]
    pub fn expr(&self) -> &str {
        self.value["expr"].as_str().unwrap_or_default()
    }

    /// How long it has to be true before the alert fires.
    #[must_use]
    pub fn hold(&self) -> &str {
        self.value["for"].as_str().unwrap_or("0s")
    }

    /// The label `severity`.
    #[must_use]
    pub fn severity(&self) -> &str {
        self.value["labels"]["severity"].as_str().unwrap_or_default()
    }

    /// An annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> &str {
        self.value["annotations"][key].as_str().unwrap_or_default()
    }
}

/// All rules of the repository at `root`, in the files' order. An error names the file that is
/// missing or is not a rule file.
pub fn all(root: &Path) -> Result<Vec<Rule>> {
    let files: Result<Vec<_>> = FILES.into_iter().map(|file| of_file(root, file)).collect();
    Ok(files?.concat())
}

fn of_file(root: &Path, file: &'static str) -> Result<Vec<Rule>> {
    let path = root.join(FOLDER).join(file);
    let yaml = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let document: Value =
        serde_saphyr::from_str(&yaml).with_context(|| path.display().to_string())?;
    let mut rules = Vec::new();
    for group in document["groups"].as_array().into_iter().flatten() {
        let group_name = group["name"].as_str().unwrap_or_default();
        for rule in group["rules"].as_array().into_iter().flatten() {
            let name = rule["alert"].as_str().or_else(|| rule["record"].as_str());
            let (Some(name), false) = (name, group_name.is_empty()) else {
                bail!("{}: a rule of group {group_name:?} has no name", path.display());
            };
            rules.push(Rule {
                file,
                group: group_name.to_owned(),
                name: name.to_owned(),
                value: rule.clone(),
            });
        }
    }
    Ok(rules)
}
