//! One round: all sources of the role at once, each held to the deadline, each free to fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::Instant as Deadline;

use super::{Failure, Figures, Files, Report, Source};
use crate::exposition::Page;
use crate::life::Signs;
use crate::spark::push::Store;
use crate::spark::ui::{Endpoint, Ui};
use crate::spark::{driver, executors};

/// After this long without a push the executor's figures are no longer the present: several periods
/// of the `GraphiteSink`, which is set to push every few seconds.
const PUSH_STALE: Duration = Duration::from_mins(1);

/// Where Spark's own figures come from.
#[derive(Debug, Clone)]
pub enum Spark {
    /// A driver's UI.
    Driver(Arc<Ui>),
    /// An executor's pushes.
    Executor(Arc<Store>),
}

/// All sources of one pod.
#[derive(Debug)]
pub struct Sources {
    /// Spark's own figures.
    pub spark: Spark,
    /// The figures that are files.
    pub files: Files,
    /// Spark's application id, if the pod's labels told it.
    pub application_id: Option<Arc<str>>,
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
        let id = self.application_id.clone();
        match &self.spark {
            Spark::Driver(ui) => {
                let (first, second) = (Arc::clone(ui), Arc::clone(ui));
                let driver = held(Source::DriverPage, deadline, async move {
                    let body = first.fetch(Endpoint::Driver, deadline).await;
                    let body = body.map_err(|error| Failure::new(error.reason(), error))?;
                    let mut page = Page::new();
                    let repairs = driver::write(&body, id.as_deref(), &mut page);
                    Ok(Figures { page, repairs, show_spark: true, ..Figures::default() })
                });
                let executors = held(Source::ExecutorsPage, deadline, async move {
                    let (mut page, mut reader) = (Page::new(), executors::Reader::default());
                    // Never held as a whole: it grows with the number of executors.
                    let read = second.read(Endpoint::Executors, deadline, |piece| {
                        reader.feed(piece, &mut page);
                    });
                    read.await.map_err(|error| Failure::new(error.reason(), error))?;
                    let repairs = reader.finish(&mut page);
                    Ok(Figures { page, repairs, show_spark: true, ..Figures::default() })
                });
                let (driver, executors) = tokio::join!(driver, executors);
                vec![driver, executors]
            }
            Spark::Executor(store) => {
                let store = Arc::clone(store);
                let push =
                    held(Source::Push, deadline, async move { pushed(&store, id.as_deref()) });
                vec![push.await]
            }
        }
    }
}

fn pushed(store: &Store, application_id: Option<&str>) -> Result<Figures, Failure> {
    let mut page = Page::new();
    let repairs = store.write(application_id, &mut page);
    let failure = match store.last_push() {
        None => Failure::new("nothing_pushed", "Spark has pushed nothing yet"),
        Some(last) if last.elapsed() > PUSH_STALE => {
            Failure::new("push_stale", "Spark has not pushed for a minute")
        }
        Some(_) => {
            return Ok(Figures { page, repairs, show_spark: true, ..Figures::default() });
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
        if figures.page.is_empty() {
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
