//! When the sidecar ends: when the kubelet says so, once the last values were taken, and never much
//! later.
//!
//! [`ShutdownState`] is the whole decision, over values and instants that are handed in;
//! [`Shutdown`] shares it between the scrapes, which see Spark, and [`Signals`].
//!
//! The sidecar is a native one, an init container with `restartPolicy: Always`: the kubelet sends it
//! SIGTERM after Spark's container has ended, and starts it again if it ends before that
//! (<https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/>). So SIGTERM alone ends
//! it. What it sees of Spark decides which values are the last ones, the strongest evidence first:
//!
//! | evidence | needs | says ended |
//! |---|---|---|
//! | Spark's JVM | a shared PID namespace | seen before, and now gone |
//! | SIGTERM | nothing | at once, unless the JVM is seen to run |
//!
//! Who is waited for ([`scrapers`]):
//!
//! | who | how long after SIGTERM |
//! |---|---|
//! | a scraper that came regularly and does not have the last values | its own interval and a second |
//! | one that came once, and keeps its connection | the linger time |
//! | as many as there are by configuration, while the pod is young | the linger time |
//! | the same in an old pod that is scraped | the slowest scraper's interval and a second |
//! | anybody else | not at all |
//!
//! Nobody is waited for longer than the linger time.

mod scrapers;
mod signals;
mod state;

use std::sync::Mutex;
use std::time::Instant;

use tokio::sync::Notify;

pub use scrapers::Asked;
pub use signals::Signals;
pub use state::{Jvm, Linger, ShutdownState, Signs, Step, Why};

use crate::container_exit::Evidence;
use crate::lock::lock;

/// The state that scrapes, the server and the signals share.
#[derive(Debug)]
pub struct Shutdown {
    state: Mutex<ShutdownState>,
    changed: Notify,
}

impl Shutdown {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(linger: Linger) -> Self {
        let state = ShutdownState::new(linger, Instant::now());
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// A scrape has seen this; whether Spark has ended, as far as is known now.
    pub fn observe(&self, signs: Signs) -> Option<Evidence> {
        self.change(|state| {
            state.observe(signs, Instant::now());
            state.ended()
        })
    }

    /// Somebody asks for the whole page.
    pub fn asked(&self, asked: Asked<'_>) {
        self.change(|state| state.asked(asked, Instant::now()));
    }

    /// A whole page that was made after the end has reached who asked on that connection.
    pub fn taken(&self, connection: u64) {
        self.change(|state| state.taken(connection));
    }

    /// A connection is closed.
    pub fn closed(&self, connection: u64) {
        self.change(|state| state.closed(connection));
    }

    /// The page can be had from now on.
    pub fn serves(&self) {
        self.change(|state| state.serves(Instant::now()));
    }

    /// Whether Spark has been seen at all.
    pub fn has_seen_spark(&self) -> bool {
        lock(&self.state).has_seen_spark()
    }

    /// Changes the state, and wakes who waits for the time to leave.
    fn change<T>(&self, change: impl FnOnce(&mut ShutdownState) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changed.notify_one();
        result
    }
}
