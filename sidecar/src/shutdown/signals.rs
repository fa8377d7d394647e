//! Hears the signals, and says when to leave.

use std::future::pending;
use std::time::Instant;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep_until;
use tracing::{info, warn};

use super::{Shutdown, Step, Why};
use crate::container_exit::Evidence;
use crate::lock::lock;

/// The signals that end the sidecar.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to listen; from here on neither signal ends the process by itself.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns when it is time to leave. `look` is called for a fresh look at Spark when SIGTERM
    /// arrives: what was seen last is some seconds old.
    pub async fn time_to_leave(mut self, shutdown: &Shutdown, look: impl Fn()) -> Why {
        let mut said: Option<Evidence> = None;
        loop {
            let (step, evidence) = {
                let mut state = lock(&shutdown.state);
                (state.step(Instant::now()), state.ended())
            };
            let until = match step {
                Step::Leave(why) => return why,
                Step::Stay(until) => until,
            };
            if evidence != said {
                if let Some(evidence) = evidence {
                    info!(?evidence, "Spark has ended; serving its last values");
                } else {
                    warn!("Spark is back");
                }
                said = evidence;
            }
            let time_is_over = async {
                match until {
                    Some(until) => sleep_until(until.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                Some(()) = self.terminate.recv() => {
                    info!("asked to end (SIGTERM)");
                    lock(&shutdown.state).told(Instant::now());
                    look();
                }
                Some(()) = self.interrupt.recv() => {
                    info!("interrupted (SIGINT)");
                    lock(&shutdown.state).hurry();
                }
                () = shutdown.changed.notified() => {}
                () = time_is_over => {}
            }
        }
    }
}
