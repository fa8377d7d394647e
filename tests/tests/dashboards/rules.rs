//! Rules that every dashboard keeps.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::{made, root};

/// Units that the panels use, as Grafana calls them.
const UNITS: [&str; 11] = [
    "short",
    "bytes",
    "binBps",
    "s",
    "percentunit",
    "ops",
    "reqps",
    "rowsps",
    "suffix:cores",
    "suffix:core h",
    "suffix:GiB h",
];

/// Metrics of others that the dashboards use, and whose they are.
const OF_OTHERS: [(&str, &str); 9] = [
    ("kube_pod_status_phase", "kube-state-metrics"),
    ("kube_pod_container_resource_requests", "kube-state-metrics"),
    ("container_network_receive_bytes_total", "the kubelet's cAdvisor"),
    ("container_network_transmit_bytes_total", "the kubelet's cAdvisor"),
    ("node_cpu_seconds_total", "node exporter"),
    ("node_memory_MemAvailable_bytes", "node exporter"),
    ("node_memory_MemTotal_bytes", "node exporter"),
    ("node_filesystem_avail_bytes", "node exporter"),
    ("node_filesystem_size_bytes", "node exporter"),
];

/// The panels of a dashboard, rows left out.
fn panels(model: &Value) -> impl Iterator<Item = &Value> {
    model["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

/// Names of metrics in an expression: what stands before a `{`, `[` or a blank, and looks like one of
/// ours or of the others'.
fn metrics(expression: &str) -> BTreeSet<String> {
    // The last is what is recorded.
    const STARTS: [&str; 7] =
        ["spark_", "metrics_", "emberscope_", "kube_", "node_", "container_", "application:"];
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    // What stands between quotes is a value, and what comes before `=`, `)` or `,` a label.
    let bare: String = expression
        .split('"')
        .enumerate()
        .filter(|(at, _)| at % 2 == 0)
        .map(|(_, part)| part)
        .collect();
    let mut found = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(at) = rest.find(is_word) {
        let word: String = rest[at..].chars().take_while(|&c| is_word(c)).collect();
        rest = &rest[at + word.len()..];
        let label =
            ["spark_role", "spark_app_name"].contains(&&*word) || rest.starts_with(['=', '~']);
        if STARTS.iter().any(|start| word.starts_with(start)) && !label {
            found.insert(word);
        }
    }
    found
}

fn expressions(model: &Value) -> Vec<String> {
    let variables = model["templating"]["list"].as_array().unwrap().iter();
    let of_variables = variables.filter_map(|variable| variable["query"]["query"].as_str());
    let targets = panels(model).flat_map(|panel| panel["targets"].as_array().unwrap());
    let of_panels = targets.map(|target| target["expr"].as_str().unwrap());
    let emr = "emr_containers_amazonaws_com";
    of_variables.chain(of_panels).map(|text| text.replace(emr, "emr")).collect()
}

#[test]
fn addresses_and_titles_are_stable_and_unique() {
    let dashboards = made();
    let uids: BTreeSet<_> = dashboards.iter().map(|one| one.model["uid"].to_string()).collect();
    assert_eq!(uids.len(), dashboards.len());
    for dashboard in &dashboards {
        let (name, model) = (dashboard.name, &dashboard.model);
        assert_eq!(model["uid"], format!("emberscope-{name}"));
        assert_eq!(model["id"], Value::Null, "{name}: Grafana gives the id");
        let ids: Vec<_> =
            model["panels"].as_array().unwrap().iter().map(|panel| &panel["id"]).collect();
        let unique: BTreeSet<_> = ids.iter().map(|id| id.as_u64().unwrap()).collect();
        assert_eq!(ids.len(), unique.len(), "{name}");
        let mut titles: Vec<_> =
            panels(model).map(|panel| panel["title"].as_str().unwrap()).collect();
        titles.sort_unstable();
        let all = titles.len();
        titles.dedup();
        assert_eq!(all, titles.len(), "{name} has two panels of one title");
    }
}

#[test]
fn the_user_chooses_the_data_source_and_a_time_that_moves() {
    for dashboard in made() {
        let (name, model) = (dashboard.name, &dashboard.model);
        let first = &model["templating"]["list"][0];
        assert_eq!(
            (first["name"].as_str(), first["type"].as_str()),
            (Some("datasource"), Some("datasource"))
        );
        assert!(model["time"]["from"].as_str().unwrap().starts_with("now-"), "{name}");
        assert_eq!(model["time"]["to"], "now", "{name}");
        let chosen = serde_json::json!({"type": "prometheus", "uid": "${datasource}"});
        for panel in panels(model) {
            assert_eq!(panel["datasource"], chosen, "{name}: {}", panel["title"]);
            for target in panel["targets"].as_array().unwrap() {
                assert_eq!(target["datasource"], chosen, "{name}: {}", panel["title"]);
            }
        }
        for variable in model["templating"]["list"].as_array().unwrap().iter().skip(1) {
            assert_eq!(variable["datasource"], chosen, "{name}: {}", variable["name"]);
        }
    }
}

#[test]
fn the_dashboards_lead_to_each_other_with_their_variables() {
    let dashboards = made();
    for dashboard in &dashboards {
        let model = &dashboard.model;
        let link = &model["links"][0];
        assert_eq!(link["includeVars"], true);
        assert_eq!(link["keepTime"], true);
        let tags = model["tags"].as_array().unwrap();
        assert!(link["tags"].as_array().unwrap().iter().all(|tag| tags.contains(tag)));
        for panel in dashboard.source.panels() {
            let Some(opens) = &panel.opens else { continue };
            let there = dashboards.iter().find(|one| one.model["uid"] == *opens.dashboard);
            let there = there.unwrap_or_else(|| panic!("{}: no such dashboard", opens.dashboard));
            assert!(there.source.variable_names.iter().any(|name| name == "application"));
            assert!(panel.labels.contains(&opens.column), "{}", panel.title);
        }
    }
}

#[test]
fn every_panel_says_what_it_tells_and_from_which_metric() {
    for dashboard in made() {
        for panel in dashboard.source.panels() {
            let title = format!("{}: {}", dashboard.name, panel.title);
            let (tells, from) = panel.description.rsplit_once("From ").unwrap_or_else(|| {
                panic!("{title}: the description does not say from which metric")
            });
            assert!(tells.len() > 20, "{title}: {tells}");
            // A group of them is named by its beginning, a histogram without what its parts end in.
            let names = |metric: &String| {
                from.contains(metric.strip_suffix("_bucket").unwrap_or(metric))
                    || from.contains("_*")
            };
            let used: BTreeSet<_> =
                panel.queries.iter().flat_map(|one| metrics(&one.expr)).collect();
            assert!(used.iter().any(names), "{title}: {from}");
        }
    }
}

#[test]
fn only_known_metrics_and_units_are_used() {
    let documented = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let recorded = emberscope_tests::rules::all(&root()).unwrap();
    let known = |metric: &str| {
        if recorded.iter().any(|rule| !rule.is_alert() && rule.name == metric) {
            return true;
        }
        let is = |name: &str| documented.contains(&format!("| `{name}` |"));
        is(metric)
            || ["_bucket", "_count", "_sum"]
                .iter()
                .any(|suffix| metric.strip_suffix(suffix).is_some_and(is))
            || OF_OTHERS.iter().any(|(name, _)| *name == metric)
    };
    let mut used = BTreeSet::new();
    for dashboard in made() {
        for expression in expressions(&dashboard.model) {
            assert!(!expression.contains("__name__"), "{expression}");
            let found = metrics(&expression);
            assert!(!found.is_empty(), "{expression} has no metric");
            for metric in found {
                assert!(known(&metric), "{}: nobody serves {metric}: {expression}", dashboard.name);
                used.insert(metric);
            }
        }
        for panel in panels(&dashboard.model) {
            let overrides = panel["fieldConfig"]["overrides"].as_array().unwrap();
            let properties = overrides.iter().map(|one| &one["properties"][0]);
            let of_columns =
                properties.filter(|property| property["id"] == "unit").map(|unit| &unit["value"]);
            for unit in of_columns.chain([&panel["fieldConfig"]["defaults"]["unit"]]) {
                assert!(UNITS.contains(&unit.as_str().unwrap()), "{}: {unit}", panel["title"]);
            }
        }
    }
    for (metric, whose) in OF_OTHERS {
        assert!(used.contains(metric), "{metric} of {whose} is not used any more");
    }
}

#[test]
fn no_variable_is_used_that_there_is_not() {
    for dashboard in made() {
        let own = ["__range", "__rate_interval", "__interval", "__interval_ms"];
        for expression in expressions(&dashboard.model) {
            for rest in expression.split('$').skip(1) {
                let name: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let there =
                    own.contains(&name.as_str()) || dashboard.source.variable_names.contains(&name);
                assert!(there, "{}: ${name} in {expression}", dashboard.name);
            }
            // A variable within a metric's name makes a dashboard for one job.
            let names = expression.match_indices('$').all(|(at, _)| {
                !expression[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            });
            assert!(names, "{expression}");
        }
    }
}

/// `docs/alerts.md` asks for the external label `cluster` where several clusters write to one place.
#[test]
fn every_query_keeps_to_the_chosen_clusters() {
    for dashboard in made() {
        let asks_for_clusters = "label_values(spark_info, cluster)";
        for expression in expressions(&dashboard.model) {
            let asked: usize =
                metrics(&expression).iter().map(|metric| occurrences(&expression, metric)).sum();
            let kept = expression.matches(r#"{cluster=~"$cluster""#).count();
            let name = dashboard.name;
            assert!(asked == kept || expression == asks_for_clusters, "{name}: {expression}");
            // The same names may be there in another cluster.
            for pair in ["(namespace, pod", "(node"] {
                let bare = ["on ", "topk by "]
                    .iter()
                    .any(|by| expression.contains(&format!("{by}{pair}")));
                assert!(!bare, "{name}: {expression}");
            }
        }
    }
}

/// How often a metric stands in an expression, others that begin with its name not counted.
fn occurrences(expression: &str, metric: &str) -> usize {
    let ends = |at: usize| {
        !expression[at + metric.len()..]
            .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    let begins = |at: usize| {
        !expression[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    expression.match_indices(metric).filter(|(at, _)| begins(*at) && ends(*at)).count()
}

#[test]
fn a_longer_time_shown_is_no_more_to_look_at() {
    for dashboard in made() {
        for panel in panels(&dashboard.model) {
            for target in panel["targets"].as_array().unwrap() {
                let expression = target["expr"].as_str().unwrap();
                let title = &panel["title"];
                let steps = expression.split("[$__range:").skip(1);
                for step in steps {
                    assert!(step.starts_with("$__interval]"), "{title}: {expression}");
                    assert!(panel["maxDataPoints"].is_u64(), "{title}");
                }
                // One that is written down is too short for one who scrapes less often.
                assert!(
                    !expression.contains("m]") && !expression.contains("s]"),
                    "{title}: {expression}"
                );
            }
        }
    }
}

/// Grafana writes `()` for a variable that has nothing to choose from, and that matches what has no pod:
/// the figures of whole nodes, for an application without executors.
#[test]
fn an_application_without_executors_is_not_shown_what_has_no_pod() {
    for dashboard in made() {
        for expression in expressions(&dashboard.model) {
            for rest in expression.split(r#"pod=~"$driver|$executor_pod""#).skip(1) {
                assert!(rest.starts_with(r#",pod!="""#), "{}: {expression}", dashboard.name);
            }
        }
    }
}

/// Of shares that are all zero, Grafana's axis would go up to 10,000 %.
#[test]
fn the_axis_of_shares_has_an_upper_end() {
    for dashboard in made() {
        for panel in panels(&dashboard.model).filter(|panel| panel["type"] == "timeseries") {
            let defaults = &panel["fieldConfig"]["defaults"];
            let share = defaults["unit"] == "percentunit";
            let soft = &defaults["custom"]["axisSoftMax"];
            assert_eq!(soft.is_number(), share, "{}: {}", dashboard.name, panel["title"]);
        }
    }
}
