//! The list of panels that need not show anything.

use serde::Deserialize;

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) dashboard: String,
    pub(crate) panel: String,
    /// What of the machine it depends on; none if it never shows anything here.
    pub(crate) when: Option<String>,
    pub(crate) reason: String,
}

/// All of them.
pub(crate) fn entries() -> Vec<Entry> {
    serde_saphyr::from_str(include_str!("without_data.yaml")).unwrap()
}

#[test]
fn every_entry_names_a_panel_and_a_reason() {
    let dashboards = crate::made();
    for entry in entries() {
        let dashboard = dashboards.iter().find(|one| one.name == entry.dashboard).unwrap();
        assert!(dashboard.source.panels().any(|panel| panel.title == entry.panel), "{entry:?}");
        assert!(entry.reason.len() > 10, "{entry:?}");
    }
}
