//! EMR's heartbeat: a file that the Spark container touches every 2 s while it runs.
//!
//! Its existence says nothing (it is called `main-container-terminated` and exists from the start);
//! that it is not touched any more does
//! (<https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/pod-templates.html>).

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// Without a touch for this long, the container has ended: the time that AWS's own sidecars take.
const STALE: Duration = Duration::from_secs(15);

/// What is known of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// It has not been there yet; where EMR writes none, it never will be.
    Absent,
    /// It is there.
    Beats {
        /// Its modification time.
        touched: SystemTime,
        /// When that time was first seen. The age is taken from here, so that neither a wall clock
        /// that is set nor one that differs can end anything.
        since: Instant,
    },
    /// It was there and is not any more.
    Deleted,
}

impl Heartbeat {
    /// Takes in one look at the file: its modification time, or that it is not there.
    pub fn look(&mut self, touched: Option<SystemTime>, now: Instant) {
        *self = match (*self, touched) {
            (Self::Absent, None) => Self::Absent,
            (_, None) => Self::Deleted,
            (Self::Beats { touched: before, since }, Some(touched)) if before == touched => {
                Self::Beats { touched, since }
            }
            (_, Some(touched)) => Self::Beats { touched, since: now },
        };
    }

    /// Whether the look at `now` found the file newly touched.
    #[must_use]
    pub fn touched_at(&self, now: Instant) -> bool {
        matches!(self, Self::Beats { since, .. } if *since == now)
    }

    /// Whether the file is there and has not been touched for 15 s.
    #[must_use]
    pub fn is_stale(&self, now: Instant) -> bool {
        matches!(self, Self::Beats { since, .. } if now.duration_since(*since) > STALE)
    }
}

/// The file's modification time; `None` if it does not exist.
///
/// # Errors
///
/// Anything but "not found" says nothing about Spark, and is for the caller to leave out.
pub(super) fn read(path: &Path) -> std::io::Result<Option<SystemTime>> {
    match std::fs::metadata(path).and_then(|file| file.modified()) {
        Ok(touched) => Ok(Some(touched)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
