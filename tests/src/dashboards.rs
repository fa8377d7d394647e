//! The Grafana dashboards of `manifests/monitoring/grafana`, made from the short descriptions that
//! stand beside them.
//!
//! ```text
//! source/shared.yaml ─┐
//! source/NAME.yaml ───┴─> source ──> model ──> dashboards/NAME.json
//!                            └─────> page ───> docs/dashboards.md
//! ```
//!
//! Nine tenths of a dashboard's JSON say the same in every panel. What differs (title, unit,
//! description, query) is in the descriptions, which need no Rust to be read or changed; the JSON is
//! checked in, since it is what Grafana takes. A test holds the two together, and `make golden` writes
//! the JSON anew.

pub mod model;
pub mod page;
mod panel;
pub mod source;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use self::source::{Shared, Source};

/// The file names without ending, in the order of the documentation.
pub const NAMES: [&str; 5] = ["overview", "job", "executors", "right-sizing", "webhook"];

/// One dashboard: what describes it and what Grafana gets.
#[derive(Debug)]
pub struct Dashboard {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// The description, with its phrases replaced.
    pub source: Source,
    /// What Grafana gets.
    pub model: Value,
}

impl Dashboard {
    /// The file's text.
    pub fn text(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.model)? + "\n")
    }
}

/// Makes all dashboards from the descriptions in `folder` (`manifests/monitoring/grafana/source`).
pub fn made(folder: &Path) -> Result<Vec<Dashboard>> {
    let read = |name: &str| {
        let path = folder.join(format!("{name}.yaml"));
        fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()))
    };
    let shared = Shared::read(&read("shared")?).context("shared.yaml")?;
    let make = |name| -> Result<Dashboard> {
        let source = Source::read(&read(name)?, &shared).with_context(|| format!("{name}.yaml"))?;
        let model = model::of(&source);
        Ok(Dashboard { name, source, model })
    };
    NAMES.into_iter().map(make).collect()
}
