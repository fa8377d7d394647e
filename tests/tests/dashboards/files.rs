//! What is checked in is what the descriptions make, and a cluster would take it.

use std::fs;
use std::process::Command;

use emberscope_tests::cluster::control_plane::ControlPlane;
use emberscope_tests::dashboards::page;
use serde_json::{Value, json};

use crate::{made, root};

#[test]
fn the_json_files_are_what_their_descriptions_make() {
    let folder = root().join("manifests/monitoring/grafana/dashboards");
    for dashboard in made() {
        let path = folder.join(format!("{}.json", dashboard.name));
        let fresh = dashboard.text().unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, fresh).unwrap();
        } else {
            let there = fs::read_to_string(&path).unwrap_or_default();
            let name = dashboard.name;
            assert!(there == fresh, "{name}.json is another; `make golden` writes it");
        }
    }
}

#[test]
fn the_page_about_dashboards_lists_every_panel() {
    const START: &str = "<!-- generated: dashboards -->\n";
    const END: &str = "<!-- end -->";
    let path = root().join("docs/dashboards.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let tables = page::tables(&made());
    let fresh = format!("{before}{START}{}\n{END}{after}", tables.trim_end());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, fresh).unwrap();
    } else {
        assert!(text == fresh, "docs/dashboards.md is another; `make golden` writes it");
    }
}

#[test]
fn each_dashboard_is_a_config_map_that_grafanas_sidecar_finds() {
    let kubectl = ControlPlane::find().unwrap().kubectl;
    let folder = root().join("manifests/monitoring/grafana");
    let output = Command::new(kubectl).arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let maps: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let dashboards = made();
    assert_eq!(maps.len(), dashboards.len());
    for dashboard in dashboards {
        let key = format!("emberscope-{}.json", dashboard.name);
        let map = maps.iter().find(|map| map["data"].get(&key).is_some());
        let map = map.unwrap_or_else(|| panic!("no ConfigMap has {key}"));
        assert_eq!(map["kind"], "ConfigMap");
        // The chart's default; its folder comes by an annotation.
        assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
        assert_eq!(map["metadata"]["annotations"]["grafana_folder"], "Emberscope");
        assert_eq!(
            map["metadata"]["name"],
            json!(format!("emberscope-dashboard-{}", dashboard.name))
        );
        let shown: Value = serde_json::from_str(map["data"][&key].as_str().unwrap()).unwrap();
        assert_eq!(shown, dashboard.model);
        // `kubectl apply` keeps a copy in an annotation, and all annotations may have 256 KiB.
        assert!(map.to_string().len() < 200_000, "{key} is too large for kubectl apply");
    }
}
