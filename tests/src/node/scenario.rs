//! What is played: a folder with a job, how it is submitted, what is done to it, and how it has to end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::outcome::{Side, Verdict};
use super::provocation::{Harm, Provocation};

/// `scenario.yaml`, and where it lies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// The folder's name.
    #[serde(skip)]
    pub name: String,
    /// The Python program: `job.py` in the folder, or in that of another scenario.
    #[serde(skip)]
    pub program: PathBuf,
    /// What it is, in a few words.
    pub about: String,
    /// The scenario whose job it runs, if it has none of its own.
    #[serde(default)]
    job: Option<String>,
    /// Spark settings of its own.
    #[serde(default)]
    pub conf: BTreeMap<String, String>,
    /// What is done to the job while it runs.
    #[serde(default)]
    pub provoke: Option<Provocation>,
    /// What is wrong with Emberscope meanwhile. Such a scenario has no side without Emberscope.
    #[serde(default)]
    pub harm: Option<Harm>,
    /// How the driver has to end.
    pub expect: Verdict,
    /// What Prometheus has to know of how a container ended: `driver` or `executor`, and the evidence.
    #[serde(default)]
    pub evidence: BTreeMap<String, String>,
    /// How long it may take; what it is at then, is how it ended.
    #[serde(default = "five_minutes")]
    pub patience_seconds: u64,
}

fn five_minutes() -> u64 {
    300
}

impl Scenario {
    fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("scenario.yaml");
        let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        let mut scenario: Self =
            serde_saphyr::from_str(&text).with_context(|| format!("{}", file.display()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let job = scenario.job.as_deref().unwrap_or(&name);
        scenario.program = folder.with_file_name(job).join("job.py");
        scenario.name = name;
        Ok(scenario)
    }

    /// What it is played with.
    #[must_use]
    pub fn sides(&self) -> &'static [Side] {
        if self.harm.is_some() { &[Side::With] } else { &[Side::Without, Side::With] }
    }
}

/// The scenarios in a folder: all in the order of their names, or those that are named.
pub fn read_all(folder: &Path, only: &[String]) -> Result<Vec<Scenario>> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .with_context(|| format!("{} could not be read", folder.display()))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    if let Some(unknown) = only.iter().find(|name| !names.contains(name)) {
        bail!("there is no scenario {unknown}; there are: {}", names.join(", "));
    }
    if !only.is_empty() {
        names = only.to_vec();
    }
    names.iter().map(|name| Scenario::read(&folder.join(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read_and_has_a_job() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/scenarios");
        for scenario in read_all(&folder, &[]).unwrap() {
            assert!(scenario.program.is_file(), "{}", scenario.program.display());
        }
    }
}
