//! One round: all sources of the role at once, each held to the deadline, each free to fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::Instant as Deadline;

use super::{Failure, Figures, Files, Report, Source};
use crate::args::Compat;
use crate::exposition::Page;
use crate::shutdown::Signs;
use crate::sources::spark::push::{Of, Store};
use crate::sources::spark::ui::{Endpoint, Ui};
use crate::sources::spark::{Wanted, driver_page as driver, executors_page as executors, servlet};

/// After this long without a push the executor's figures are no longer the present: several periods
/// of the `GraphiteSink`, which is set to push every few seconds.
const PUSH_STALE: Duration = Duration::from_mins(1);

/// Where Spark's own figures come from.
#[derive(Debug, Clone)]
pub enum Spark {
    /// A driver's UI and its pushes.
    Driver(Arc<Driver>),
    /// An executor's pushes.
    Executor(Arc<Store>),
}

/// A driver: its UI has two pages, and its pushes stand in for the one that is its own.
///
/// Spark closes its UI first when it stops, and reports for the last time when all its listeners
/// have seen all events (`SparkContext.stop`): what it pushes then is what became of the job.
#[derive(Debug)]
pub struct Driver {
    ui: Ui,
    pushes: Arc<Store>,
    /// When the driver's page was read last.
    page_read: Mutex<Option<Instant>>,
    /// How many executors the last page had.
    executors: AtomicUsize,
}

impl Driver {
    /// A driver with that UI, which pushes there.
    #[must_use]
    pub const fn new(ui: Ui, pushes: Arc<Store>) -> Self {
        Self { ui, pushes, page_read: Mutex::new(None), executors: AtomicUsize::new(0) }
    }

    /// Whose pushes are needed beside what came of reading the page. A look at a page that is
    /// younger than the last push is better than the push.
    fn pushes_beside(&self, page: &Report) -> Of {
        let mut read = self.page_read.lock().unwrap_or_else(PoisonError::into_inner);
        if page.result.is_ok() {
            *read = Some(Instant::now());
        }
        if page.result.is_err() && self.pushes.last_push_of_driver() > *read {
            Of::All
        } else {
            Of::Executors
        }
    }
}

/// All sources of one pod.
#[derive(Debug)]
pub struct Sources {
    /// Spark's own figures.
    pub spark: Spark,
    /// The figures that are files.
    pub files: Files,
    /// What is wanted of Spark's figures.
    pub wanted: Arc<Wanted>,
    /// What the node is and has, which does not change.
    pub node: Arc<Page>,
}

impl Sources {
    /// One round: what each source gave, in the order of the page, and what was seen of Spark.
    pub async fn collect(&self, deadline: Deadline) -> (Vec<Report>, Signs) {
        let (mut reports, files) = tokio::join!(self.spark(deadline), self.files.read(deadline));
        let answered = reports.iter().any(|report| report.result.is_ok());
        reports.extend(files.reports);
        (reports, Signs { jvm: files.jvm, answered })
    }

    async fn spark(&self, deadline: Deadline) -> Vec<Report> {
        match &self.spark {
            Spark::Driver(spark) => {
                let (first, second) = (Arc::clone(spark), Arc::clone(spark));
                let wanted = Arc::clone(&self.wanted);
                let driver = held(Source::DriverPage, deadline, async move {
                    let body = first.ui.fetch(Endpoint::Driver, deadline).await;
                    let body = body.map_err(|error| Failure::new(error.reason(), error))?;
                    let mut page = Page::new();
                    let repairs = driver::write(&body, &wanted, &mut page);
                    let servlet = match wanted.compat {
                        Compat::None => None,
                        Compat::Servlet => Some(servlet::write(&body)),
                    };
                    // What was pushed while there was no page is older.
                    let supersedes = Some(Source::Push);
                    let figures = Figures { page, servlet, repairs, ..Figures::default() };
                    Ok(Figures { supersedes, show_spark: true, ..figures })
                });
                let executors = held(Source::ExecutorsPage, deadline, async move {
                    let last = second.executors.load(Ordering::Relaxed);
                    // A few more may have come since.
                    let mut reader = executors::Reader::expecting(last + last / 32);
                    let mut page = Page::new();
                    // Never held as a whole: it grows with the number of executors.
                    let read = second.ui.read(Endpoint::Executors, deadline, |piece| {
                        reader.feed(piece, &mut page);
                    });
                    read.await.map_err(|error| Failure::new(error.reason(), error))?;
                    let repairs = reader.finish(&mut page);
                    second.executors.store(page.largest(), Ordering::Relaxed);
                    Ok(Figures { page, repairs, show_spark: true, ..Figures::default() })
                });
                let (driver, executors) = tokio::join!(driver, executors);
                // A driver that was not told to push has no such source.
                let push = match spark.pushes.last_line() {
                    Some(_) => {
                        Some(self.push(&spark.pushes, spark.pushes_beside(&driver), deadline).await)
                    }
                    None => None,
                };
                [driver, executors].into_iter().chain(push).collect()
            }
            Spark::Executor(store) => vec![self.push(store, Of::All, deadline).await],
        }
    }

    /// What was pushed, as a source.
    async fn push(&self, store: &Arc<Store>, of: Of, deadline: Deadline) -> Report {
        let (store, wanted) = (Arc::clone(store), Arc::clone(&self.wanted));
        let read = async move { pushed(&store, of, &wanted) };
        held(Source::Push, deadline, read).await
    }
}

fn pushed(store: &Store, of: Of, wanted: &Wanted) -> Result<Figures, Failure> {
    let mut page = Page::new();
    let repairs = store.write(of, wanted, &mut page);
    let failure = match store.last_push() {
        None => Failure::new("nothing_pushed", "Spark has pushed nothing yet"),
        Some(last) if last.elapsed() > PUSH_STALE => {
            Failure::new("push_stale", "Spark has not pushed for a minute")
        }
        Some(_) => {
            let supersedes = (of == Of::All).then_some(Source::DriverPage);
            let show_spark = !page.is_empty();
            return Ok(Figures { page, repairs, show_spark, supersedes, ..Figures::default() });
        }
    };
    Err(failure.with(repairs))
}

/// Runs a source as a task of its own: it cannot take longer than the deadline, and a panic in it
/// is only its own.
async fn held(
    source: Source,
    deadline: Deadline,
    work: impl Future<Output = Result<Figures, Failure>> + Send + 'static,
) -> Report {
    let began = Instant::now();
    let mut task = tokio::spawn(work);
    let result = match tokio::time::timeout_at(deadline, &mut task).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::panicked()),
        Err(_) => {
            task.abort();
            Err(Failure::deadline())
        }
    };
    let result = result.and_then(|mut figures| {
        figures.duplicates = figures.page.drop_duplicates();
        figures.page.close();
        // A driver's pushes may all be on its page.
        if figures.page.is_empty() && source != Source::Push {
            return Err(Failure::new("empty", "no sample in what it gave").with(figures.repairs));
        }
        Ok(figures)
    });
    Report { source, took: began.elapsed(), result }
}

/// Calls a function whose panic is a failure like any other.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Failure::panicked()))
}
