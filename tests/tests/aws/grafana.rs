//! `manifests/aws/grafana.sh`, against answers as Grafana and its AWS API give them.

use std::fs;

use serde_json::{Value, json};

use crate::script::{Finished, script};
use crate::stand_in::StandIn;

const GRAFANA: &str = "manifests/aws/grafana.sh";
const LEAVING: &str = "DELETE /workspaces/g-1234567890/serviceaccounts/7";

/// Both APIs; the data source is new, or there already.
fn grafana(known: bool, takes_dashboards: bool) -> StandIn {
    StandIn::open(move |request| match request {
        "POST /workspaces/g-1234567890/serviceaccounts" => Some(json!({ "id": "7" })),
        "POST /workspaces/g-1234567890/serviceaccounts/7/tokens" => {
            Some(json!({ "serviceAccountToken": { "id": "1", "key": "glsa_secret" } }))
        }
        LEAVING | "POST /api/datasources" => Some(json!({})),
        "PUT /api/datasources/uid/emberscope" => known.then(|| json!({})),
        "POST /api/dashboards/db" => takes_dashboards.then(|| json!({})),
        _ => None,
    })
}

fn run(grafana: &StandIn, dashboards: &str) -> Finished {
    let mut command = script(GRAFANA, &grafana.endpoint);
    command.args(["--workspace-id", "g-1234567890", "--url", &grafana.endpoint]);
    command.args(["--region", "eu-west-1", "--dashboards", dashboards]);
    command
        .args(["--query-url", "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/"]);
    Finished::run(&mut command)
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

#[test]
fn grafana_gets_the_data_source_and_every_dashboard_and_nothing_is_left_behind() {
    let folder = dashboards();
    let grafana = grafana(false, true);
    let finished = run(&grafana, folder.path().to_str().unwrap());
    assert_eq!(finished.status, 0, "{finished:?}");

    let source = &grafana.sent("POST /api/datasources")[0];
    assert_eq!(source["uid"], "emberscope");
    assert_eq!(source["url"], "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1");
    assert_eq!(source["jsonData"]["sigV4Region"], "eu-west-1");
    assert_eq!(source["jsonData"]["sigV4Auth"], true);
    let sent = grafana.sent("POST /api/dashboards/db");
    let uids: Vec<&Value> = sent.iter().map(|sent| &sent["dashboard"]["uid"]).collect();
    assert_eq!(uids, ["job", "overview"]);
    assert!(sent.iter().all(|sent| sent["overwrite"] == true));
    let token = &grafana.sent("POST /workspaces/g-1234567890/serviceaccounts/7/tokens")[0];
    assert_eq!(token["secondsToLive"], 900);
    assert_eq!(grafana.asked().last().unwrap(), LEAVING);
    assert!(!format!("{finished:?}").contains("glsa_secret"));
}

#[test]
fn a_data_source_that_is_there_is_changed_and_a_refusal_is_shown_and_leaves_nothing_behind() {
    let folder = dashboards();
    let grafana = grafana(true, false);
    let finished = run(&grafana, folder.path().to_str().unwrap());
    assert_eq!(finished.status, 1, "{finished:?}");
    let said = "Grafana refused job.json with status 404: {\"message\":\"there is no such thing\"}";
    assert!(finished.said.contains(said), "{finished:?}");
    assert!(grafana.sent("POST /api/datasources").is_empty());
    assert_eq!(grafana.asked().last().unwrap(), LEAVING);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_asked() {
    let grafana = grafana(true, true);
    let empty = tempfile::tempdir().unwrap();
    let finished = run(&grafana, empty.path().to_str().unwrap());
    assert_eq!(finished.status, 2, "{finished:?}");
    assert!(finished.said.contains("there is no dashboard (*.json) in "), "{finished:?}");
    let finished = Finished::run(script(GRAFANA, &grafana.endpoint).args(["--url", "here"]));
    assert_eq!(finished.status, 2, "{finished:?}");
    assert!(finished.said.contains("terraform output grafana_workspace_id"), "{finished:?}");
    assert!(grafana.asked().is_empty());
}
