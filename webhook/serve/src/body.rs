//! A request's body, read when there is room for it and while it comes.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use crate::peer::{Peer, Stage};
use crate::room::{Held, Room};

/// The most that an API server sends: object and old object of 3 MiB each, and the envelope.
pub(crate) const LIMIT: usize = 7 << 20;

/// For how long a body is waited for when the client does not say.
const TIMEOUT: Duration = Duration::from_secs(10);

/// For how long a body may be slow.
const GRACE: Duration = Duration::from_secs(2);

/// From then on a body has to have come as fast as this since its begin, in bytes a second.
const SLOWEST: usize = 64 << 10;

/// Why a body was not read.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) status: StatusCode,
    pub(crate) why: String,
}

impl Unread {
    fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    fn too_large() -> Self {
        let why = format!("the body is larger than {} MiB", LIMIT >> 20);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    }
}

/// The body, and the room that it takes.
pub(crate) async fn read(
    body: Body,
    within: Duration,
    room: &Arc<Room>,
    peer: &Arc<Peer>,
) -> Result<(Bytes, Held), Unread> {
    timeout(within, collect(body, room, peer)).await.unwrap_or_else(|_| {
        let why = "the body did not arrive in time, or there was no room for it";
        Err(Unread::new(StatusCode::REQUEST_TIMEOUT, why))
    })
}

async fn collect(
    mut body: Body,
    room: &Arc<Room>,
    peer: &Arc<Peer>,
) -> Result<(Bytes, Held), Unread> {
    let hint = body.size_hint();
    if hint.lower() > LIMIT as u64 {
        return Err(Unread::too_large());
    }
    // Who does not say how much will come (no API server) waits for room for the most.
    let announced = hint.exact().and_then(|exact| usize::try_from(exact).ok()).unwrap_or(LIMIT);
    let held = room.take(announced, peer).await;
    let start = Instant::now();
    let mut whole = Vec::new();
    loop {
        let in_time = GRACE + Duration::from_millis((whole.len() * 1000 / SLOWEST) as u64);
        let frame = timeout_at(start + in_time, body.frame()).await.map_err(|_| {
            let why = "the body did not arrive in time: it came too slowly";
            Unread::new(StatusCode::REQUEST_TIMEOUT, why)
        })?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| {
            let why = format!("the body could not be read: {error}");
            Unread::new(StatusCode::BAD_REQUEST, why)
        })?;
        let Ok(part) = frame.into_data() else { continue };
        if whole.len() + part.len() > LIMIT {
            return Err(Unread::too_large());
        }
        if whole.is_empty() {
            whole.reserve_exact(announced.max(part.len()).min(LIMIT));
        }
        whole.extend_from_slice(&part);
    }
    peer.enter(Stage::Answering);
    Ok((whole.into(), held))
}

/// For how long a body is waited for: an answer that says what was missing has to arrive while the
/// API server still waits for one, for as long as it says in the query (`timeout=2s`).
pub(crate) fn deadline(query: Option<&str>) -> Duration {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let given = pairs.find(|(key, _)| key == "timeout").and_then(|(_, value)| duration(&value));
    given.map_or(TIMEOUT, |given| given * 4 / 5).min(TIMEOUT)
}

/// A duration as Go writes it, if it is one.
fn duration(text: &str) -> Option<Duration> {
    // The parser panics on what overflows or is negative within.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let parsed: kube::core::Duration =
        (text.len() < 12 && text.chars().all(plain)).then(|| text.parse().ok())??;
    Some(parsed.into()).filter(|duration: &Duration| !duration.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_servers_timeout_is_understood_and_some_of_it_left() {
        for (text, millis) in [("2s", 1600), ("500ms", 400), ("1.5s", 1200), ("1m30s", 10_000)] {
            let query = format!("dryRun=All&timeout={text}");
            assert_eq!(deadline(Some(&query)), Duration::from_millis(millis), "{text}");
        }
        for text in ["", "s", "2", "-1s", "2s-1s", "0s", "2x", "infs", "99999999999999999999h"] {
            assert_eq!(deadline(Some(&format!("timeout={text}"))), TIMEOUT, "{text}");
        }
        assert_eq!(deadline(None), TIMEOUT);
    }

    #[test]
    fn no_text_is_too_much_for_the_parser() {
        for digits in 1..40 {
            for unit in ["h", "m", "s", "ns"] {
                let _ = deadline(Some(&format!("timeout={}{unit}", "9".repeat(digits))));
            }
        }
    }
}
