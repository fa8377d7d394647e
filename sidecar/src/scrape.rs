//! One scrape: what each source has by the time the answer is due, as one page.
//!
//! ```text
//! join every source's reading ──> what is to be served ──> merge ──> text, piece by piece
//!  (coalesce, under a deadline)    (last_values)
//! ```
//!
//! A source that fails is missing from the page and shows in `emberscope_source_up`; the others are
//! served. A reading may be shared by several scrapes, each of which waits for it as long as it has
//! time itself.

mod background;
mod coalesce;
pub mod deadline;
mod last_values;
mod merge;
mod unread;
#[cfg(test)]
mod validity;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;
use tracing::{info, warn};

pub use merge::{MergeOptions, MergedPage, Selection, Text};
pub use unread::Lease;

use coalesce::Coalesced;
use last_values::{Keeps, LastValues};
use unread::Unread;

use crate::container_exit::{self, Evidence, Watcher};
use crate::exposition::Page;
use crate::lock::lock;
use crate::self_metrics::{Round, SelfMetrics};
use crate::shutdown::{Jvm, Shutdown, Signs};
use crate::sources::cgroup::Cgroup;
use crate::sources::processes::Processes;
use crate::sources::{Failure, Reading, Report, Source};

/// How often to look whether all is there that Spark has said.
const RECEIVED: Duration = Duration::from_millis(10);

/// How long that may take once Spark has ended: it is all with the kernel by then.
const ALL_RECEIVED: Duration = Duration::from_secs(1);

/// What a scrape answers.
#[derive(Debug)]
pub struct Answer {
    /// What can be written as text.
    pub page: Arc<MergedPage>,
    /// Ends when the answer has to go, read or not.
    pub lease: Lease,
    /// Whether it was made after Spark ended: then these are the last values.
    pub is_final: bool,
}

/// Makes answers.
#[derive(Debug)]
pub struct Scraper {
    sources: Vec<Coalesced>,
    /// Among them the one whose container's end is watched.
    container: Arc<Cgroup>,
    /// Figures that do not change.
    constant: Arc<Page>,
    options: Arc<MergeOptions>,
    own: Arc<SelfMetrics>,
    shutdown: Arc<Shutdown>,
    watcher: Watcher,
    unread: Unread,
    began: Instant,
    past: Mutex<Past>,
}

/// What is remembered from one scrape to the next.
#[derive(Debug, Default)]
struct Past {
    last_values: LastValues,
    /// How each source did: well, or the reason why not.
    states: HashMap<&'static str, Option<&'static str>>,
    /// When the last scrape ended, and how long it took.
    scrape: Option<(Instant, Duration)>,
    /// When Spark was seen first.
    seen: Option<Instant>,
}

impl Scraper {
    /// A scraper of these sources, which are asked in that order; `constant` are figures that do
    /// not change.
    #[must_use]
    pub fn new(
        sources: Vec<Arc<dyn Source>>,
        container: Arc<Cgroup>,
        constant: Page,
        options: MergeOptions,
        own: Arc<SelfMetrics>,
        shutdown: Arc<Shutdown>,
    ) -> Self {
        Self {
            sources: sources.into_iter().map(|one| Coalesced::new(one, Arc::clone(&own))).collect(),
            container,
            constant: Arc::new(constant),
            options: Arc::new(options),
            own,
            shutdown,
            watcher: Watcher::default(),
            unread: Unread::default(),
            began: Instant::now(),
            past: Mutex::default(),
        }
    }

    /// The answer to one request, for which there is so much time.
    pub async fn answer(&self, budget: Duration) -> Answer {
        self.own.asked();
        let (page, is_final) = self.scrape(budget).await;
        let lease = self.unread.lend(&page);
        Answer { page, lease, is_final }
    }

    /// An answer of so many bytes is on its way, all of it.
    pub fn sent(&self, bytes: usize) {
        self.own.sent(bytes);
    }

    /// What there is when the time is over, or sooner; and whether Spark has ended.
    async fn scrape(&self, budget: Duration) -> (Arc<MergedPage>, bool) {
        let began = Instant::now();
        let mut reports = self.reports(began, budget).await;
        if let Some((process, group)) = self.container.group() {
            self.watcher.watch(process, group, self.container.proc_root());
        }
        let ended = self.shutdown.observe(signs(&reports));
        let end = match ended {
            Some(evidence) => {
                if self.received_more().await {
                    reports = self.reports(began, budget).await;
                }
                Some(self.container_exit(evidence).await)
            }
            None => None,
        };
        let substitutes: Vec<_> = reports.iter().map(|report| self.in_place_of(report)).collect();
        let told_last: Vec<_> = self
            .sources
            .iter()
            .map(Coalesced::source)
            .filter(|source| source.tells_last_totals())
            .map(Source::name)
            .collect();
        let took = began.elapsed();

        let mut past = lock(&self.past);
        let now = Instant::now();
        past.scrape = Some((now, took));
        let seen_spark = self.shutdown.has_seen_spark();
        if seen_spark {
            past.seen.get_or_insert(now);
        }
        let is_final = end.is_some();
        let mut pages = Vec::new();
        if let Some((state, last)) = end {
            pages.push(Arc::new(state));
            if let Some(page) = last {
                past.last_values.keep(Cgroup::NAME, page);
            }
        }
        for (report, substitute) in reports.iter().zip(&substitutes) {
            past.tell(report, seen_spark);
            let reading = report.result.as_ref().ok().or(substitute.as_ref());
            let keeps = match (is_final, told_last.contains(&report.source)) {
                (false, _) => Keeps::Nothing,
                (true, true) => Keeps::Everything,
                (true, false) => Keeps::AllButTotals,
            };
            past.last_values.serve(report.source, reading, keeps, &mut pages);
        }
        pages.push(Arc::clone(&self.constant));
        drop(past);
        let mut page = MergedPage::new(pages, Arc::clone(&self.options));
        self.own.left_out(page.left_out());
        page.add_own(self.own.page(&Round {
            reports: &reports,
            took,
            spark_ended: is_final,
            samples: page.samples(),
            cut: page.cut().collect(),
        }));
        (Arc::new(page), is_final)
    }

    /// Waits for what Spark has said last, of which some may not have been read when Spark ended; whether
    /// there was any.
    async fn received_more(&self) -> bool {
        let began = Instant::now();
        let is_receiving = || self.sources.iter().any(|one| one.source().is_receiving());
        // What nobody has begun to receive is begun meanwhile.
        tokio::time::sleep(RECEIVED).await;
        let more = is_receiving();
        while is_receiving() && began.elapsed() < ALL_RECEIVED {
            tokio::time::sleep(RECEIVED).await;
        }
        more
    }

    /// What each source that is there has to say, in their order.
    async fn reports(&self, began: Instant, budget: Duration) -> Vec<Arc<Report>> {
        let deadline = tokio::time::Instant::from_std(began) + budget;
        let there = self.sources.iter().filter(|one| one.source().is_there());
        // All are asked before the first is waited for.
        let asked: Vec<_> = there.map(|one| (one.source().name(), one.join())).collect();
        let mut reports = Vec::with_capacity(asked.len());
        for (name, reading) in asked {
            let in_time = timeout_at(deadline, reading).await.ok().flatten();
            let report = in_time.unwrap_or_else(|| {
                let late = Report::late(name, began.elapsed());
                self.own.report(&late);
                Arc::new(late)
            });
            reports.push(report);
        }
        reports
    }

    /// What another source can say where this one cannot.
    fn in_place_of(&self, report: &Report) -> Option<Reading> {
        report.result.as_ref().err()?;
        let mut others = self.sources.iter().map(Coalesced::source);
        let reading = others.find_map(|other| other.in_place_of(report.source))?;
        self.own.reading(&reading);
        Some(reading)
    }

    /// What is to be said of Spark's container now that it has ended, and its last figures.
    async fn container_exit(&self, evidence: Evidence) -> (Page, Option<Page>) {
        let evidence = self.watcher.evidence(evidence).await;
        let figures = self.watcher.last_figures(self.container.last_figures().as_ref());
        let last = figures.map(|figures| self.container.page(&figures));
        (container_exit::page(self.container.container(), evidence), last)
    }
}

/// What the reports show of Spark.
fn signs(reports: &[Arc<Report>]) -> Signs {
    let (mut jvm, mut answered) = (Jvm::Unknown, false);
    for Report { source, result, .. } in reports.iter().map(AsRef::as_ref) {
        match result {
            Ok(reading) if *source == Processes::NAME => {
                jvm = if reading.shows_spark { Jvm::Runs } else { Jvm::Absent };
            }
            Ok(_) => answered = true,
            Err(_) => {}
        }
    }
    Signs { jvm, answered }
}

impl Past {
    /// Logs what has changed with a source, and only that.
    fn tell(&mut self, report: &Report, seen_spark: bool) {
        let (source, now) = (report.source, report.failure());
        if self.states.insert(source, now) == Some(now) {
            return;
        }
        match &report.result {
            Ok(_) => info!(source, "source answers"),
            Err(Failure { reason, sentence, .. }) if seen_spark => {
                warn!(source, reason, "{sentence}");
            }
            // Spark is still starting: nothing to warn of.
            Err(Failure { reason, sentence, .. }) => info!(source, reason, "{sentence}"),
        }
    }
}
