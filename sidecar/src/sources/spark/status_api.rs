//! Spark's status API, `/api/v1` of its UI: which stages, how skewed, what became of them.
//!
//! ```text
//! plan -> client -> skim -> fields -+-> names --+
//!                                   +-> figures +-> ledger -> families
//!                                   +-> summary +
//!                                   +-> settings, losses, failures, queries
//! ```
//!
//! Spark pays for each answer with its driver's time, so it is asked by a task of the source's own, which
//! keeps to a `plan`; a scrape takes what is known by then and asks nothing. What is known is an
//! [`Account`] of bounded size, whatever Spark answers.
//!
//! Spark closes its UI first when it stops. What is served from then on is completed from what Spark
//! pushes after that.

mod account;
mod application;
mod failures;
mod families;
mod fields;
mod figures;
mod ledger;
mod losses;
mod names;
mod plan;
mod queries;
mod settings;
mod settled;
pub mod skim;
mod stages;
mod summary;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::Uri;
use tracing::debug;

pub use account::Account;
pub use families::documented;
pub use plan::Question;

use super::Wanted;
use super::client::{self, Client, Endpoint, Extent, FetchError};
use super::push::Store;
use crate::lock::lock;
use crate::sources::{Read, Reading, Source};
use account::Asked;
use figures::Figures;
use plan::Next;

/// Nobody waits longer for an answer.
const LONGEST: Duration = Duration::from_mins(1);

/// Nor for the first one: a Spark that is about to start may never answer what it was asked then.
const LONGEST_AT_FIRST: Duration = Duration::from_secs(15);

/// Spark's status API as a source.
#[derive(Debug)]
pub struct StatusApi {
    client: Arc<Client>,
    wanted: Arc<Wanted>,
    /// What Spark pushes.
    store: Arc<Store>,
    account: Mutex<Account>,
    /// Where the application was told: it is asked there until it is told elsewhere, wherever other pages
    /// of Spark's are.
    answered: Mutex<Option<SocketAddr>>,
}

impl StatusApi {
    /// The source's name.
    pub const NAME: &str = "status_api";

    /// The API of the Spark that this client finds.
    #[must_use]
    pub fn new(client: Arc<Client>, wanted: Arc<Wanted>, store: Arc<Store>) -> Self {
        let account = Mutex::new(Account::new(Instant::now()));
        Self { client, wanted, store, account, answered: Mutex::default() }
    }

    /// Asks Spark what there is to ask, when there is; never returns.
    pub async fn ask_now_and_then(self: Arc<Self>) {
        loop {
            let next = lock(&self.account).next(Instant::now());
            match next {
                Next::Ask(question) => {
                    let mut asked = lock(&self.account).ask(question);
                    let began = Instant::now();
                    let answered = self.ask(&mut asked).await;
                    let now = Instant::now();
                    debug!(question = asked.path(), took = ?(now - began), "asked");
                    lock(&self.account).answered(asked, answered, now - began, now);
                }
                Next::Wait(until) => tokio::time::sleep_until(until.into()).await,
            }
        }
    }

    /// Asks, and takes what is answered as it comes.
    async fn ask(&self, asked: &mut Asked) -> Result<Extent, FetchError> {
        let path: Option<Uri> = asked.path().and_then(|path| path.parse().ok());
        let there = path.zip(*lock(&self.answered));
        let longest = if there.is_some() { LONGEST } else { LONGEST_AT_FIRST };
        let deadline = tokio::time::Instant::now() + longest;
        let mut take = |piece: &[u8]| lock(&self.account).take(asked, piece);
        if let Some((path, address)) = there {
            return Client::stream_json(address, path, deadline, take).await;
        }
        let told = self.client.fetch_from_somewhere(Endpoint::Applications, deadline).await;
        let (answer, address) = told?;
        *lock(&self.answered) = Some(address);
        take(&answer);
        Ok(Extent::Whole)
    }

    /// Whether Spark has answered and has closed its UI since.
    fn has_closed(&self) -> bool {
        lock(&self.answered).is_some_and(|address| !client::is_listening(address))
    }

    /// What all stages have done together, as Spark has pushed it.
    fn pushed(&self) -> Figures {
        let all = |key: &str| self.store.total(key, &self.wanted);
        // Executors push to sidecars of their own where they have pods of their own.
        let is_complete = all("executor.succeededTasks.count")
            .is_some_and(|tasks| Some(tasks) == all("appStatus.tasks.completedTasks.count"));
        Figures::of(|figure| {
            let key = figure.pushed?;
            let total = all(key).filter(|_| is_complete || !key.starts_with("executor."))?;
            // Spark's are whole numbers.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            (total >= 0.0).then_some(total as u64)
        })
    }
}

impl Source for StatusApi {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reasons(&self) -> &'static [&'static str] {
        &FetchError::REASONS
    }

    fn read(self: Arc<Self>) -> Read {
        Box::pin(async move {
            let has_closed = self.has_closed();
            let mut account = lock(&self.account);
            if has_closed {
                account.closed();
            }
            if let Some(failure) = account.failure().cloned() {
                return Err(failure.with(account.repairs()));
            }
            Ok(Reading { shows_spark: true, ..account.reading() })
        })
    }

    /// What it knows when Spark has closed its UI, which it does not open again.
    fn in_place_of(&self, source: &'static str) -> Option<Reading> {
        if source != Self::NAME || !self.has_closed() {
            return None;
        }
        let reading = lock(&self.account).last_reading(&self.pushed())?;
        Some(Reading { shows_spark: true, ..reading })
    }
}

#[cfg(test)]
mod tests;
