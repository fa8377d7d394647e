//! The processes of the Spark container: which they are, and what they use, by kind.
//!
//! In a pod with a shared process namespace every container's processes are visible: the pause
//! container's, our own, and next to Spark's JVM all that it has started. [`Tracker::scan`] finds
//! the JVM, tells the container's processes from the others', and adds up what they use.
//!
//! `/proc` is read here, not through `sysinfo`: that crate reads nothing but the machine's own
//! `/proc`, walks each thread for a count of threads that `stat` has, knows nothing of `cutime`,
//! and takes more than twice the CPU time. A test holds the figures against its own.

mod accounts;
#[cfg(test)]
pub(crate) mod fake;
mod kind;
pub(crate) mod membership;
mod owner;
pub(crate) mod proc_root;
mod program;
mod pss;
mod snapshot;
pub(crate) mod stat;
mod tracker;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub use kind::ProcessKind;
pub use owner::Owner;
pub use snapshot::{Identity, Snapshot, Usage, documented};
pub use tracker::Tracker;

use super::{Failure, Read, Reading, Repairs, Source, on_the_file_thread, with_unparsed_lines};
use crate::exposition::Page;
use crate::lock::lock;
use pss::Pss;

/// The processes of the pod, as a source.
#[derive(Debug)]
pub struct Processes {
    proc_root: PathBuf,
    tracker: Mutex<Tracker>,
    spark: Mutex<Option<Identity>>,
    pss: Option<Pss>,
}

impl Processes {
    /// The source's name.
    pub const NAME: &str = "processes";

    /// Those of the process file system there; what Python processes share is read so often, if at
    /// all.
    #[must_use]
    pub fn new(proc_root: PathBuf, pss_interval: Option<Duration>) -> Self {
        let tracker = Mutex::new(Tracker::new(proc_root.clone()));
        let pss = pss_interval.map(|interval| Pss::new(proc_root.clone(), interval));
        Self { proc_root, tracker, spark: Mutex::default(), pss }
    }

    /// Spark's JVM, as the last scan found it.
    #[must_use]
    pub fn spark(&self) -> Option<Identity> {
        *lock(&self.spark)
    }

    fn scan(&self) -> Result<Reading, Failure> {
        let mut tracker = self.tracker();
        let result = self.scan_with(&mut tracker);
        with_unparsed_lines(result, tracker.take_unparsed())
    }

    fn scan_with(&self, tracker: &mut Tracker) -> Result<Reading, Failure> {
        *lock(&self.spark) = None;
        let snapshot = tracker.scan().map_err(|error| Failure::new(error.reason(), error))?;
        *lock(&self.spark) = snapshot.spark();
        if let Some(error) = snapshot.shows_nothing() {
            return Err(Failure::new(error.reason(), error));
        }
        let mut page = Page::new();
        snapshot.write(&mut page);
        if let Some(pss) = &self.pss {
            pss.refresh(snapshot.python());
            pss.write(&mut page);
        }
        let shows_spark = snapshot.spark().is_some();
        Ok(Reading { shows_spark, ..Reading::new(page, Repairs::default()) })
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

impl Source for Processes {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn reasons(&self) -> &'static [&'static str] {
        &ProcessError::REASONS
    }

    fn read(self: Arc<Self>) -> Read {
        on_the_file_thread(move || self.scan())
    }
}

/// Why no processes can be told.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The process file system cannot be listed.
    #[error("cannot list the processes in {path}: {source}")]
    Unlistable {
        /// The root of the process file system.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The pod's containers do not share their process namespace: we are process 1 of our own.
    #[error(
        "the Spark container's processes are not visible: the pod does not set shareProcessNamespace"
    )]
    NotShared,
    /// There is no JVM of Spark's, and there has been none.
    #[error("no process of Spark's is there: it has not started, or runs as no known program")]
    NoSpark,
    /// There is one, but by its control group it is in another pod.
    #[error("Spark runs in other pods only: what the pod sees are the processes of its node")]
    SparkOfAnotherPod,
}

impl ProcessError {
    /// Every reason that there may be.
    pub const REASONS: [&str; 4] =
        ["proc_unlistable", "process_namespace_not_shared", "no_spark", "spark_of_another_pod"];

    /// The reason as a label's value.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unlistable { .. } => "proc_unlistable",
            Self::NotShared => "process_namespace_not_shared",
            Self::NoSpark => "no_spark",
            Self::SparkOfAnotherPod => "spark_of_another_pod",
        }
    }
}

/// Reads these bytes as each of the files there are of a process, which comes to an end whatever
/// they are.
///
/// # Panics
///
/// If more lines are left out than there are.
#[cfg(any(test, fuzzing))]
pub fn read_as_each_file(bytes: &[u8]) {
    use crate::kernel_files::{Unparsed, lines};

    let mut unparsed = Unparsed::default();
    let _ = stat::Stat::parse(bytes).map(|stat| (stat.resident_bytes(), stat.name().len()));
    let _ = proc_root::StorageBytes::parse(bytes, &mut unparsed);
    let _ = Owner::parse(bytes, &mut unparsed);
    let _ = membership::Container::parse(bytes, &mut unparsed);
    assert!(unparsed.0 <= 3 * lines(bytes).count() as u64, "{unparsed:?}");
    let _ = pss::pss(bytes);
    let _ = program::Program::parse(&bytes[..bytes.len().min(15)], bytes);
    let (own, other) = bytes.split_at(bytes.len() / 2);
    let _ = membership::same_pod(own, other);
}

#[cfg(test)]
mod tests {
    use super::fake::{Fake, FakeProc};
    use super::*;

    const SPARK: &str = "java org.apache.spark.executor.CoarseGrainedExecutorBackend";

    /// What becomes of a scan in a pod where Spark is in that control group.
    fn scan(spark: Option<&str>) -> Result<Reading, Failure> {
        let proc = FakeProc::new(12);
        proc.put(&Fake { cgroup: "0::/\n".into(), ..Fake::new(12, 0, "sidecar", "/sidecar") });
        if let Some(cgroup) = spark {
            proc.put(&Fake { cgroup: cgroup.into(), ..Fake::new(21, 0, "java", SPARK) });
        }
        Processes::new(proc.path().into(), None).scan()
    }

    #[test]
    fn a_pod_in_which_nothing_of_sparks_is_seen_is_a_failure_with_its_reason() {
        let reason = |spark| scan(spark).map_err(|failure| failure.reason).err();
        assert_eq!(reason(None), Some("no_spark"));
        assert_eq!(reason(Some("0::/../../podB/spark\n")), Some("spark_of_another_pod"));
        assert_eq!(reason(Some("0::/../spark\n")), None);
        assert_eq!(reason(Some("0::/../../crio-spark.scope/container\n")), None);
    }

    #[test]
    fn lines_that_cannot_be_read_are_left_out_and_counted() {
        let proc = FakeProc::new(12);
        proc.put(&Fake { cgroup: "0::/\n".into(), ..Fake::new(12, 0, "sidecar", "/sidecar") });
        let cgroup = "no group\n0::/../spark\n\u{0}\n".into();
        proc.put(&Fake { cgroup, ..Fake::new(21, 0, "java", SPARK) });
        proc.file("21/io", "rchar: 1\n(unknown)\nread_bytes: 4096\nwrite_bytes: 8192\n");
        proc.put(&Fake::new(22, 21, "x", "x"));
        proc.file("22/stat", "22 no stat at all");
        let processes = Processes::new(proc.path().into(), None);
        let reading = processes.scan().unwrap();
        assert_eq!((reading.unparsed_lines, reading.shows_spark), (Some(4), true));
        let read =
            reading.page.families().iter().find(|it| it.name == "spark_process_read_bytes_total");
        assert_eq!(read.unwrap().samples.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), text in "([0-9a-zA-Z_()]{0,8}[: \t/.]?){0,60}\n?") {
            read_as_each_file(&bytes);
            read_as_each_file(text.as_bytes());
        }
    }

    #[test]
    fn after_sparks_end_its_figures_are_no_failure() {
        let proc = FakeProc::new(12);
        proc.put(&Fake { cgroup: "0::/\n".into(), ..Fake::new(12, 0, "sidecar", "/sidecar") });
        proc.put(&Fake::new(21, 0, "java", SPARK));
        let processes = Processes::new(proc.path().into(), None);
        assert!(processes.scan().unwrap().shows_spark);
        proc.end(21);
        let reading = processes.scan().unwrap();
        assert!(!reading.shows_spark && !reading.page.is_empty());
    }
}
