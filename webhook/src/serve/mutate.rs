//! `POST /mutate`: an AdmissionReview in, an AdmissionReview out, always allowed.
//!
//! What is no review is answered with an error status and, in the body, a review that allows: no
//! client of this endpoint ever reads `allowed: false`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::post;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{debug, error, info, warn};

use super::Shared;
use super::phase::{Phase, Watch};
use crate::admit::{self, Admission, Verdict};
use crate::reason::Skip;
use crate::review::VERSION;
use crate::settings::AllSettings;

/// The most that an API server sends: object and old object of 3 MiB each, and the envelope.
pub const BODY_LIMIT: usize = 7 << 20;

/// For how long a body is waited for when the client does not say.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Room for the bodies that are being read or answered, in KiB: what the container's memory limit
/// leaves after the program itself.
const BODIES: u32 = 24 << 10;

/// What answers a review: [`admit::admit`], or in a test something worse.
type Admit = fn(&[u8], &AllSettings) -> Admission;

struct Handler {
    shared: Arc<Shared>,
    phase: Watch,
    room: Semaphore,
    admit: Admit,
}

/// The route.
pub fn router(shared: Arc<Shared>, phase: Watch) -> Router {
    routed(shared, phase, admit::admit)
}

fn routed(shared: Arc<Shared>, phase: Watch, admit: Admit) -> Router {
    let room = Semaphore::new(BODIES as usize);
    let handler = Arc::new(Handler { shared, phase, room, admit });
    Router::new()
        .route("/mutate", post(mutate))
        .fallback(async || closing(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || closing(StatusCode::METHOD_NOT_ALLOWED))
        .with_state(handler)
}

/// No API server asks for anything else, so whoever does is not given a place to keep.
fn closing(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn mutate(
    State(handler): State<Arc<Handler>>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Response<Body> {
    let shared = &handler.shared;
    let _in_flight = shared.metrics.enter();
    let (status, admission, took) =
        match tokio::time::timeout(patience(query.as_deref()), read(body, &handler.room)).await {
            Ok(Ok((body, _room))) => {
                let start = Instant::now();
                let admission = answer(&body, shared, handler.admit);
                let status = match admission.outcome.verdict {
                    Verdict::Skipped(Skip::UnreadableReview) => StatusCode::BAD_REQUEST,
                    _ => StatusCode::OK,
                };
                (status, admission, Some(start.elapsed()))
            }
            Ok(Err((status, why))) => (status, unread(&why), None),
            Err(_) => {
                let why = "the body did not arrive in time, or there was no room for it";
                (StatusCode::REQUEST_TIMEOUT, unread(why), None)
            }
        };
    shared.metrics.answered(status, &admission, took);
    log(&admission);
    let mut response = Response::new(Body::from(admission.body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if *handler.phase.borrow() != Phase::Running || status != StatusCode::OK {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Answers the review; even a bug answers `allowed: true`.
fn answer(body: &[u8], shared: &Shared, admit: Admit) -> Admission {
    let settings = shared.settings.load();
    catch_unwind(AssertUnwindSafe(|| admit(body, &settings))).unwrap_or_else(|_| {
        error!("a bug: the review could not be answered; the pod is admitted as it is");
        admit::refused(VERSION, &uid(body), Skip::InternalError, None)
    })
}

/// The uid of a review, with as little as possible that could go wrong.
fn uid(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Review {
        request: Request,
    }
    #[derive(Deserialize)]
    struct Request {
        uid: String,
    }
    serde_json::from_slice(body).map(|review: Review| review.request.uid).unwrap_or_default()
}

/// The body, and its place among those that there is room for.
async fn read(
    body: Body,
    room: &Semaphore,
) -> Result<(Bytes, SemaphorePermit<'_>), (StatusCode, String)> {
    let busy = |_| (StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down".to_owned());
    let too_large = || {
        let why = format!("the body is larger than {} MiB", BODY_LIMIT >> 20);
        (StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    let (mut body, mut parts, mut length) = (body, Vec::new(), 0);
    // Room is taken for what has come, not for what was announced: who sends nothing takes none.
    let mut place = room.acquire_many(0).await.map_err(busy)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            (StatusCode::BAD_REQUEST, format!("the body could not be read: {error}"))
        })?;
        let Ok(part) = frame.into_data() else { continue };
        length += part.len();
        if length > BODY_LIMIT {
            return Err(too_large());
        }
        let more = length.div_ceil(1024).saturating_sub(place.num_permits());
        place.merge(room.acquire_many(u32::try_from(more).unwrap_or(BODIES)).await.map_err(busy)?);
        parts.push(part);
    }
    let whole = match parts.len() {
        1 => parts.remove(0),
        _ => parts.concat().into(),
    };
    Ok((whole, place))
}

fn unread(why: &str) -> Admission {
    admit::refused(VERSION, "", Skip::UnreadableReview, Some(why))
}

/// For how long a body is waited for: an answer that says what was missing has to arrive while the
/// API server still waits for one.
fn patience(query: Option<&str>) -> Duration {
    let given = query.and_then(timeout).map_or(BODY_TIMEOUT, |timeout| timeout * 4 / 5);
    given.min(BODY_TIMEOUT)
}

/// The time that the API server gives: `timeout=2s`.
fn timeout(query: &str) -> Option<Duration> {
    query.split('&').find_map(|pair| go_duration(pair.strip_prefix("timeout=")?))
}

/// A duration as the API server writes it: `2s`, `1m30s`, `500ms`; whole numbers only.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u32 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        total += match &unit[..end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return None,
        }
        .checked_mul(number)?;
        rest = &unit[end..];
    }
    (!total.is_zero()).then_some(total)
}

fn log(admission: &Admission) {
    let outcome = &admission.outcome;
    let (pod, decision) = (&outcome.pod, outcome.verdict.code());
    match outcome.verdict {
        Verdict::Injected | Verdict::Repaired => {
            let partial: Vec<_> = outcome.partial.iter().map(|partial| partial.code()).collect();
            let profile = outcome.profile.as_deref();
            info!(%pod, decision, ?partial, profile, "admitted");
        }
        Verdict::Skipped(skip) if skip.warns() => {
            warn!(%pod, decision, why = outcome.warnings.first(), "admitted as it is");
        }
        Verdict::Skipped(_) => debug!(%pod, decision, "admitted as it is"),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use tokio::sync::watch;
    use tower::ServiceExt as _;

    use super::*;
    use crate::config::Config;

    const REVIEW: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/golden/admission/spark-3.5.6-driver/review.json"
    ));

    /// A body of which nothing ever comes.
    struct Never;

    impl axum::body::HttpBody for Never {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::task::Poll::Pending
        }
    }

    fn shared() -> Arc<Shared> {
        Arc::new(Shared::new(AllSettings::offline(Config::default())).unwrap())
    }

    fn phase() -> Watch {
        watch::channel(Phase::Running).1
    }

    async fn asked(router: &Router, body: Body) -> (StatusCode, serde_json::Value) {
        let request = Request::post("/mutate?timeout=2s").body(body).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_bug_is_one_allowed_answer_and_the_next_review_is_answered() {
        let shared = shared();
        let buggy = routed(Arc::clone(&shared), phase(), |body, settings| {
            assert!(!body.windows(7).any(|part| part == b"\"panic\""), "a bug");
            admit::admit(body, settings)
        });
        let request: serde_json::Value = serde_json::from_slice(REVIEW).unwrap();
        let mut bad = request.clone();
        bad["request"]["object"]["metadata"]["labels"]["panic"] = "panic".into();

        let (status, answer) = asked(&buggy, Body::from(bad.to_string())).await;
        assert_eq!(status, StatusCode::OK);
        let response = &answer["response"];
        assert_eq!(response["uid"], request["request"]["uid"]);
        assert_eq!((&response["allowed"], response.get("patch")), (&true.into(), None));
        assert_eq!(response["auditAnnotations"]["reasons"], "internal_error");

        let (_, answer) = asked(&buggy, Body::from(REVIEW)).await;
        assert!(answer["response"]["patch"].is_string());
        let page = String::from_utf8(shared.metrics.page()).unwrap();
        for line in [
            r#"emberscope_admission_decisions_total{decision="internal_error",role="none"} 1"#,
            r#"emberscope_admission_requests_total{code="200"} 2"#,
            "emberscope_admission_in_flight 0",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_answered_before_the_api_server_gives_up() {
        let start = tokio::time::Instant::now();
        let shared = shared();
        let (status, answer) = asked(&router(Arc::clone(&shared), phase()), Body::new(Never)).await;
        assert_eq!(start.elapsed(), Duration::from_millis(1600));
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(answer["response"]["allowed"], true);
        let page = String::from_utf8(shared.metrics.page()).unwrap();
        assert!(page.contains(r#"emberscope_admission_requests_total{code="408"} 1"#), "{page}");
    }

    /// Bodies that are announced and do not come take no room from one that does.
    #[tokio::test(start_paused = true)]
    async fn silent_bodies_hold_nobody_up() {
        let router = router(shared(), phase());
        let silent: Vec<_> = (0..100)
            .map(|_| {
                let router = router.clone();
                tokio::spawn(async move { asked(&router, Body::new(Never)).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let start = tokio::time::Instant::now();
        assert!(asked(&router, Body::from(REVIEW)).await.1["response"]["patch"].is_string());
        assert_eq!(start.elapsed(), Duration::ZERO);
        for one in silent {
            assert_eq!(one.await.unwrap().0, StatusCode::REQUEST_TIMEOUT);
        }
    }

    /// Room that a body took is free again, however its request ended: many times what there is
    /// room for comes through.
    #[tokio::test]
    async fn room_for_bodies_is_given_back() {
        let router = router(shared(), phase());
        for _ in 0..20 {
            let garbage = vec![b' '; BODY_LIMIT];
            assert_eq!(asked(&router, Body::from(garbage)).await.0, StatusCode::BAD_REQUEST);
            let too_large = vec![b' '; BODY_LIMIT + 1];
            let status = asked(&router, Body::from(too_large)).await.0;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    #[test]
    fn the_api_servers_timeout_is_understood() {
        for (text, millis) in [("2s", 2000), ("1m30s", 90_000), ("500ms", 500), ("1h", 3_600_000)] {
            let query = format!("dryRun=All&timeout={text}");
            assert_eq!(timeout(&query), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "2", "1.5s", "-1s", "0s", "2x", "99999999999s"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn the_uid_is_found_even_when_nothing_else_is() {
        assert_eq!(uid(br#"{"request": {"uid": "a", "object": {"spec": 1}}}"#), "a");
        assert_eq!(uid(b"garbage"), "");
    }
}
