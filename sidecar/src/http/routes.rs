//! What is answered to which request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, USER_AGENT,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};

use super::body::{Coding, MetricsBody};
use super::conversation::Peer;
use crate::args::Role;
use crate::exposition::{Format, takes_gzip};
use crate::scrape::{Scraper, Selection, Text, deadline};
use crate::shutdown::{Asked, Shutdown};

/// What the answers are made of.
#[derive(Debug, Clone)]
pub(crate) struct RouteState {
    /// Makes the page.
    pub(crate) scraper: Arc<Scraper>,
    /// Learns who scrapes.
    pub(crate) shutdown: Arc<Shutdown>,
    /// For the landing page.
    pub(crate) role: Role,
}

/// The three paths and their answers.
pub(crate) fn routes(state: RouteState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/", get(landing))
        .fallback(async || (StatusCode::NOT_FOUND, "there are /metrics, /healthz and /\n"))
        .with_state(state)
}

async fn metrics(
    State(state): State<RouteState>,
    Extension(peer): Extension<Peer>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let selection = Selection::of_query(query.as_deref());
    let is_whole = selection.is_everything() && method == Method::GET;
    let patience = deadline::named(&headers);
    if is_whole {
        let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        state.shutdown.asked(Asked {
            connection: peer.connection,
            address: peer.address,
            agent: agent.unwrap_or_default(),
            names_its_timeout: patience.is_some(),
        });
    }
    let answer = state.scraper.answer(deadline::budget(patience)).await;
    let format = Format::wanted(list_of(&headers, ACCEPT).as_deref());
    let gzip = takes_gzip(list_of(&headers, ACCEPT_ENCODING).as_deref());
    // Who asks for a part has not taken the last values.
    let last_values = (answer.is_final && is_whole).then_some(peer.conversation);
    let text = Text::new(answer.page, selection, format);
    let coding = if gzip { Coding::gzip() } else { Coding::Identity };
    let body = MetricsBody::new(text, coding, last_values, state.scraper);
    let head = [
        (CONTENT_TYPE, format.media_type()),
        (CACHE_CONTROL, "no-store"),
        (VARY, "Accept, Accept-Encoding"),
    ];
    // The lease is for the connection, which cuts off who does not read.
    let mut response = (Extension(answer.lease), head, Body::new(body)).into_response();
    if gzip {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The lines of a header that is a list, as one
/// (<https://www.rfc-editor.org/rfc/rfc9110#section-5.3>).
fn list_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

async fn landing(State(state): State<RouteState>) -> Html<String> {
    let (role, version) = (state.role.as_str(), env!("CARGO_PKG_VERSION"));
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
