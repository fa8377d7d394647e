//! The one [`Life`], shared by those who learn something about it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::{Evidence, Life, Signs};

/// A life that scrapes, the server and the watch share.
#[derive(Debug)]
pub struct Ending {
    life: Mutex<Life>,
    changed: Notify,
}

impl Ending {
    /// Shares a life.
    #[must_use]
    pub fn new(life: Life) -> Self {
        Self { life: Mutex::new(life), changed: Notify::new() }
    }

    /// A round of the sources is over; whether Spark has ended, as far as is known now.
    pub fn observe(&self, signs: Signs) -> Option<Evidence> {
        self.change(|life| {
            life.observe(signs, Instant::now());
            life.ended()
        })
    }

    /// A whole page that was made after the end has been sent.
    pub fn taken(&self) {
        self.change(Life::taken);
    }

    /// Somebody can reach the page from now on.
    pub fn serves(&self) {
        self.change(Life::serves);
    }

    /// Whether Spark has been seen at all.
    pub fn has_seen_spark(&self) -> bool {
        self.lock().has_seen_spark()
    }

    /// Changes the life, and wakes the watch.
    fn change<T>(&self, change: impl FnOnce(&mut Life) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_one();
        result
    }

    /// Waits for a change.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The life itself, for the watch: it needs no waking.
    pub(super) fn lock(&self) -> MutexGuard<'_, Life> {
        // Every change leaves a valid life behind, a panic in between included.
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
