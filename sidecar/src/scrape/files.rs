//! The two sources that are files: the processes, and through Spark's own the control group.
//!
//! They are read on a thread of their own. Reading the directory of a process may block for as long
//! as the kernel is busy freeing memory for that process, and a container at its memory limit is
//! when the sidecar must neither fall silent nor outstay its pod.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::collect::guarded;
use super::{Failure, Figures, Report, Source};
use crate::container_exit::{self, Vigil};
use crate::exposition::Page;
use crate::shutdown::{Evidence, Jvm};
use crate::sources::cgroup::{self, Held};
use crate::sources::processes::{Identity, Pss, Tracker};

/// Reads processes and control group.
#[derive(Debug, Clone)]
pub struct Files {
    proc_root: PathBuf,
    container: String,
    /// Locked for as long as a read lasts.
    tracker: Arc<Mutex<Tracker>>,
    /// Never locked for long.
    group: Arc<Mutex<Group>>,
    vigil: Arc<Vigil>,
    pss: Option<Arc<Pss>>,
}

/// The control group of Spark's JVM.
#[derive(Debug, Default)]
struct Group {
    /// Held open, once the JVM was found.
    held: Option<(Identity, Arc<Held>)>,
    /// What was read last.
    figures: Option<cgroup::Figures>,
}

/// What both sources gave.
#[derive(Debug)]
pub struct FileReports {
    /// The processes' and the control group's parts.
    pub reports: [Report; 2],
    /// Whether Spark's JVM was among the processes.
    pub jvm: Jvm,
}

/// What is said of Spark's container when it has ended.
#[derive(Debug)]
pub struct LastState {
    /// How it ended.
    pub state: Page,
    /// Its control group's last figures, where they are later than what a scrape read.
    pub cgroup: Option<Page>,
}

impl Files {
    /// A reader of the process file system there, for the Spark container of that name.
    #[must_use]
    pub fn new(proc_root: PathBuf, container: String) -> Self {
        let tracker = Arc::new(Mutex::new(Tracker::new(proc_root.clone())));
        let (group, vigil) = (Arc::default(), Arc::default());
        Self { proc_root, container, tracker, group, vigil, pss: None }
    }

    /// The same, which also reads what Python processes share, so often.
    #[must_use]
    pub fn with_pss(self, interval: Duration) -> Self {
        let pss = Some(Arc::new(Pss::new(self.proc_root.clone(), interval)));
        Self { pss, ..self }
    }

    /// Both sources' figures, or failures if they are not there by the deadline.
    pub async fn read(&self, deadline: tokio::time::Instant) -> FileReports {
        let began = Instant::now();
        if matches!(self.tracker.try_lock(), Err(TryLockError::WouldBlock)) {
            return both(&Failure::new("busy", "the read before has not come back"), began);
        }
        let files = self.clone();
        let reading = tokio::task::spawn_blocking(move || files.read_now());
        let reports = match tokio::time::timeout_at(deadline, reading).await {
            Ok(Ok(reports)) => reports,
            Ok(Err(_)) => both(&Failure::panicked(), began),
            Err(_) => both(&Failure::deadline(), began),
        };
        let held = self.group().held.clone();
        if let Some((process, held)) = held {
            self.vigil.keep(process, held);
        }
        reports
    }

    /// Returns when Spark's JVM has ended: once, and at once.
    pub async fn jvm_ended(&self) {
        self.vigil.ended().await;
    }

    /// What is to be said now that Spark has ended.
    pub async fn last_state(&self, evidence: Evidence) -> LastState {
        let state = container_exit::page(&self.container, self.vigil.evidence(evidence).await);
        let figures = self.vigil.last_figures(self.group().figures.as_ref());
        let cgroup = figures.map(|figures| {
            let mut page = Page::new();
            figures.write(&self.container, &mut page);
            page
        });
        LastState { state, cgroup }
    }

    fn read_now(&self) -> FileReports {
        let mut tracker = self.tracker();
        let (mut jvm, mut spark) = (Jvm::Unknown, None);
        // A panic in here takes the control group along, which cannot be found without the pid.
        let processes = timed(Source::Processes, || {
            let snapshot = tracker.scan().map_err(|error| Failure::new(error.reason(), error))?;
            spark = snapshot.spark();
            jvm = if spark.is_some() { Jvm::Runs } else { Jvm::Absent };
            let mut page = Page::new();
            snapshot.write(&mut page);
            if let Some(pss) = &self.pss {
                pss.refresh(snapshot.python());
                pss.write(&mut page);
            }
            Ok(Figures { page, show_spark: spark.is_some(), ..Figures::default() })
        });
        let cgroup = timed(Source::Cgroup, || guarded(|| self.read_group(spark)));
        FileReports { reports: [cgroup, processes], jvm }
    }

    fn read_group(&self, spark: Option<Identity>) -> Result<Figures, Failure> {
        let spark = spark.ok_or_else(|| {
            Failure::new("no_process", "no process of Spark's to find its control group by")
        })?;
        let failure = |error: cgroup::CgroupError| Failure::new(error.reason(), error);
        let known = self.group().held.clone().filter(|(process, _)| *process == spark);
        let held = match known {
            Some((_, held)) => held,
            None => Arc::new(Held::open(&self.proc_root, spark.pid).map_err(failure)?),
        };
        let figures = held.read().inspect_err(|_| self.group().held = None).map_err(failure)?;
        let mut page = Page::new();
        figures.write(&self.container, &mut page);
        *self.group() = Group { held: Some((spark, held)), figures: Some(figures) };
        Ok(Figures { page, show_spark: true, ..Figures::default() })
    }

    fn group(&self) -> MutexGuard<'_, Group> {
        // Nothing is half done when a holder panics.
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(|poisoned| {
            // A scan panicked: what it left behind is not to be built upon.
            let mut tracker = poisoned.into_inner();
            *tracker = Tracker::new(self.proc_root.clone());
            self.tracker.clear_poison();
            tracker
        })
    }
}

fn timed(source: Source, read: impl FnOnce() -> Result<Figures, Failure>) -> Report {
    let began = Instant::now();
    let result = read();
    Report { source, took: began.elapsed(), result }
}

fn both(failure: &Failure, began: Instant) -> FileReports {
    let took = began.elapsed();
    let report = |source| Report { source, took, result: Err(failure.clone()) };
    FileReports { reports: [report(Source::Cgroup), report(Source::Processes)], jvm: Jvm::Unknown }
}
