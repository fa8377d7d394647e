//! What is answered to which request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::page::Page;
use crate::args::Role;
use crate::exposition::encode;
use crate::scrape::{Scraper, deadline};

/// What the answers are made of.
#[derive(Debug, Clone)]
pub struct Site {
    /// Makes the page.
    pub scraper: Arc<Scraper>,
    /// For the landing page.
    pub role: Role,
}

/// The three paths and their answers.
pub fn routes(site: Site) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/", get(landing))
        .fallback(async || (StatusCode::NOT_FOUND, "there are /metrics, /healthz and /\n"))
        .with_state(site)
}

async fn metrics(State(site): State<Site>, headers: HeaderMap) -> Response {
    let timeout = headers.get(deadline::HEADER).and_then(|value| value.to_str().ok());
    let Some(answer) = site.scraper.answer(deadline::budget(timeout)).await else {
        let sentence = "the scrape failed by a defect; the log has its message\n";
        return (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response();
    };
    let body = Page::new(answer.text, answer.is_final, site.scraper);
    let head = [(CONTENT_TYPE, encode::TEXT), (CACHE_CONTROL, "no-store")];
    // The loan is for the connection, which cuts off who does not read.
    (Extension(answer.loan), head, Body::new(body)).into_response()
}

async fn landing(State(site): State<Site>) -> Html<String> {
    let (role, version) = (site.role.as_str(), env!("CARGO_PKG_VERSION"));
    Html(format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Emberscope sidecar</title></head>
<body>
<h1>Emberscope sidecar</h1>
<p>Figures of the Spark {role} in this pod, of its container and of its processes, for Prometheus.</p>
<ul>
<li><a href=\"/metrics\">/metrics</a>: one scrape</li>
<li><a href=\"/healthz\">/healthz</a>: 200 while the sidecar lives</li>
</ul>
<p>Version {version}, role {role}.</p>
</body>
</html>
"
    ))
}
