//! The table of panels in `docs/dashboards.md`.

use std::fmt::Write as _;

use super::Dashboard;

/// A section for each dashboard with a table of its panels.
#[must_use]
pub fn tables(dashboards: &[Dashboard]) -> String {
    let mut page = String::new();
    for dashboard in dashboards {
        let source = &dashboard.source;
        let variables: Vec<String> =
            source.variables.iter().map(|one| one.label.to_lowercase()).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "## {}\n\n`dashboards/{}.json`, uid `{}`. {}\nFilters: {}.\n\n| row | panel | what it tells |\n| --- | --- | --- |\n",
            source.title.trim_start_matches("Emberscope / "),
            dashboard.name,
            source.uid,
            source.description,
            variables.join(", "),
        );
        for row in &source.rows {
            for panel in &row.panels {
                let told = panel.description.replace('|', "\\|").replace('*', "\\*");
                let _ = writeln!(page, "| {} | {} | {told} |", row.title, panel.title);
            }
        }
        page.push('\n');
    }
    page
}
