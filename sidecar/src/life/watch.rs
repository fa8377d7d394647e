//! Hears the signals, looks at the heartbeat file and the clock, and says when to leave.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{debug, info, warn};

use super::{Ending, Evidence, Step, Why, heartbeat};

/// How often the heartbeat file and the silence are looked at: one `stat` of a local file.
const LOOK: Duration = Duration::from_secs(1);

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
}

/// Returns when it is time to leave. `look` is called for a fresh look at Spark when SIGTERM
/// arrives: what was seen last is some seconds old.
pub async fn watch(
    ending: &Ending,
    mut signals: Signals,
    heartbeat_file: Option<&Path>,
    look: impl Fn(),
) -> Why {
    let mut said: Option<Evidence> = None;
    loop {
        if let Some(path) = heartbeat_file {
            match heartbeat::read(path) {
                Ok(touched) => ending.lock().beat(touched, Instant::now()),
                Err(error) => debug!(path = %path.display(), %error, "heartbeat file unreadable"),
            }
        }
        let (step, evidence) = {
            let mut life = ending.lock();
            (life.step(Instant::now()), life.ended())
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
        let wake = until.map_or(LOOK, |until| LOOK.min(until.duration_since(Instant::now())));
        tokio::select! {
            Some(()) = signals.terminate.recv() => {
                info!("asked to end (SIGTERM)");
                ending.lock().told(Instant::now());
                look();
            }
            Some(()) = signals.interrupt.recv() => {
                info!("interrupted (SIGINT)");
                ending.lock().hurry();
            }
            () = ending.changed() => {}
            () = tokio::time::sleep(wake) => {}
        }
    }
}
