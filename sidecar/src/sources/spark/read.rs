//! Spark as three sources: the driver's two pages, and what is pushed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::client::{Client, Endpoint, Extent, FetchError};
use super::push::{Of, Store};
use super::{Wanted, driver_page, executors_page, servlet};
use crate::args::Compat;
use crate::exposition::Page;
use crate::lock::lock;
use crate::sources::{Failure, Read, Reading, Source};

/// Nobody waits longer for a page, and then it is asked for anew.
const LONGEST: Duration = Duration::from_mins(1);

fn deadline() -> tokio::time::Instant {
    tokio::time::Instant::now() + LONGEST
}

/// Spark's page of the driver's own metrics.
#[derive(Debug)]
pub struct DriverPage {
    client: Arc<Client>,
    wanted: Arc<Wanted>,
    /// When it was read last.
    read_at: Mutex<Option<Instant>>,
}

impl DriverPage {
    /// The source's name.
    pub const NAME: &str = "driver_page";

    /// The page that this client fetches.
    #[must_use]
    pub const fn new(client: Arc<Client>, wanted: Arc<Wanted>) -> Self {
        Self { client, wanted, read_at: Mutex::new(None) }
    }
}

impl Source for DriverPage {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reasons(&self) -> &'static [&'static str] {
        &FetchError::REASONS
    }

    fn read(self: Arc<Self>) -> Read {
        Box::pin(async move {
            let body = self.client.fetch(Endpoint::Driver, deadline()).await;
            let body = body.map_err(|error| Failure::new(error.reason(), error))?;
            let mut page = Page::new();
            let repairs = driver_page::write(&body, &self.wanted, &mut page);
            let servlet = match self.wanted.compat {
                Compat::None => None,
                Compat::Servlet => Some(Arc::new(servlet::write(&body))),
            };
            let reading = Reading::new(page, repairs).not_empty()?;
            *lock(&self.read_at) = Some(Instant::now());
            Ok(Reading { servlet, shows_spark: true, ..reading })
        })
    }
}

/// Spark's page of all executors, served by the driver.
#[derive(Debug)]
pub struct ExecutorsPage {
    client: Arc<Client>,
    /// How many executors the last page had.
    executors: AtomicUsize,
}

impl ExecutorsPage {
    /// The source's name.
    pub const NAME: &str = "executors_page";

    /// The page that this client fetches.
    #[must_use]
    pub const fn new(client: Arc<Client>) -> Self {
        Self { client, executors: AtomicUsize::new(0) }
    }
}

impl Source for ExecutorsPage {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reasons(&self) -> &'static [&'static str] {
        &FetchError::REASONS
    }

    /// Spark closes its UI before it is done.
    fn tells_last_totals(&self) -> bool {
        false
    }

    fn read(self: Arc<Self>) -> Read {
        Box::pin(async move {
            let last = self.executors.load(Ordering::Relaxed);
            // A few more may have come since.
            let mut reader = executors_page::Reader::expecting(last + last / 32);
            let mut page = Page::new();
            // Never held as a whole: it grows with the number of executors.
            let feed = |piece: &[u8]| reader.feed(piece, &mut page);
            let read = self.client.stream(Endpoint::Executors, deadline(), feed).await;
            let extent = read.map_err(|error| Failure::new(error.reason(), error))?;
            let repairs = match extent {
                Extent::Whole => reader.finish(&mut page),
                Extent::Cut => reader.cut(),
            };
            self.executors.store(page.largest(), Ordering::Relaxed);
            let reading = Reading::new(page, repairs).not_empty()?;
            Ok(Reading { shows_spark: true, ..reading })
        })
    }
}

/// What the `GraphiteSink` of the executor, or of the driver, pushes.
///
/// A driver's pushes stand in for its page. Spark closes its UI first when it stops, and reports for
/// the last time when all its listeners have seen all events (`SparkContext.stop`): what it pushes
/// then is what became of the job.
#[derive(Debug)]
pub struct Push {
    store: Arc<Store>,
    wanted: Arc<Wanted>,
    /// After this long without a push the figures are no longer the present.
    stale_after: Duration,
    /// The page of the driver that pushes; an executor has none.
    page: Option<Arc<DriverPage>>,
}

impl Push {
    /// The source's name.
    pub const NAME: &str = "push";

    /// Why there are no figures yet.
    const NOTHING: &str = "nothing_pushed";

    /// Why there are none any more.
    const STALE: &str = "push_stale";

    /// Two pushes may be late or lost.
    const MISSED_PERIODS: u32 = 3;

    /// However short the period is: a JVM that collects garbage pushes nothing either.
    const AT_LEAST: Duration = Duration::from_mins(1);

    /// What an executor pushes, once in a period.
    #[must_use]
    pub fn of_executor(store: Arc<Store>, wanted: Arc<Wanted>, period: Duration) -> Self {
        let stale_after = period.saturating_mul(Self::MISSED_PERIODS).max(Self::AT_LEAST);
        Self { store, wanted, stale_after, page: None }
    }

    /// What the driver pushes that has this page.
    #[must_use]
    pub fn of_driver(
        store: Arc<Store>,
        wanted: Arc<Wanted>,
        period: Duration,
        page: Arc<DriverPage>,
    ) -> Self {
        Self { page: Some(page), ..Self::of_executor(store, wanted, period) }
    }

    fn is_stale(&self, push: Instant) -> bool {
        push.elapsed() > self.stale_after
    }

    fn write(&self, of: Of) -> Reading {
        let mut page = Page::new();
        let repairs = self.store.write(of, &self.wanted, &mut page);
        let shows_spark = !page.is_empty();
        Reading { shows_spark, ..Reading::new(page, repairs) }
    }
}

impl Source for Push {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reasons(&self) -> &'static [&'static str] {
        &[Self::NOTHING, Self::STALE]
    }

    /// A driver that was not told to push does not.
    fn is_there(&self) -> bool {
        self.page.is_none() || self.store.last_line().is_some()
    }

    fn read(self: Arc<Self>) -> Read {
        Box::pin(async move {
            // The driver's own are on its page, and may be all that there are.
            let of = if self.page.is_some() { Of::Executors } else { Of::All };
            let reading = self.write(of);
            let failure = match self.store.last_push() {
                None => Failure::new(Self::NOTHING, "Spark has pushed nothing yet"),
                Some(last) if self.is_stale(last) => {
                    let seconds = self.stale_after.as_secs();
                    Failure::new(Self::STALE, format!("Spark has not pushed for {seconds} s"))
                }
                Some(_) => return Ok(reading),
            };
            Err(failure.with(reading.repairs))
        })
    }

    fn is_receiving(&self) -> bool {
        self.store.is_receiving()
    }

    /// A push that is younger than the page that was read last says more.
    fn in_place_of(&self, source: &'static str) -> Option<Reading> {
        let page = self.page.as_ref().filter(|_| source == DriverPage::NAME)?;
        let pushed = self.store.last_push_of_driver(&self.wanted);
        let pushed = pushed.filter(|pushed| !self.is_stale(*pushed));
        (pushed > *lock(&page.read_at)).then(|| self.write(Of::Driver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a push of two minutes ago is, in an executor that pushes so often.
    fn after_two_minutes(period_seconds: u64) -> Option<&'static str> {
        let store = Arc::new(Store::default());
        let then = Instant::now().checked_sub(Duration::from_mins(2)).unwrap();
        store.take([&b"a.7.executor.runTime.count 1500 1"[..]].into_iter(), then);
        let period = Duration::from_secs(period_seconds);
        let push = Arc::new(Push::of_executor(store, Arc::default(), period));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(push.read()).err().map(|failure| failure.reason)
    }

    #[test]
    fn a_push_is_the_present_for_three_periods() {
        assert_eq!(after_two_minutes(10), Some("push_stale"));
        assert_eq!(after_two_minutes(30), Some("push_stale"));
        assert_eq!(after_two_minutes(120), None);
        assert_eq!(after_two_minutes(u64::MAX), None);
    }
}
