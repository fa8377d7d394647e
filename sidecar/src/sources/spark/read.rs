//! Spark as three sources: the driver's two pages, and what is pushed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::{Client, Endpoint};
use super::push::{Of, Store};
use super::{Wanted, driver_page, executors_page, servlet};
use crate::args::Compat;
use crate::exposition::Page;
use crate::sources::{Failure, Read, Reading, Source};

/// Nobody waits longer for a page, and then it is asked for anew.
const LONGEST: Duration = Duration::from_mins(1);

/// After this long without a push the figures are no longer the present: several periods of the
/// `GraphiteSink`, which is set to push every few seconds.
const PUSH_STALE: Duration = Duration::from_mins(1);

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

    fn read_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.read_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for DriverPage {
    fn name(&self) -> &'static str {
        Self::NAME
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
            *self.read_at() = Some(Instant::now());
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
            read.map_err(|error| Failure::new(error.reason(), error))?;
            let repairs = reader.finish(&mut page);
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
    /// The page of the driver that pushes; an executor has none.
    page: Option<Arc<DriverPage>>,
}

impl Push {
    /// The source's name.
    pub const NAME: &str = "push";

    /// What an executor pushes.
    #[must_use]
    pub const fn of_executor(store: Arc<Store>, wanted: Arc<Wanted>) -> Self {
        Self { store, wanted, page: None }
    }

    /// What the driver pushes that has this page.
    #[must_use]
    pub const fn of_driver(store: Arc<Store>, wanted: Arc<Wanted>, page: Arc<DriverPage>) -> Self {
        Self { store, wanted, page: Some(page) }
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
                None => Failure::new("nothing_pushed", "Spark has pushed nothing yet"),
                Some(last) if is_stale(last) => {
                    Failure::new("push_stale", "Spark has not pushed for a minute")
                }
                Some(_) => return Ok(reading),
            };
            Err(failure.with(reading.repairs))
        })
    }

    fn is_receiving(&self) -> bool {
        self.store.is_receiving()
    }

    fn last_report(&self) -> Option<Instant> {
        self.store.last_report_not_due()
    }

    /// A push that is younger than the page that was read last says more.
    fn in_place_of(&self, source: &'static str) -> Option<Reading> {
        let page = self.page.as_ref().filter(|_| source == DriverPage::NAME)?;
        let pushed = self.store.last_push_of_driver().filter(|pushed| !is_stale(*pushed));
        (pushed > *page.read_at()).then(|| self.write(Of::Driver))
    }
}

fn is_stale(push: Instant) -> bool {
    push.elapsed() > PUSH_STALE
}
