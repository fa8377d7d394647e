//! Clusters of every age. Their API servers are canned answers: no test can have a cluster of 1.28.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use emberscope_core::{AllSettings, ClusterState, Config};
use serde_json::json;

use super::*;
use crate::Intervals;

/// In place of nodes: the API server says that they may not be listed.
const FORBIDDEN: &[&str] = &["forbidden"];

/// A client of an API server of this minor version, whose nodes run these kubelets: one node to a
/// page.
fn client(minor: &'static str, kubelets: &'static [&'static str]) -> Client {
    let answer = move |request: Request<kube::client::Body>| async move {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default();
        let body = match uri.path() {
            "/version" => json!({
                "major": "1", "minor": minor, "gitVersion": "", "gitCommit": "",
                "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
            }),
            "/api/v1/nodes" if kubelets == FORBIDDEN => {
                let status =
                    json!({"code": 403, "reason": "Forbidden", "status": "Failure", "message": ""});
                let response = Response::builder().status(StatusCode::FORBIDDEN);
                return anyhow::Ok(response.body(Body::from(status.to_string()))?);
            }
            "/api/v1/nodes" => {
                let page: usize = query
                    .split_once("continue=")
                    .map_or(0, |(_, token)| token.split('&').next().unwrap().parse().unwrap());
                let more = page + 1 < kubelets.len();
                let node = |version: &&str| {
                    json!({"metadata": {"name": "n"}, "status": {"nodeInfo": {
                        "architecture": "", "bootID": "", "containerRuntimeVersion": "",
                        "kernelVersion": "", "kubeProxyVersion": "", "kubeletVersion": version,
                        "machineID": "", "operatingSystem": "", "osImage": "", "systemUUID": "",
                    }}})
                };
                let next = if more { (page + 1).to_string() } else { String::new() };
                json!({
                    "apiVersion": "v1", "kind": "NodeList", "metadata": {"continue": next},
                    "items": kubelets.get(page).map(node).into_iter().collect::<Vec<_>>(),
                })
            }
            path => panic!("{path} is not asked for"),
        };
        let response = Response::builder().status(StatusCode::OK);
        anyhow::Ok(response.body(Body::from(body.to_string()))?)
    };
    Client::new(tower::service_fn(answer), "default")
}

#[tokio::test]
async fn nodes_are_asked_page_by_page_where_the_version_does_not_tell() {
    use NativeSidecars::{Everywhere, NotEverywhere};
    for (minor, kubelets, expected) in [
        ("36", &[][..], Some(Everywhere)),
        ("36", FORBIDDEN, Some(Everywhere)),
        ("31", &["v1.31.0", "v1.29.3-eks-adc7111"], Some(Everywhere)),
        ("31", &["v1.31.0", "v1.31.0", "v1.28.9"], Some(NotEverywhere)),
        ("28", FORBIDDEN, Some(NotEverywhere)),
        // Without nodes nothing is known.
        ("30", &[], None),
        ("30", FORBIDDEN, None),
    ] {
        let answer = native_sidecars(&client(minor, kubelets)).await.ok();
        assert_eq!(answer, expected, "1.{minor} with {kubelets:?}");
    }
}

async fn refreshed(
    minor: &'static str,
    kubelets: &'static [&'static str],
    shared: &Shared,
) -> bool {
    Kubelets::of(client(minor, kubelets)).refresh(shared).await.is_ok()
}

fn unknown() -> Shared {
    let cluster =
        ClusterState { native_sidecars: NativeSidecars::Unknown, ..ClusterState::offline() };
    Shared::new(AllSettings::new(Config::default(), cluster), Intervals::default()).unwrap()
}

#[tokio::test]
async fn pods_are_left_alone_until_an_answer_comes_and_one_that_does_not_come_changes_nothing() {
    let shared = unknown();
    let known = || shared.settings.load().cluster.native_sidecars;
    assert!(!refreshed("30", &[], &shared).await);
    assert_eq!(known(), NativeSidecars::Unknown);
    assert!(refreshed("30", &["v1.30.1"], &shared).await);
    assert_eq!(known(), NativeSidecars::Everywhere);
    assert!(refreshed("30", &[], &shared).await);
    assert_eq!(known(), NativeSidecars::Everywhere);
    // An old node joins.
    assert!(refreshed("30", &["v1.30.1", "v1.28.1"], &shared).await);
    assert_eq!(known(), NativeSidecars::NotEverywhere);
}

/// Whoever may not list nodes will not be allowed to in two seconds: the certificate is looked after
/// all the same, and each pod is told.
#[tokio::test]
async fn a_refusal_leaves_pods_alone_and_is_no_reason_not_to_serve() {
    let shared = unknown();
    assert!(refreshed("31", FORBIDDEN, &shared).await);
    assert_eq!(shared.settings.load().cluster.native_sidecars, NativeSidecars::Unknown);
}
