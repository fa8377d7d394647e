//! A look at Spark now and then, scrape or no scrape, so that there are last values to serve.
//!
//! A job may begin and end between two scrapes, and the last scrape of any job is older than its
//! end. The looks are scrapes that nobody reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Scraper;

/// The last values are at most this old where Spark answers promptly.
const EVERY: Duration = Duration::from_secs(5);

/// Until Spark is seen: it may not live longer than a few seconds.
const AT_THE_START: Duration = Duration::from_secs(1);

/// How long the start lasts if Spark does not come.
const START: Duration = Duration::from_mins(1);

/// A Spark that is slow to answer is asked less often, so that looking takes no more than a
/// hundredth of its time, up to this: the end has to be noticed too.
const AT_MOST: Duration = Duration::from_secs(15);

/// A look waits so long for Spark. A scrape that joins it waits as long: less than the shortest
/// scrape timeouts in use.
const BUDGET: Duration = Duration::from_secs(2);

impl Scraper {
    /// Looks whenever nobody else has for a while; never returns.
    pub async fn refresh(self: Arc<Self>) {
        loop {
            let wait = self.due(Instant::now());
            let looked = wait.is_zero() && self.round(BUDGET).await.is_some();
            if !looked {
                // A round that panicked leaves no time behind to count from.
                let wait = if wait.is_zero() { EVERY } else { wait };
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Takes a look now, and does not wait for it.
    pub fn look(self: &Arc<Self>) {
        let scraper = Arc::clone(self);
        tokio::spawn(async move { scraper.round(BUDGET).await });
    }

    /// How long until the next look is due.
    fn due(&self, now: Instant) -> Duration {
        let Some((ended, took)) = self.past().round else {
            return Duration::ZERO;
        };
        let starting = !self.ending.has_seen_spark() && now.duration_since(self.began) < START;
        interval(took, starting).saturating_sub(now.duration_since(ended))
    }
}

/// The time between two looks of which the last one took that long.
fn interval(took: Duration, starting: bool) -> Duration {
    if starting { AT_THE_START } else { (took * 100).clamp(EVERY, AT_MOST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_spark_is_looked_at_less_often() {
        let (quick, slow, hung) =
            (Duration::from_millis(8), Duration::from_millis(100), Duration::from_secs(5));
        assert_eq!(interval(quick, false), EVERY);
        assert_eq!(interval(slow, false), Duration::from_secs(10));
        assert_eq!(interval(hung, false), AT_MOST);
        assert_eq!(interval(hung, true), AT_THE_START);
    }
}
