//! One panel as Grafana stores it.

use serde_json::{Map, Value, json};

use super::model::datasource;
use super::source::{Kind, Opens, Panel, Query};

/// At how many moments of the time shown a subquery looks at the most: `$__interval` is the time shown
/// divided by this, and not less than the scrape interval. A fixed step is more than Prometheus
/// takes (50 million samples a query) once a fleet is large and the time shown long.
const MOMENTS: u32 = 1000;

/// The least width of a table's columns, in pixels; Grafana's own is 150.
const NARROW: u32 = 95;

/// Columns that are of little use when they are cut off, and the pixels that they need at least.
const WIDE: [(&str, u32); 4] =
    [("namespace", 130), ("application_name", 150), ("application_id", 245), ("pod", 290)];

/// The upper end of an axis of shares where all of them are less; of zeros alone Grafana makes 10,000 %.
const LEAST_SHARE: f64 = 0.1;

/// The height of a panel that says none.
pub(super) fn height(panel: &Panel) -> u64 {
    panel.height.unwrap_or(if panel.kind == Kind::Stat { 4 } else { 8 })
}

/// The panel with that id at that place.
pub(super) fn of(panel: &Panel, id: usize, place: &Value) -> Value {
    let mut made = json!({
        "datasource": datasource(),
        "description": panel.description,
        "fieldConfig": {"defaults": defaults(panel), "overrides": overrides(panel)},
        "gridPos": place,
        "id": id,
        "options": options(panel),
        "targets": panel.queries.iter().enumerate().map(|(at, query)| target(panel, at, query)).collect::<Vec<_>>(),
        "title": panel.title,
        "type": panel.kind.as_str(),
    });
    if panel.queries.iter().any(|query| query.expr.contains("$__interval")) {
        made["maxDataPoints"] = json!(MOMENTS);
    }
    if panel.kind == Kind::Table {
        made["transformations"] = transformations(panel);
    }
    made
}

/// Grafana's word for a unit, where it has one; others are written behind the value.
fn unit(name: &str) -> &str {
    match name {
        "cores" => "suffix:cores",
        "coreh" => "suffix:core h",
        "gibh" => "suffix:GiB h",
        known => known,
    }
}

/// A, B, C, …
fn letter(at: usize) -> String {
    char::from(b'A' + u8::try_from(at % 26).unwrap_or_default()).to_string()
}

fn target(panel: &Panel, at: usize, query: &Query) -> Value {
    let instant = panel.kind.is_instant();
    json!({
        "datasource": datasource(),
        "editorMode": "code",
        "expr": query.expr,
        "format": if panel.kind == Kind::Table { "table" } else { "time_series" },
        "instant": instant,
        "legendFormat": query.legend.as_deref().unwrap_or("__auto"),
        "range": !instant,
        "refId": letter(at),
    })
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = Map::new();
    defaults.insert("color".to_owned(), colour(panel));
    let mut custom = custom(panel);
    if panel.kind == Kind::TimeSeries && panel.unit.as_deref() == Some("percentunit") {
        custom["axisSoftMax"] = json!(LEAST_SHARE);
    }
    defaults.insert("custom".to_owned(), custom);
    defaults.insert("mappings".to_owned(), mappings(panel));
    if panel.kind == Kind::TimeSeries {
        defaults.insert("min".to_owned(), json!(0));
    }
    if let Some(max) = panel.max {
        defaults.insert("max".to_owned(), json!(max));
    }
    if let Some(decimals) = panel.decimals {
        defaults.insert("decimals".to_owned(), json!(decimals));
    }
    defaults.insert("thresholds".to_owned(), thresholds(panel));
    let name = panel.unit.as_deref().unwrap_or("short");
    defaults.insert("unit".to_owned(), json!(unit(name)));
    Value::Object(defaults)
}

fn colour(panel: &Panel) -> Value {
    let mode = if panel.kind == Kind::TimeSeries { "palette-classic" } else { "thresholds" };
    json!({"mode": mode})
}

fn custom(panel: &Panel) -> Value {
    match panel.kind {
        Kind::TimeSeries => json!({
            "drawStyle": "line",
            "fillOpacity": if panel.stack { 30 } else { 5 },
            "lineWidth": 1,
            // A job that was scraped once is a point.
            "showPoints": "auto",
            "spanNulls": false,
            "stacking": {"group": "A", "mode": if panel.stack { "normal" } else { "none" }},
            "thresholdsStyle": {"mode": if panel.thresholds.is_empty() { "off" } else { "dashed" }},
        }),
        Kind::Table => {
            json!({
                "align": "auto",
                "cellOptions": {"type": "auto"},
                "filterable": true,
                "minWidth": NARROW,
            })
        }
        Kind::Stat | Kind::BarGauge => json!({}),
    }
}

fn mappings(panel: &Panel) -> Value {
    if panel.mappings.is_empty() {
        return json!([]);
    }
    let text = |(value, text): (&String, &String)| (value.clone(), json!({"text": text}));
    let options: Map<String, Value> = panel.mappings.iter().map(text).collect();
    json!([{"options": options, "type": "value"}])
}

/// The first step has no value: it begins below everything.
fn thresholds(panel: &Panel) -> Value {
    let plain = if panel.thresholds.is_empty() { "text" } else { "green" };
    let step = |colour: &str, from: Option<f64>| json!({"color": colour, "value": from});
    let mut steps = vec![step(plain, None)];
    for (from, colour) in &panel.thresholds {
        if *from > 0.0 {
            steps.push(step(colour, Some(*from)));
        } else {
            steps = vec![step(colour, None)];
        }
    }
    json!({"mode": "absolute", "steps": steps})
}

fn options(panel: &Panel) -> Value {
    let reduce = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    match panel.kind {
        Kind::TimeSeries => json!({
            "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        Kind::Stat => json!({
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": reduce,
            "textMode": "auto",
        }),
        Kind::BarGauge => json!({
            "displayMode": "basic",
            "orientation": "horizontal",
            "reduceOptions": reduce,
            "showUnfilled": true,
            // Or a single bar has letters of its own height, and no room for its name.
            "text": {"titleSize": 14, "valueSize": 18},
        }),
        Kind::Table => json!({
            "cellHeight": "sm",
            "footer": {"countRows": false, "fields": "", "reducer": ["sum"], "show": false},
            "showHeader": true,
        }),
    }
}

/// Units and widths of a table's columns, and where they lead.
fn overrides(panel: &Panel) -> Vec<Value> {
    let units = panel.queries.iter().filter_map(|query| {
        let (column, name) = (query.column.as_ref()?, query.unit.as_ref()?);
        Some(override_of(column, "unit", &json!(unit(name))))
    });
    let link = panel.opens.as_ref().map(|opens| {
        override_of(&opens.column, "links", &json!([{"title": "Open", "url": address(opens)}]))
    });
    let wide = WIDE.iter().filter(|(label, _)| panel.labels.iter().any(|own| own == label));
    let wide = wide.map(|(label, width)| override_of(label, "custom.minWidth", &json!(width)));
    units.chain(wide).chain(link).collect()
}

fn override_of(column: &str, property: &str, value: &Value) -> Value {
    json!({
        "matcher": {"id": "byName", "options": column},
        "properties": [{"id": property, "value": value}],
    })
}

fn address(opens: &Opens) -> String {
    format!(
        "/d/{}?${{__url_time_range}}&${{datasource:queryparam}}&${{cluster:queryparam}}&${{namespace:queryparam}}&${{team:queryparam}}&var-application=${{__value.raw}}",
        opens.dashboard
    )
}

/// One line for each set of labels with all queries' values in it; labels first, times left out.
fn transformations(panel: &Panel) -> Value {
    let mut names = Map::new();
    let mut order = Map::new();
    for label in &panel.labels {
        order.insert(label.clone(), json!(order.len()));
        if let Some((_, name)) = RENAMED.iter().find(|(long, _)| long == label) {
            names.insert(label.clone(), json!(name));
        }
    }
    let single = panel.queries.len() == 1;
    for (at, query) in panel.queries.iter().enumerate() {
        // Grafana's own names for what a table query gives.
        let value = if single { "Value".to_owned() } else { format!("Value #{}", letter(at)) };
        order.insert(value.clone(), json!(order.len()));
        names.insert(value, json!(query.column));
    }
    json!([
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {
            "excludeByName": {"Time": true}, "indexByName": order, "renameByName": names,
        }},
    ])
}

/// Labels whose names are too long for a heading.
const RENAMED: [(&str, &str); 2] = [
    ("emr_containers_amazonaws_com_job_id", "EMR job"),
    ("emr_containers_amazonaws_com_virtual_cluster_id", "virtual cluster"),
];
