//! The configuration file while it changes.

use std::path::PathBuf;
use std::sync::Arc;

use emberscope_core::{AllSettings, Config, ConfigError};
use tracing::{info, warn};

use crate::Shared;

/// Reads `file` again and again, by content: a mounted ConfigMap changes by a swapped link; what it says is in effect from the next review on. A file that is
/// missing or wrong changes nothing, and is complained about once for each thing wrong with it.
pub(super) async fn watch(file: PathBuf, shared: Arc<Shared>) {
    let mut complaint = None;
    loop {
        tokio::time::sleep(shared.intervals.reread).await;
        match Config::load(Some(&file)) {
            Ok(config) => {
                let was_refused = complaint.take().is_some();
                shared.metrics.configured(true);
                if shared.settings.load().config != config {
                    shared.decide_by(|now| AllSettings::new(config.clone(), now.cluster.clone()));
                    shared.metrics.reloaded(true);
                    info!(file = %file.display(), "the configuration changed and is in effect");
                } else if was_refused {
                    info!(file = %file.display(), "the configuration is again what is in effect");
                }
            }
            Err(error) => {
                shared.metrics.configured(false);
                let text = chain(&error);
                if complaint.as_ref() != Some(&text) {
                    shared.metrics.reloaded(false);
                    warn!(
                        error = text,
                        "the configuration is refused; the old one stays in effect"
                    );
                    complaint = Some(text);
                }
            }
        }
    }
}

/// The error with its causes, in one line.
fn chain(error: &ConfigError) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
