//! A dashboard as Grafana stores it (schema 38: Grafana 9.4 and later).

use serde_json::{Value, json};

use super::panel;
use super::source::{Source, Variable};

/// The tag by which the dashboards find each other.
pub const TAG: &str = "emberscope";

/// How wide a row is.
const COLUMNS: u64 = 24;

/// The data source that the user chooses.
pub(super) fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// What Grafana gets.
#[must_use]
pub fn of(source: &Source) -> Value {
    json!({
        "annotations": {"list": []},
        "description": source.description,
        "editable": true,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": null,
        "links": [{
            "asDropdown": true,
            "icon": "external link",
            "includeVars": true,
            "keepTime": true,
            "tags": [TAG],
            "targetBlank": false,
            "title": "Emberscope",
            "tooltip": "The other dashboards, with the same time and variables",
            "type": "dashboards",
            "url": "",
        }],
        "liveNow": false,
        "panels": panels(source),
        "refresh": source.refresh,
        "schemaVersion": 38,
        "style": "dark",
        "tags": [TAG, "spark"],
        "templating": {"list": variables(&source.variables)},
        "time": {"from": "now-3h", "to": "now"},
        "timepicker": {},
        "timezone": "",
        "title": source.title,
        "uid": source.uid,
        "version": 1,
        "weekStart": "",
    })
}

fn variables(of: &[Variable]) -> Vec<Value> {
    let datasource = json!({
        "current": {},
        "hide": 0,
        "includeAll": false,
        "label": "Data source",
        "multi": false,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": false,
        "type": "datasource",
    });
    let mut list = vec![datasource];
    list.extend(of.iter().map(variable));
    list
}

fn variable(of: &Variable) -> Value {
    let all = of.all.as_deref();
    let everything = json!({"selected": true, "text": ["All"], "value": ["$__all"]});
    json!({
        // None: all values that there are, one by one.
        "allValue": all.filter(|all| *all != "each"),
        "current": if all.is_some() { everything } else { json!({}) },
        "datasource": datasource(),
        "definition": of.values,
        "hide": 0,
        "includeAll": all.is_some(),
        "label": of.label,
        "multi": all.is_some(),
        "name": of.name,
        "options": [],
        "query": {"query": of.values, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        // Whenever the time shown changes: values of ended jobs come and go with it.
        "refresh": 2,
        "regex": "",
        "skipUrlSync": false,
        "sort": 1,
        "type": "query",
    })
}

/// Rows and panels, placed from left to right and from top to bottom, numbered from 1.
fn panels(source: &Source) -> Vec<Value> {
    let mut placed = Vec::new();
    let mut top = 0;
    for row in &source.rows {
        let id = placed.len() + 1;
        placed.push(json!({
            "collapsed": false,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
            "id": id,
            "panels": [],
            "title": row.title,
            "type": "row",
        }));
        top += 1;
        let (mut left, mut tallest) = (0, 0);
        for one in &row.panels {
            let height = panel::height(one);
            if left + one.width > COLUMNS {
                (left, top, tallest) = (0, top + tallest, 0);
            }
            let place = json!({"h": height, "w": one.width, "x": left, "y": top});
            placed.push(panel::of(one, placed.len() + 1, &place));
            left += one.width;
            tallest = tallest.max(height);
        }
        top += tallest;
    }
    placed
}
