//! `manifests/aws/grafana.sh`, against answers as Grafana and its AWS API give them.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::root;
use crate::script::{Finished, script};
use crate::stand_in::StandIn;

const GRAFANA: &str = "manifests/aws/grafana.sh";
const ACCOUNTS: &str = "/workspaces/g-1234567890/serviceaccounts";
const DASHBOARDS: &str = "POST /api/dashboards/db";
/// The token is taken away again.
const LEAVING: &str = "DELETE /workspaces/g-1234567890/serviceaccounts/7/tokens/1";

/// Both APIs. The service account and the data source are new, or there already; every call of
/// Grafana's own is answered with the status.
fn grafana(known: bool, status: u16) -> StandIn {
    StandIn::answering(grafana_answers(known, status))
}

fn grafana_answers(known: bool, status: u16) -> impl Fn(&str) -> (u16, Value) + Send + 'static {
    let page = AtomicUsize::new(0);
    move |request: &str| {
        let (method, path) = request.split_once(' ').unwrap();
        let aws = path.strip_prefix(ACCOUNTS).map(|rest| match (method, rest) {
            // Two pages, the second with ours or with nothing.
            ("GET", "") if page.fetch_add(1, Ordering::Relaxed) == 0 => json!({
                "serviceAccounts": [account("3", "other", "ADMIN"), account("4", "emberscope", "VIEWER")],
                "nextToken": "more",
            }),
            ("GET", "") if known => {
                json!({ "serviceAccounts": [account("7", "emberscope", "ADMIN")] })
            }
            ("GET", "") => json!({ "serviceAccounts": [] }),
            ("POST", "") => json!({ "id": "7" }),
            ("POST", "/7/tokens") => {
                json!({ "serviceAccountToken": { "id": "1", "key": "glsa_secret" } })
            }
            _ => json!({}),
        });
        match aws {
            Some(answer) => (200, answer),
            None if method == "PUT" && !known => (404, json!({})),
            None => (status, json!({ "message": "as asked" })),
        }
    }
}

fn account(id: &str, name: &str, role: &str) -> Value {
    json!({ "id": id, "name": name, "grafanaRole": role, "isDisabled": "false" })
}

fn run(grafana: &StandIn, url: &str, more: &[&str]) -> Finished {
    let mut command = script(GRAFANA, &grafana.endpoint);
    command.args(["--workspace-id", "g-1234567890", "--url", url, "--region", "eu-west-1"]);
    command
        .args(["--query-url", "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/"]);
    Finished::run(command.args(more))
}

/// A folder with two dashboards.
fn dashboards() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for uid in ["job", "overview"] {
        let dashboard = json!({ "uid": uid, "title": "Spark \"jobs\" at 100 %" });
        fs::write(folder.path().join(format!("{uid}.json")), dashboard.to_string()).unwrap();
    }
    folder
}

fn named(folder: &Path) -> [&str; 2] {
    ["--dashboards", folder.to_str().unwrap()]
}

#[test]
fn grafana_gets_the_data_source_and_every_dashboard_and_no_token_is_left_behind() {
    let folder = dashboards();
    let grafana = grafana(false, 200);
    let finished = run(&grafana, &grafana.endpoint, &named(folder.path()));
    assert_eq!(finished.status, 0, "{finished:?}");

    let source = &grafana.sent("POST /api/datasources")[0];
    assert_eq!(source["uid"], "emberscope");
    assert_eq!(source["url"], "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1");
    assert_eq!(source["jsonData"]["sigV4Region"], "eu-west-1");
    assert_eq!(source["jsonData"]["sigV4Auth"], true);
    let sent = grafana.sent(DASHBOARDS);
    let uids: Vec<&Value> = sent.iter().map(|sent| &sent["dashboard"]["uid"]).collect();
    assert_eq!(uids, ["job", "overview"]);
    assert!(sent.iter().all(|sent| sent["overwrite"] == true));
    let made = &grafana.sent(&format!("POST {ACCOUNTS}"))[0];
    assert_eq!((&made["name"], &made["grafanaRole"]), (&json!("emberscope"), &json!("ADMIN")));
    let token = &grafana.sent(&format!("POST {ACCOUNTS}/7/tokens"))[0];
    assert_eq!(token["secondsToLive"], 900);
    assert_eq!(grafana.asked().last().unwrap(), LEAVING);
    assert!(!format!("{finished:?}").contains("glsa_secret"));
}

/// From Grafana 12 on, the core's plug-in signs no requests.
#[test]
fn the_data_source_is_of_a_plug_in_that_signs() {
    let folder = dashboards();
    for (has_amazons, version, plugin, installs) in [
        (true, "10.4.1", "grafana-amazonprometheus-datasource", 0),
        (false, "10.4.1", "prometheus", 0),
        (false, "12.0.0", "grafana-amazonprometheus-datasource", 1),
    ] {
        let known = grafana_answers(false, 200);
        let grafana = StandIn::answering(move |request| match request {
            "GET /api/plugins/grafana-amazonprometheus-datasource/settings" if !has_amazons => {
                (404, json!({ "message": "Plugin not found, no installed plugin with that id" }))
            }
            "GET /api/health" => (200, json!({ "database": "ok", "version": version })),
            _ => known(request),
        });
        let finished = run(&grafana, &grafana.endpoint, &named(folder.path()));
        assert_eq!(finished.status, 0, "{finished:?}");
        assert_eq!(grafana.sent("POST /api/datasources")[0]["type"], plugin);
        let install = "POST /api/plugins/grafana-amazonprometheus-datasource/install";
        assert_eq!(grafana.sent(install).len(), installs, "{version}");
    }
}

/// Whatever is shipped is found without being named.
#[test]
fn without_a_folder_it_takes_the_dashboards_of_this_repository() {
    let grafana = grafana(true, 200);
    let finished = run(&grafana, &grafana.endpoint, &[]);
    assert_eq!(finished.status, 0, "{finished:?}");
    let shipped = fs::read_dir(root().join("manifests/monitoring/grafana/dashboards")).unwrap();
    let mut shipped: Vec<Value> = shipped
        .map(|file| serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert!(shipped.len() >= 5, "{}", shipped.len());
    let sent = grafana.sent(DASHBOARDS);
    let mut sent: Vec<Value> = sent.into_iter().map(|mut sent| sent["dashboard"].take()).collect();
    let uid = |dashboard: &Value| dashboard["uid"].as_str().unwrap().to_owned();
    shipped.sort_by_key(uid);
    sent.sort_by_key(uid);
    assert_eq!(sent, shipped);
}

/// Amazon Managed Grafana bills each service account that asked for something in a month.
#[test]
fn a_second_run_makes_neither_a_service_account_nor_a_data_source() {
    let folder = dashboards();
    let grafana = grafana(true, 200);
    let finished = run(&grafana, &grafana.endpoint, &named(folder.path()));
    assert_eq!(finished.status, 0, "{finished:?}");
    let asked = grafana.asked();
    for made in [format!("POST {ACCOUNTS}"), "POST /api/datasources".to_owned()] {
        assert!(!asked.contains(&made), "{asked:?}");
    }
    assert_eq!(asked.last().unwrap(), LEAVING);
}

#[test]
fn a_refusal_is_shown_with_what_may_help_and_leaves_no_token_behind() {
    let folder = dashboards();
    for (status, remedy) in [
        (400, "status 400: {\"message\":\"as asked\"}\n"),
        (401, "the address of g-1234567890? A token is good for its own workspace"),
        (403, "network access control"),
        (503, "run this again in a while"),
    ] {
        let grafana = grafana(true, status);
        let finished = run(&grafana, &grafana.endpoint, &named(folder.path()));
        assert_eq!(finished.status, 1, "{finished:?}");
        assert!(finished.said.contains("Grafana refused the data source"), "{finished:?}");
        assert!(finished.said.contains(remedy), "{remedy}: {finished:?}");
        assert_eq!(grafana.asked().last().unwrap(), LEAVING);
    }
}

#[test]
fn a_grafana_that_does_not_answer_is_named_and_no_token_is_left_behind() {
    let folder = dashboards();
    let grafana = grafana(true, 200);
    let finished = run(&grafana, "http://127.0.0.1:1", &named(folder.path()));
    assert_eq!(finished.status, 1, "{finished:?}");
    assert!(finished.said.contains("http://127.0.0.1:1 did not answer"), "{finished:?}");
    assert_eq!(grafana.asked().last().unwrap(), LEAVING);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_asked() {
    let grafana = grafana(true, 200);
    let empty = tempfile::tempdir().unwrap();
    let finished = run(&grafana, &grafana.endpoint, &named(empty.path()));
    assert_eq!(finished.status, 2, "{finished:?}");
    assert!(finished.said.contains("there is no dashboard (*.json) in "), "{finished:?}");
    let finished = Finished::run(script(GRAFANA, &grafana.endpoint).args(["--url", "here"]));
    assert_eq!(finished.status, 2, "{finished:?}");
    assert!(finished.said.contains("terraform output grafana_workspace_id"), "{finished:?}");
    assert!(grafana.asked().is_empty());
}
