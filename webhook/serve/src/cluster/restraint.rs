//! How often this replica writes to the cluster.
//!
//! Somebody who undoes each write (a tool that syncs manifests, a replica that was told something
//! else, one whose clock is wrong) is answered at once a few times, and then no more often than the API
//! server can bear for ever.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, sleep_until};

/// So many writes at once.
const BURST: u32 = 10;

/// And from then on one in this time.
const EACH: Duration = Duration::from_secs(6);

/// The shortest pause between losing a race and looking at who won; at most twice that.
const RACE: Duration = Duration::from_millis(100);

/// Lets a write through when it is time; a token bucket.
#[derive(Debug)]
pub(super) struct Restraint {
    /// When the bucket will be full again.
    full: Mutex<Instant>,
}

impl Default for Restraint {
    fn default() -> Self {
        Self { full: Mutex::new(Instant::now()) }
    }
}

impl Restraint {
    /// Returns when this replica may write.
    pub(super) async fn wait(&self) {
        let at = {
            let mut full = self.full.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *full = (*full).max(Instant::now()) + EACH;
            *full - EACH * BURST
        };
        sleep_until(at).await;
    }
}

/// Waits until the winner of a race is done: not as long as the next replica does.
pub(super) async fn after_a_lost_race() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    sleep(RACE + RACE * (now.subsec_micros() % 1000) / 1000).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_few_writes_go_through_at_once_and_the_rest_one_by_one() {
        let (restraint, start) = (Restraint::default(), Instant::now());
        for _ in 0..BURST {
            restraint.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..5 {
            restraint.wait().await;
        }
        let waited = start.elapsed();
        assert!((EACH * 5..EACH * 6).contains(&waited), "{waited:?}");
        sleep(EACH * BURST * 2).await;
        let start = Instant::now();
        for _ in 0..BURST {
            restraint.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
