//! Points in time.

use std::fmt;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Seconds of Unix time.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub f64);

impl Time {
    /// Reads RFC 3339, as Kubernetes writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time: Timestamp = text.parse().ok()?;
        Some(Self(time.as_millisecond() as f64 / 1e3))
    }

    /// Seconds from `earlier` to this; never negative.
    #[must_use]
    pub fn since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0).max(0.0)
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, to the second.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[allow(clippy::cast_possible_truncation)] // Beyond the range there is no such time.
        match Timestamp::from_second(self.0 as i64) {
            Ok(time) => write!(formatter, "{time}"),
            Err(_) => formatter.write_str("unknown time"),
        }
    }
}
