//! Tells what happens, and when.

use std::time::Instant;

/// The time since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    /// Starts now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Prints a step.
    pub(super) fn say(self, what: &str) {
        println!("[{:>4} s]  {what}", self.0.elapsed().as_secs());
    }
}

/// Prints what belongs to the step before.
pub(super) fn more(what: &str) {
    println!("          {what}");
}
