//! The function itself: a review's bytes in, the answer's bytes out, no server around it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use emberscope_core::admission;
use emberscope_core::{AllSettings, Config, Namespaces};

/// How long one kind of review is repeated.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// Answers the review again and again; the time that half of the answers took at most.
pub(super) fn median(review: &[u8]) -> Result<Duration> {
    let settings = AllSettings::offline(Config::default());
    let patched = admission::answer(review, &settings, &Namespaces::default()).patch_bytes > 0;
    ensure!(patched, "the review gets no patch, which is not what is to be measured");
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < LONG_ENOUGH {
        let began = Instant::now();
        black_box(admission::answer(black_box(review), &settings, &Namespaces::default()));
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
