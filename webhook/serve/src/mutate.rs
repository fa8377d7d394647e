//! `POST /mutate`: an AdmissionReview in, an AdmissionReview out, always allowed.
//!
//! What is no review is answered with an error status and, in the body, a review that allows: no
//! client of this endpoint ever reads `allowed: false`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::post;
use axum::{Extension, Router};
use emberscope_core::review::VERSION;
use emberscope_core::{Admission, AllSettings, Decision, Namespaces, Skip, admission};
use serde::Deserialize;
use tracing::{debug, error, info, warn};

use crate::Shared;
use crate::body;
use crate::lifecycle::{Phase, Watch};
use crate::peer::Peer;
use crate::room::Room;

/// What answers a review: [`admission::answer`], or in a test something worse.
type Answer = fn(&[u8], &AllSettings, &Namespaces) -> Admission;

struct Handler {
    shared: Arc<Shared>,
    phase: Watch,
    room: Arc<Room>,
    answer: Answer,
}

/// The route.
pub(crate) fn router(shared: Arc<Shared>, phase: Watch) -> Router {
    routed(shared, phase, admission::answer)
}

fn routed(shared: Arc<Shared>, phase: Watch, answer: Answer) -> Router {
    let handler = Arc::new(Handler { shared, phase, room: Room::new(), answer });
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
    peer: Option<Extension<Arc<Peer>>>,
    body: Body,
) -> Response<Body> {
    let shared = &handler.shared;
    let _in_flight = shared.metrics.enter();
    // There is one wherever there is a connection.
    let peer = peer.map(|Extension(peer)| peer).unwrap_or_default();
    let within = body::deadline(query.as_deref());
    let read = body::read(body, within, &handler.room, &peer).await;
    let (status, admission, took) = match read {
        Ok((body, _held)) => {
            let start = Instant::now();
            let mut admission = answer(&body, shared, handler.answer);
            if admission.tries().is_some_and(|fuse| !shared.take_turn(fuse)) {
                // Another executor was faster, and by now that is known.
                admission = answer(&body, shared, handler.answer);
            }
            let status = match admission.outcome.skip() {
                Some(Skip::UnreadableReview) => StatusCode::BAD_REQUEST,
                _ => StatusCode::OK,
            };
            (status, admission, Some(start.elapsed()))
        }
        Err(unread) => {
            let why = Some(unread.why);
            (unread.status, admission::refuse(VERSION, "", Skip::UnreadableReview, why), None)
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
fn answer(body: &[u8], shared: &Shared, answer: Answer) -> Admission {
    let (settings, known) = (shared.settings.load(), shared.namespaces.load());
    catch_unwind(AssertUnwindSafe(|| answer(body, &settings, &known))).unwrap_or_else(|_| {
        error!("a bug: the review could not be answered; the pod is admitted as it is");
        admission::refuse(VERSION, &uid(body), Skip::InternalError, None)
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

fn log(admission: &Admission) {
    let (pod, outcome) = (&admission.pod, &admission.outcome);
    let decision = outcome.code();
    match outcome.decision {
        Decision::Inject(_) | Decision::Repair { .. } => {
            let partial: Vec<_> = outcome.partial().iter().map(|one| one.code()).collect();
            let profile = outcome.profile.as_deref();
            info!(%pod, decision, ?partial, profile, "admitted");
        }
        Decision::Skip(skip) if skip.warns() => {
            warn!(%pod, decision, why = outcome.warnings().first(), "admitted as it is");
        }
        Decision::Skip(_) => debug!(%pod, decision, "admitted as it is"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Request;
    use bytes::Bytes;
    use emberscope_core::Config;
    use http_body_util::BodyExt as _;
    use tokio::sync::watch;
    use tower::ServiceExt as _;

    use super::*;

    const REVIEW: &[u8] = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/admission/spark-3.5.6-driver/review.json"
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

    /// A body of which 64 KiB come, and 4 MiB were announced.
    struct Half {
        sent: bool,
    }

    impl axum::body::HttpBody for Half {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            if std::mem::replace(&mut self.sent, true) {
                return std::task::Poll::Pending;
            }
            let some = Bytes::from(vec![b' '; 64 << 10]);
            std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(some))))
        }

        fn size_hint(&self) -> hyper::body::SizeHint {
            hyper::body::SizeHint::with_exact(4 << 20)
        }
    }

    fn shared() -> Arc<Shared> {
        Arc::new(
            Shared::new(AllSettings::offline(Config::default()), crate::Intervals::default())
                .unwrap(),
        )
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
        let buggy = routed(Arc::clone(&shared), phase(), |body, settings, known| {
            assert!(!body.windows(7).any(|part| part == b"\"panic\""), "a bug");
            admission::answer(body, settings, known)
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

    /// Bodies that are announced, of which half comes: they take no room from one that does come.
    #[tokio::test(start_paused = true)]
    async fn half_sent_bodies_hold_nobody_up() {
        let router = router(shared(), phase());
        let half: Vec<_> = (0..100)
            .map(|_| {
                let router = router.clone();
                let peer = Arc::new(Peer::default());
                let body = Body::new(Half { sent: false });
                let request = Request::post("/mutate").extension(Arc::clone(&peer)).body(body);
                tokio::spawn(async move {
                    tokio::select! {
                        answer = router.oneshot(request.unwrap()) => Some(answer.unwrap().status()),
                        () = peer.evicted() => None,
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(10)).await;
        let start = tokio::time::Instant::now();
        assert!(asked(&router, Body::from(REVIEW)).await.1["response"]["patch"].is_string());
        assert_eq!(start.elapsed(), Duration::ZERO, "an ordinary one");
        let mut large = REVIEW.to_vec();
        large.resize(3 << 20, b' ');
        let (status, answer) = asked(&router, Body::from(large)).await;
        assert_eq!(status, StatusCode::OK);
        assert!(answer["response"]["patch"].is_string());
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        let mut ends = Vec::new();
        for one in half {
            ends.push(one.await.unwrap());
        }
        ends.sort();
        ends.dedup();
        assert_eq!(ends, [None, Some(StatusCode::REQUEST_TIMEOUT)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_in_is_given_up_before_its_time_is_over() {
        let start = tokio::time::Instant::now();
        let router = router(shared(), phase());
        let request = Request::post("/mutate").body(Body::new(Half { sent: false })).unwrap();
        let status = router.oneshot(request).await.unwrap().status();
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }

    /// Room that a body took is free again, however its request ended: many times what there is
    /// room for comes through.
    #[tokio::test]
    async fn room_for_bodies_is_given_back() {
        let router = router(shared(), phase());
        for _ in 0..20 {
            let garbage = vec![b' '; body::LIMIT];
            assert_eq!(asked(&router, Body::from(garbage)).await.0, StatusCode::BAD_REQUEST);
            let too_large = vec![b' '; body::LIMIT + 1];
            let status = asked(&router, Body::from(too_large)).await.0;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    #[test]
    fn the_uid_is_found_even_when_nothing_else_is() {
        assert_eq!(uid(br#"{"request": {"uid": "a", "object": {"spec": 1}}}"#), "a");
        assert_eq!(uid(b"garbage"), "");
    }
}
