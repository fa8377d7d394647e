//! A look at Spark now and then, scrape or no scrape, so that there are last values to serve.
//!
//! A job may begin and end between two scrapes, and the last scrape of any job is older than its
//! end. The looks are scrapes that nobody reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::Scraper;
use crate::lock::lock;

/// The last values are at most this old where Spark answers promptly.
const EVERY: Duration = Duration::from_secs(5);

/// Until Spark is seen, and while it is young: it may not live longer than a few seconds.
const AT_THE_START: Duration = Duration::from_secs(1);

/// How long the start lasts: until Spark comes, and then from its coming.
const START: Duration = Duration::from_mins(1);

/// A Spark that is slow to answer is asked less often, so that looking takes no more than a
/// hundredth of its time, up to this: the end has to be noticed too.
const AT_MOST: Duration = Duration::from_secs(15);

/// A look waits so long for Spark, so that what else it sees, as the end of the JVM, is soon known.
const BUDGET: Duration = Duration::from_secs(2);

impl Scraper {
    /// Looks whenever nobody else has for a while; never returns.
    pub async fn look_now_and_then(self: Arc<Self>) {
        loop {
            let wait = self.due(Instant::now());
            let looked = wait.is_zero() && self.look().await.is_ok();
            if !looked {
                // A look that panicked leaves no time behind to count from.
                let wait = if wait.is_zero() { EVERY } else { wait };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.watcher.ended() => drop(self.look()),
                }
            }
        }
    }

    /// Takes a look now, which need not be waited for.
    pub fn look(self: &Arc<Self>) -> JoinHandle<()> {
        let scraper = Arc::clone(self);
        tokio::spawn(async move { drop(scraper.scrape(BUDGET).await) })
    }

    /// How long until the next look is due.
    fn due(&self, now: Instant) -> Duration {
        let Some((ended, took)) = lock(&self.past).scrape else {
            return Duration::ZERO;
        };
        let age = match lock(&self.past).seen {
            Some(seen) => Age::Lives(now.duration_since(seen)),
            None => Age::Unborn(now.duration_since(self.began)),
        };
        interval(took, age).saturating_sub(now.duration_since(ended))
    }
}

/// How long Spark has been there, or not.
#[derive(Debug, Clone, Copy)]
enum Age {
    Unborn(Duration),
    Lives(Duration),
}

/// The time between two looks of which the last one took that long.
fn interval(took: Duration, age: Age) -> Duration {
    let polite = took * 100;
    match age {
        Age::Unborn(waited) if waited < START => AT_THE_START,
        Age::Lives(age) if age < START => polite.clamp(AT_THE_START, EVERY),
        Age::Unborn(_) | Age::Lives(_) => polite.clamp(EVERY, AT_MOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_spark_is_looked_at_less_often_and_a_young_one_more() {
        let (quick, slow, hung) =
            (Duration::from_millis(8), Duration::from_millis(100), Duration::from_secs(5));
        let (old, young) = (Age::Lives(START), Age::Lives(Duration::ZERO));
        assert_eq!(interval(quick, old), EVERY);
        assert_eq!(interval(slow, old), Duration::from_secs(10));
        assert_eq!(interval(hung, old), AT_MOST);
        assert_eq!(interval(quick, young), AT_THE_START);
        assert_eq!(interval(hung, young), EVERY);
        assert_eq!(interval(hung, Age::Unborn(Duration::ZERO)), AT_THE_START);
        assert_eq!(interval(hung, Age::Unborn(START)), AT_MOST);
    }
}
