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

mod signals;
mod state;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

pub use signals::Signals;
pub use state::{Jvm, ShutdownState, Signs, Step, Why};

use crate::container_exit::Evidence;
use crate::lock::lock;

/// The state that scrapes, the server and the signals share.
#[derive(Debug)]
pub struct Shutdown {
    state: Mutex<ShutdownState>,
    changed: Notify,
}

impl Shutdown {
    /// Nothing is known yet; the last values will be served for so long at most.
    #[must_use]
    pub fn new(linger: Duration) -> Self {
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

    /// A whole page that was made after the end has been sent.
    pub fn taken(&self) {
        self.change(ShutdownState::taken);
    }

    /// Somebody can reach the page from now on.
    pub fn serves(&self) {
        self.change(ShutdownState::serves);
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
