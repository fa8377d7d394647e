//! The key `fuse`: when pods are left alone because the sidecar does not start.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The fuse's settings, for all profiles alike: it watches over whole namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FuseConfig {
    /// How long a sidecar may fail to start before its namespace's next pods are left alone.
    pub after_seconds: u16,
}

impl Default for FuseConfig {
    fn default() -> Self {
        Self { after_seconds: 20 }
    }
}

impl FuseConfig {
    /// The same as a duration.
    #[must_use]
    pub fn after(self) -> Duration {
        Duration::from_secs(self.after_seconds.into())
    }

    /// What cannot work.
    pub(super) fn problem(self) -> Option<(String, String)> {
        (self.after_seconds > 600).then(|| {
            let problem = "is more than 600: jobs would wait for so long before anything is done";
            ("fuse.afterSeconds".to_owned(), problem.to_owned())
        })
    }
}
