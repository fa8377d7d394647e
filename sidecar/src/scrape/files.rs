//! The two sources that are files: the processes, and through Spark's own the control group.
//!
//! They are read on a thread of their own. Reading the directory of a process may block for as long
//! as the kernel is busy freeing memory for that process, and a container at its memory limit is
//! when the sidecar must neither fall silent nor outstay its pod.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Instant;

use super::collect::guarded;
use super::{Failure, Figures, Report, Source};
use crate::cgroup;
use crate::exposition::Page;
use crate::life::Jvm;
use crate::processes::Tracker;

/// Reads processes and control group.
#[derive(Debug, Clone)]
pub struct Files {
    proc_root: PathBuf,
    container: String,
    /// Locked for as long as a read lasts.
    tracker: Arc<Mutex<Tracker>>,
}

/// What both sources gave.
#[derive(Debug)]
pub struct FileReports {
    /// The processes' and the control group's parts.
    pub reports: [Report; 2],
    /// Whether Spark's JVM was among the processes.
    pub jvm: Jvm,
}

impl Files {
    /// A reader of the process file system there, for the Spark container of that name.
    #[must_use]
    pub fn new(proc_root: PathBuf, container: String) -> Self {
        let tracker = Arc::new(Mutex::new(Tracker::new(proc_root.clone())));
        Self { proc_root, container, tracker }
    }

    /// Both sources' figures, or failures if they are not there by the deadline.
    pub async fn read(&self, deadline: tokio::time::Instant) -> FileReports {
        let began = Instant::now();
        if matches!(self.tracker.try_lock(), Err(TryLockError::WouldBlock)) {
            return both(&Failure::new("busy", "the read before has not come back"), began);
        }
        let files = self.clone();
        let reading = tokio::task::spawn_blocking(move || files.read_now());
        match tokio::time::timeout_at(deadline, reading).await {
            Ok(Ok(reports)) => reports,
            Ok(Err(_)) => both(&Failure::panicked(), began),
            Err(_) => both(&Failure::deadline(), began),
        }
    }

    fn read_now(&self) -> FileReports {
        let mut tracker = self.lock();
        let (mut jvm, mut pid) = (Jvm::Unknown, None);
        // A panic in here takes the control group along, which cannot be found without the pid.
        let processes = timed(Source::Processes, || {
            let snapshot = tracker.scan().map_err(|error| Failure::new(error.reason(), error))?;
            pid = snapshot.spark_pid();
            jvm = if pid.is_some() { Jvm::Runs } else { Jvm::Absent };
            let mut page = Page::new();
            snapshot.write(&mut page);
            Ok(Figures { page, show_spark: pid.is_some(), ..Figures::default() })
        });
        let read_cgroup = || {
            let pid = pid.ok_or_else(|| {
                Failure::new("no_process", "no process of Spark's to find its control group by")
            })?;
            let figures = cgroup::read(&self.proc_root, pid)
                .map_err(|error| Failure::new(error.reason(), error))?;
            let mut page = Page::new();
            figures.write(&self.container, &mut page);
            Ok(Figures { page, show_spark: true, ..Figures::default() })
        };
        let cgroup = timed(Source::Cgroup, || guarded(read_cgroup));
        FileReports { reports: [cgroup, processes], jvm }
    }

    fn lock(&self) -> MutexGuard<'_, Tracker> {
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
