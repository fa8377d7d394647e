//! Clusters of every age. Their API servers are canned answers: no test can have a cluster of 1.28.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use serde_json::json;

use super::*;

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
async fn sidecars_are_native_only_where_every_kubelet_knows_them() {
    use NativeSidecars::{Everywhere, NotEverywhere};
    for (minor, kubelets, expected) in [
        // Kubelets may be three versions behind: from 1.32 on nodes are not even asked.
        ("36", &[][..], Some(Everywhere)),
        ("36", FORBIDDEN, Some(Everywhere)),
        ("32+", &["v1.27.0"], Some(Everywhere)),
        ("31", &["v1.31.0", "v1.29.3-eks-adc7111"], Some(Everywhere)),
        ("31", &["v1.31.0", "v1.31.0", "v1.28.9"], Some(NotEverywhere)),
        ("29+", &["v1.29.0"], Some(Everywhere)),
        ("29", &["unknown"], Some(NotEverywhere)),
        ("28", &["v1.28.0"], Some(NotEverywhere)),
        // Without nodes nothing is known.
        ("30", &[], None),
        ("30", FORBIDDEN, None),
    ] {
        let answer = ask(&client(minor, kubelets)).await.ok();
        assert_eq!(answer, expected, "1.{minor} with {kubelets:?}");
    }
}

#[tokio::test]
async fn pods_are_left_alone_until_an_answer_comes_and_one_that_does_not_come_changes_nothing() {
    let settings = AllSettings::new(crate::config::Config::default(), NativeSidecars::Unknown);
    let shared = Shared::new(settings).unwrap();
    let known = || shared.settings.load().native_sidecars;
    let silent = client("30", &[]);
    assert!(refresh(&silent, &shared).await.is_err());
    assert_eq!(known(), NativeSidecars::Unknown);
    refresh(&client("30", &["v1.30.1"]), &shared).await.unwrap();
    assert_eq!(known(), NativeSidecars::Everywhere);
    refresh(&silent, &shared).await.unwrap();
    assert_eq!(known(), NativeSidecars::Everywhere);
    // An old node joins.
    refresh(&client("30", &["v1.30.1", "v1.28.1"]), &shared).await.unwrap();
    assert_eq!(known(), NativeSidecars::NotEverywhere);
}

/// Whoever may not list nodes will not be allowed to in two seconds: the certificate is looked after
/// all the same, and each pod is told.
#[tokio::test]
async fn a_refusal_leaves_pods_alone_and_is_no_reason_not_to_serve() {
    let settings = AllSettings::new(crate::config::Config::default(), NativeSidecars::Unknown);
    let shared = Shared::new(settings).unwrap();
    refresh(&client("31", FORBIDDEN), &shared).await.unwrap();
    assert_eq!(shared.settings.load().native_sidecars, NativeSidecars::Unknown);
}

#[test]
fn versions_are_read_as_clouds_write_them() {
    assert_eq!([number("29+"), number("1"), number("")], [29, 1, 0]);
    assert_eq!(minor_of("v1.29.3-eks-adc7111"), Some(29));
    assert_eq!(minor_of("unknown"), None);
}
