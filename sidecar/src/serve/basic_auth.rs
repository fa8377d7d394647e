//! Basic authentication (<https://www.rfc-editor.org/rfc/rfc7617>) against bcrypt hashes.
//!
//! ```text
//! Authorization -> credentials -> remembered? ------------------------------------> let in
//!                       |               +--> a place? -> its turn -> bcrypt --right--^
//!                       +-- none -> 401      +-- none left -> 429       +--wrong -> 401
//! ```
//!
//! bcrypt is dear on purpose, and the CPU is the job's. Who was right once is remembered, and pays
//! nothing again; checks take turns, and after a wrong password there is a rest, so that a flood of
//! them takes a part of one core and leaves the scrape its own.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::SystemRandom;
use tokio::sync::oneshot;
use tracing::debug;

use super::WebConfigError;
use super::password::PasswordHash;
use super::turns::{Place, Turns};

/// How many are remembered, in 32 bytes each; when there is no room, all are forgotten.
const REMEMBERED: usize = 1024;

/// The rest after a wrong password, as a multiple of the time that the check took.
const REST: u32 = 3;

/// No rest is longer.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// Who may see the page.
pub(super) struct Users {
    hashes: BTreeMap<String, PasswordHash>,
    /// Checked for users that there are not, so that they cannot be told from those that there are.
    decoy: PasswordHash,
    turns: Turns,
    /// Under a key that nobody else knows: what is remembered is of no use outside.
    remembering: hmac::Key,
    remembered: Mutex<HashSet<[u8; 32]>>,
}

/// A name and a password.
struct Credentials {
    user: String,
    password: Vec<u8>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No credentials, or wrong ones.
    Unauthorized,
    /// So many credentials are being checked already.
    Busy,
}

impl Users {
    /// These users, with nobody remembered.
    pub(super) fn new(hashes: BTreeMap<String, PasswordHash>) -> Result<Self, WebConfigError> {
        let dearest = hashes.values().map(PasswordHash::cost).max().unwrap_or_default();
        let remembering = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| WebConfigError::Random)?;
        Ok(Self {
            hashes,
            decoy: PasswordHash::decoy(dearest),
            turns: Turns::new(),
            remembering,
            remembered: Mutex::default(),
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.hashes.len()
    }

    /// Lets the sender of a request in, or not.
    pub(super) async fn admit(
        self: &Arc<Self>,
        headers: &HeaderMap,
        client: IpAddr,
    ) -> Result<(), Refusal> {
        let header = headers.get(AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
        let credentials = header.and_then(Credentials::read).ok_or(Refusal::Unauthorized)?;
        if self.remembers(&self.mark(&credentials)) {
            return Ok(());
        }
        let place = self.turns.place(client).ok_or(Refusal::Busy)?;
        let (verdict, told) = oneshot::channel();
        // On its own: if the client has no patience, what was paid for is remembered all the same.
        tokio::spawn(Arc::clone(self).judge(credentials, place, verdict));
        // Nobody tells if the check has panicked.
        if told.await.unwrap_or(false) { Ok(()) } else { Err(Refusal::Unauthorized) }
    }

    async fn judge(
        self: Arc<Self>,
        credentials: Credentials,
        place: Place,
        verdict: oneshot::Sender<bool>,
    ) {
        let Some(_turn) = place.turn().await else {
            return;
        };
        let mark = self.mark(&credentials);
        // Another request of the same client may have been first.
        let is_right = self.remembers(&mark) || {
            let began = Instant::now();
            let users = Arc::clone(&self);
            let check = tokio::task::spawn_blocking(move || users.are_right(&credentials));
            let is_right = check.await.unwrap_or(false);
            if !is_right {
                debug!("credentials that are wrong");
                let _ = verdict.send(false);
                tokio::time::sleep((began.elapsed() * REST).min(LONGEST_REST)).await;
                return;
            }
            true
        };
        self.remember(mark);
        let _ = verdict.send(is_right);
    }

    /// Takes as long for a user that there is not.
    fn are_right(&self, Credentials { user, password }: &Credentials) -> bool {
        let hash = self.hashes.get(user);
        let is_right = hash.unwrap_or(&self.decoy).is_of(password);
        is_right && hash.is_some()
    }

    /// What is remembered of credentials.
    fn mark(&self, Credentials { user, password }: &Credentials) -> [u8; 32] {
        let mut signed = hmac::Context::with_key(&self.remembering);
        // The length keeps apart what would read alike.
        signed.update(&user.len().to_be_bytes());
        signed.update(user.as_bytes());
        signed.update(password);
        let mut mark = [0; 32];
        mark.copy_from_slice(signed.sign().as_ref());
        mark
    }

    fn remembers(&self, mark: &[u8; 32]) -> bool {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).contains(mark)
    }

    fn remember(&self, mark: [u8; 32]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(mark);
    }
}

impl fmt::Debug for Users {
    /// Never shows what is remembered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("hashes", &self.hashes).finish_non_exhaustive()
    }
}

impl Credentials {
    /// `Basic`, a space, and name and password in Base64 with a colon between them.
    fn read(header: &[u8]) -> Option<Self> {
        let (scheme, rest) = header.split_at_checked(5)?;
        if !scheme.eq_ignore_ascii_case(b"basic") || !rest.starts_with(b" ") {
            return None;
        }
        let decoded = STANDARD.decode(rest.trim_ascii()).ok()?;
        let colon = memchr::memchr(b':', &decoded)?;
        let user = std::str::from_utf8(&decoded[..colon]).ok()?.to_owned();
        Some(Self { user, password: decoded[colon + 1..].to_vec() })
    }
}

impl Refusal {
    /// The answer. The connection ends with it: who comes again waits for a place like others.
    pub(super) fn answer(self) -> Response<Body> {
        let close = (CONNECTION, "close");
        match self {
            Self::Unauthorized => {
                let head = [close, (WWW_AUTHENTICATE, "Basic")];
                (StatusCode::UNAUTHORIZED, head, "Unauthorized\n").into_response()
            }
            Self::Busy => {
                let head = [close, (RETRY_AFTER, "1")];
                let sentence = "too many passwords are being checked; try again\n";
                (StatusCode::TOO_MANY_REQUESTS, head, sentence).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests;
