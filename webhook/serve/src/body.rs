//! A request's body, read while there is room and time for it.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most that an API server sends: object and old object of 3 MiB each, and the envelope.
pub(crate) const LIMIT: usize = 7 << 20;

/// For how long a body is waited for when the client does not say.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Room for the bodies that are being read or answered, in KiB: what the container's memory limit
/// leaves after the program itself.
const ROOM: u32 = 24 << 10;

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

/// Room for bodies, shared by all requests.
#[derive(Debug)]
pub(crate) struct Room(Semaphore);

impl Room {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(ROOM as usize))
    }

    /// The body, and its place among those that there is room for.
    pub(crate) async fn read(
        &self,
        body: Body,
        within: Duration,
    ) -> Result<(Bytes, SemaphorePermit<'_>), Unread> {
        tokio::time::timeout(within, self.collect(body)).await.unwrap_or_else(|_| {
            let why = "the body did not arrive in time, or there was no room for it";
            Err(Unread::new(StatusCode::REQUEST_TIMEOUT, why))
        })
    }

    async fn collect(&self, mut body: Body) -> Result<(Bytes, SemaphorePermit<'_>), Unread> {
        if body.size_hint().lower() > LIMIT as u64 {
            return Err(Unread::too_large());
        }
        let (mut parts, mut length) = (Vec::new(), 0);
        // Room is taken for what has come, not for what was announced: who sends nothing takes none.
        let mut place = self.take(0).await?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                let why = format!("the body could not be read: {error}");
                Unread::new(StatusCode::BAD_REQUEST, why)
            })?;
            let Ok(part) = frame.into_data() else { continue };
            length += part.len();
            if length > LIMIT {
                return Err(Unread::too_large());
            }
            let more = length.div_ceil(1024).saturating_sub(place.num_permits());
            place.merge(self.take(u32::try_from(more).unwrap_or(ROOM)).await?);
            parts.push(part);
        }
        let whole = match parts.len() {
            1 => parts.remove(0),
            _ => parts.concat().into(),
        };
        Ok((whole, place))
    }

    async fn take(&self, kibibytes: u32) -> Result<SemaphorePermit<'_>, Unread> {
        self.0.acquire_many(kibibytes).await.map_err(|_| {
            Unread::new(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down")
        })
    }
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
