//! One scrape: every source once, at the same time, under one deadline; one page, one text.
//!
//! ```text
//! collect ──> observe ──> select ──> merge ──> text
//!  sources     life        pages      names     piece by piece
//! ```
//!
//! A source that fails is missing from the page and shows in `emberscope_source_up`; the others are
//! served. What a source gave last is kept, and stands in for it once Spark has ended and not
//! before: while Spark runs, a figure that is not fresh is not served.

mod collect;
pub mod deadline;
mod files;
mod flight;
mod refresh;
mod sheets;
mod shelf;
mod source;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

pub use collect::{Driver, Sources, Spark};
pub use files::{FileReports, Files, LastState};
pub use flight::Flight;
pub use sheets::{Frame, Selection, Sheets, Text};
pub use shelf::{Loan, Shelf};
pub use source::{Failure, Figures, Report, Source};

use crate::exposition::Page;
use crate::self_metrics::Own;
use crate::shutdown::Ending;

/// What a scrape answers.
#[derive(Debug)]
pub struct Answer {
    /// What can be written as text.
    pub sheets: Arc<Sheets>,
    /// Ends when the answer has to go, read or not.
    pub loan: Loan,
    /// Whether it was made after Spark ended: then these are the last values.
    pub is_final: bool,
}

/// What a round gave.
#[derive(Debug, Clone)]
struct Round {
    sheets: Arc<Sheets>,
    is_final: bool,
}

/// Makes answers.
#[derive(Debug)]
pub struct Scraper {
    sources: Sources,
    frame: Arc<Frame>,
    own: Own,
    ending: Arc<Ending>,
    flight: Flight<Round>,
    shelf: Shelf,
    began: Instant,
    past: Mutex<Past>,
}

/// What is remembered from one round to the next.
#[derive(Debug, Default)]
struct Past {
    /// The last pages that showed Spark at work, by source.
    kept: [Option<Arc<Page>>; Source::COUNT],
    /// The last driver page under Spark's own names, where they are wanted.
    servlet: Option<Arc<Page>>,
    /// How each source did: not yet asked, well, or the reason why not.
    state: [Option<Result<(), &'static str>>; Source::COUNT],
    /// When the last round ended, and how long it took.
    round: Option<(Instant, Duration)>,
    /// When Spark was seen first.
    seen: Option<Instant>,
}

impl Scraper {
    /// A scraper of these sources, which serves them in that frame.
    #[must_use]
    pub fn new(sources: Sources, frame: Frame, own: Own, ending: Arc<Ending>) -> Self {
        Self {
            sources,
            frame: Arc::new(frame),
            own,
            ending,
            flight: Flight::default(),
            shelf: Shelf::default(),
            began: Instant::now(),
            past: Mutex::default(),
        }
    }

    /// The answer to one request: of the round that is under way, else of a new one that gives its
    /// sources `budget`. `None` if the round panicked.
    pub async fn answer(self: &Arc<Self>, budget: Duration) -> Option<Answer> {
        self.own.asked();
        let Round { sheets, is_final } = self.round(budget).await?;
        let loan = self.shelf.lend(&sheets);
        Some(Answer { sheets, loan, is_final })
    }

    /// An answer of so many bytes is on its way, all of it.
    pub fn sent(&self, bytes: usize, is_final: bool) {
        self.own.sent(bytes);
        if is_final {
            self.ending.taken();
        }
    }

    async fn round(self: &Arc<Self>, budget: Duration) -> Option<Round> {
        let scraper = Arc::clone(self);
        self.flight.join(|| async move { scraper.run(budget).await }).await
    }

    async fn run(&self, budget: Duration) -> Round {
        let began = Instant::now();
        let deadline = tokio::time::Instant::from_std(began) + budget;
        let (reports, signs) = self.sources.collect(deadline).await;
        let ended = self.ending.observe(signs);
        let is_final = ended.is_some();
        let last_state = match ended {
            Some(evidence) => Some(self.sources.files.last_state(evidence).await),
            None => None,
        };
        let took = began.elapsed();

        let mut past = self.past();
        let now = Instant::now();
        past.round = Some((now, took));
        if self.ending.has_seen_spark() {
            past.seen.get_or_insert(now);
        }
        for report in &reports {
            self.own.source(report);
            past.tell(report, self.ending.has_seen_spark());
        }
        let mut pages = past.select(reports, last_state);
        pages.push(Arc::clone(&self.sources.node));
        let mut sheets = Sheets::merge(pages, Arc::clone(&self.frame));
        self.own.round(took, is_final, &sheets);
        sheets.add_own(self.own.page());
        Round { sheets: Arc::new(sheets), is_final }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// The pages that may be served. Those that are worth it are kept for the end.
    fn select(&mut self, reports: Vec<Report>, end: Option<LastState>) -> Vec<Arc<Page>> {
        let (mut pages, ended) = (Vec::new(), end.is_some());
        for figures in reports.iter().filter_map(|report| report.result.as_ref().ok()) {
            if let Some(older) = figures.supersedes {
                self.kept[older.index()] = None;
            }
        }
        if let Some(LastState { state, cgroup }) = end {
            pages.push(Arc::new(state));
            if let Some(page) = cgroup {
                self.kept[Source::Cgroup.index()] = Some(Arc::new(page));
            }
        }
        for Report { source, mut result, .. } in reports {
            let servlet = result.as_mut().ok().and_then(|figures| figures.servlet.take());
            if source == Source::DriverPage {
                match servlet {
                    Some(page) => pages.push(Arc::clone(self.servlet.insert(Arc::new(page)))),
                    None if ended => pages.extend(self.servlet.clone()),
                    None => {}
                }
            }
            let kept = &mut self.kept[source.index()];
            match result {
                Ok(figures) if figures.show_spark => {
                    pages.push(Arc::clone(kept.insert(Arc::new(figures.page))));
                }
                // After the end a look at the processes works as before; it only finds nothing.
                Ok(figures) if !ended || kept.is_none() => pages.push(Arc::new(figures.page)),
                Err(_) if !ended => {}
                Ok(_) | Err(_) => pages.extend(kept.clone()),
            }
        }
        pages
    }

    /// Logs what has changed with a source, and only that.
    fn tell(&mut self, report: &Report, seen_spark: bool) {
        let source = report.source.as_str();
        let now = report.result.as_ref().map(|_| ()).map_err(|failure| failure.reason);
        let before = self.state[report.source.index()].replace(now);
        if before == Some(now) {
            return;
        }
        match &report.result {
            Ok(_) => info!(source, "source answers"),
            Err(failure) if seen_spark => {
                warn!(source, reason = failure.reason, "{}", failure.sentence);
            }
            // Spark is still starting: nothing to warn of.
            Err(failure) => info!(source, reason = failure.reason, "{}", failure.sentence),
        }
    }
}
