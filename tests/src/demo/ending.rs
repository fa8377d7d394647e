//! How a run ends: in a cluster's order, and without a trace.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use super::clock::more;
use super::{SCRAPING, SIDECARS, SPARK, WEBHOOK};
use crate::programs::{End, Programs};

/// How long a program may take to end when it is asked to: the sidecar lingers for up to 20 s.
const PATIENCE: Duration = Duration::from_secs(25);

/// Spark first, as in a cluster: its sidecars are told only afterwards, and scraped once more. The
/// webhook, which goes on answering for a few seconds, is told with them. The Prometheus that was
/// written to goes last, so that the other can deliver what it has.
pub(super) async fn stop(programs: &mut Programs) -> Vec<End> {
    let [driver, executor] = SIDECARS;
    let mut ends = programs.stop(&[SPARK], PATIENCE).await;
    ends.extend(programs.stop(&[driver, executor, WEBHOOK], PATIENCE).await);
    ends.extend(programs.stop(&[SCRAPING], PATIENCE).await);
    ends.extend(programs.stop_all(PATIENCE).await);
    ends
}

/// A sidecar that ends with an error could fail the pod of a job that went well.
pub(super) fn report(ends: &[End]) -> Result<()> {
    for end in ends.iter().filter(|end| SIDECARS.contains(&end.name)) {
        let seconds = end.after.as_secs_f32();
        match end.status {
            Some(status) if status.success() => {
                more(&format!(
                    "the {} ended {seconds:.1} s after Spark, with exit status 0",
                    end.name
                ));
            }
            Some(status) => bail!("the {} ended with {status}, and it must not fail", end.name),
            None => bail!("the {} did not end within {seconds:.0} s of being told", end.name),
        }
    }
    Ok(())
}

/// Returns when the user, the terminal or make asks to end.
pub(super) async fn interruption() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
