//! What one scan found, and how it reads on the page.

use super::ProcessError;
use super::kind::ProcessKind;
use super::pss::PSS;
use super::stat::TICKS_PER_SECOND;
use crate::exposition::{Described, Page, Row};

/// The processes of the Spark container at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub(super) usages: [Option<Usage>; ProcessKind::COUNT],
    pub(super) spark: Option<Spark>,
    pub(super) python: Vec<(u32, ProcessKind)>,
    /// Whether there is a JVM of Spark's that is none of ours.
    pub(super) stranger: bool,
}

/// Which process: a process id is given to another when its process has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started, in ticks since boot.
    pub started: u64,
}

/// The JVM that Spark runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spark {
    pub(super) process: Identity,
    /// Its parent, at the time it was found.
    pub(super) parent: u32,
}

/// What the processes of one kind use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many there are; zombies do not count.
    pub count: u64,
    /// Their threads.
    pub threads: u64,
    /// Their resident memory in bytes. Pages that forks share count for each of them.
    pub resident_bytes: u64,
    /// Their open file descriptors, as far as they may be seen.
    pub open_fds: Option<u64>,
    /// CPU time in ticks, that of ended processes included; never less than before.
    pub(super) cpu_ticks: u64,
    /// Bytes read from storage, as far as they may be seen; never less than before.
    pub read_bytes: Option<u64>,
    /// Bytes written to storage, as far as they may be seen; never less than before.
    pub written_bytes: Option<u64>,
}

impl Usage {
    /// Leaves the counters, and what is not known.
    pub(super) fn clear_gauges(&mut self) {
        (self.count, self.threads, self.resident_bytes) = (0, 0, 0);
        self.open_fds = self.open_fds.map(|_| 0);
    }

    /// CPU time in seconds, that of ended processes included; never less than before.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        self.cpu_ticks as f64 / TICKS_PER_SECOND
    }
}

impl Snapshot {
    /// Spark's JVM, while it runs.
    #[must_use]
    pub fn spark(&self) -> Option<Identity> {
        self.spark.map(|spark| spark.process)
    }

    /// The Python processes that run, and their kinds.
    #[must_use]
    pub fn python(&self) -> &[(u32, ProcessKind)] {
        &self.python
    }

    /// Why there is nothing, where nothing of Spark's was ever seen.
    pub(super) fn shows_nothing(&self) -> Option<ProcessError> {
        let seen = self.spark.is_some() || self.usages.iter().any(Option::is_some);
        let error =
            if self.stranger { ProcessError::SparkOfAnotherPod } else { ProcessError::NoSpark };
        (!seen).then_some(error)
    }

    /// What the processes of one kind use; `None` if none was ever seen.
    #[must_use]
    pub fn usage(&self, kind: ProcessKind) -> Option<&Usage> {
        self.usages[kind as usize].as_ref()
    }

    /// Writes the `spark_process*` families, each with the label `kind`.
    ///
    /// A kind that was seen once stays, at zero when its processes are gone.
    pub fn write(&self, page: &mut Page) {
        for kind in ProcessKind::ALL {
            if let Some(usage) = self.usage(kind) {
                page.put_all(&FAMILIES, &[("kind", kind.as_str())], usage);
            }
        }
    }
}

/// Every family of the scans.
#[rustfmt::skip]
const FAMILIES: [Row<Usage>; 7] = [
    (gauge("spark_processes",
        "Processes of the Spark container."),
        |it| Some(it.count as f64)),
    (gauge("spark_process_threads",
        "Threads of the Spark container's processes (/proc/<pid>/stat num_threads)."),
        |it| Some(it.threads as f64)),
    (gauge("spark_process_resident_memory_bytes",
        "Resident memory of the Spark container's processes; pages that forks share count for each of them (/proc/<pid>/stat rss)."),
        |it| Some(it.resident_bytes as f64)),
    (counter("spark_process_cpu_seconds_total",
        "User and system CPU time of the Spark container's processes, ended ones included (/proc/<pid>/stat utime, stime, cutime, cstime)."),
        |it| Some(it.cpu_seconds())),
    (gauge("spark_process_open_fds",
        "Open file descriptors of the Spark container's processes (/proc/<pid>/fd)."),
        |it| it.open_fds.map(|count| count as f64)),
    (counter("spark_process_read_bytes_total",
        "Bytes that the Spark container's processes had fetched from storage, ended ones included (/proc/<pid>/io read_bytes)."),
        |it| it.read_bytes.map(|bytes| bytes as f64)),
    (counter("spark_process_written_bytes_total",
        "Bytes that the Spark container's processes had sent to storage, ended ones included (/proc/<pid>/io write_bytes)."),
        |it| it.written_bytes.map(|bytes| bytes as f64)),
];

const fn gauge(name: &'static str, help: &'static str) -> Described {
    Described::gauge(name, &["kind"], help)
}

const fn counter(name: &'static str, help: &'static str) -> Described {
    Described::counter(name, &["kind"], help)
}

/// A page with every family of the processes and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    Page::of_described(FAMILIES.iter().map(|(metric, _)| metric).chain([&PSS]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::encode;

    #[test]
    fn a_kind_never_seen_is_absent_and_so_is_what_may_not_be_seen() {
        let mut snapshot = Snapshot::default();
        let usage = Usage { count: 2, cpu_ticks: 1234, ..Usage::default() };
        snapshot.usages[ProcessKind::PythonWorker as usize] = Some(usage);
        let mut page = Page::new();
        snapshot.write(&mut page);
        let mut text = Vec::new();
        encode::text(&page, &mut text);
        let text = String::from_utf8(text).unwrap();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "spark_processes{kind=\"python_worker\"} 2",
                "spark_process_threads{kind=\"python_worker\"} 0",
                "spark_process_resident_memory_bytes{kind=\"python_worker\"} 0",
                "spark_process_cpu_seconds_total{kind=\"python_worker\"} 12.34",
            ]
        );
    }
}
