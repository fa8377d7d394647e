//! What Python processes really take, shared pages divided among those who share them.
//!
//! Workers are forks of one daemon: the sum of their resident memory counts each page that they share
//! as often as there are workers. The kernel works the fair share out page by page (`smaps_rollup`,
//! `Documentation/filesystems/proc.rst`), some 15 ms for each GiB, while the process may have to wait
//! for its own memory map; so it is asked rarely, on a thread of its own, and only if that is wanted.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tracing::debug;

use super::kind::ProcessKind;
use crate::exposition::{Described, Page};
use crate::kernel_files::{Buffer, lines, number, pair};
use crate::lock::lock;

pub(super) const PSS: Described = Described::gauge(
    "spark_process_proportional_memory_bytes",
    &["kind"],
    "Resident memory of the Spark container's Python processes, pages that several share divided among them; read now and then, if --pss-interval-seconds says so (/proc/<pid>/smaps_rollup Pss).",
);

/// So many processes are asked at most.
const PROCESSES: usize = 1024;

/// Reads proportional set sizes now and then.
#[derive(Debug)]
pub(super) struct Pss {
    proc_root: PathBuf,
    interval: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// When the last reading began; while one is under way, no other begins.
    began: Option<Instant>,
    busy: bool,
    bytes: [Option<u64>; ProcessKind::COUNT],
}

impl Pss {
    /// A reader of the process file system there, which waits that long between two readings.
    #[must_use]
    pub(super) fn new(proc_root: PathBuf, interval: Duration) -> Self {
        Self { proc_root, interval, state: Arc::default() }
    }

    /// Begins another reading of these processes if one is due.
    pub(super) fn refresh(&self, processes: &[(u32, ProcessKind)]) {
        let mut state = lock(&self.state);
        let due = state.began.is_none_or(|began| began.elapsed() >= self.interval);
        if state.busy || !due {
            return;
        }
        (state.busy, state.began) = (true, Some(Instant::now()));
        let (root, result) = (self.proc_root.clone(), Arc::clone(&self.state));
        let processes: Vec<_> = processes.iter().copied().take(PROCESSES).collect();
        let started =
            thread::Builder::new().name("pss".into()).stack_size(128 * 1024).spawn(move || {
                let bytes = read(&root, &processes);
                let mut state = lock(&result);
                (state.busy, state.bytes) = (false, bytes);
            });
        if let Err(error) = started {
            debug!(%error, "proportional memory is not read this time");
            state.busy = false;
        }
    }

    /// Writes the last reading.
    pub(super) fn write(&self, page: &mut Page) {
        let bytes = lock(&self.state).bytes;
        for (kind, bytes) in ProcessKind::ALL.into_iter().zip(bytes) {
            if let Some(bytes) = bytes {
                page.put(&PSS, &[("kind", kind.as_str())], bytes as f64);
            }
        }
    }
}

/// The sums by kind; processes that are gone or withheld do not count.
fn read(root: &Path, processes: &[(u32, ProcessKind)]) -> [Option<u64>; ProcessKind::COUNT] {
    let mut buffer = Buffer::default();
    let mut sums = [None; ProcessKind::COUNT];
    for (pid, kind) in processes {
        let path = root.join(pid.to_string()).join("smaps_rollup");
        if let Some(bytes) = buffer.whole(&path).ok().and_then(pss) {
            let sum: &mut u64 = sums[*kind as usize].get_or_insert_default();
            *sum = sum.saturating_add(bytes);
        }
    }
    sums
}

/// `Pss:  123 kB`
pub(super) fn pss(file: &[u8]) -> Option<u64> {
    let values = lines(file).filter_map(pair).filter(|(key, _)| *key == b"Pss");
    let mut bytes =
        values.filter_map(|(_, kib)| number(kib.strip_suffix(b"kB")?)?.checked_mul(1024));
    bytes.next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after_reading(pss: &Pss) -> [Option<u64>; ProcessKind::COUNT] {
        for _ in 0..1000 {
            if !lock(&pss.state).busy {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        lock(&pss.state).bytes
    }

    #[test]
    fn this_process_is_asked_once_in_a_while() {
        let pss = Pss::new("/proc".into(), Duration::from_mins(10));
        pss.refresh(&[
            (std::process::id(), ProcessKind::PythonWorker),
            (0, ProcessKind::PythonDaemon),
        ]);
        let first = after_reading(&pss);
        assert!(first[ProcessKind::PythonWorker as usize].unwrap() > 100_000);
        assert_eq!(first[ProcessKind::PythonDaemon as usize], None);
        // Not due yet: what is gone by now is not asked for.
        pss.refresh(&[]);
        assert_eq!(after_reading(&pss), first);
        let mut page = Page::new();
        pss.write(&mut page);
        let [family] = page.families() else { panic!("{page:?}") };
        assert_eq!(family.samples.len(), 1);
    }

    #[test]
    fn the_shares_of_a_kind_are_added_up() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, kib) in [(7, 100), (8, 28)] {
            let directory = proc.path().join(pid.to_string());
            std::fs::create_dir(&directory).unwrap();
            let text = format!(
                "55a0-7ffc ---p 00000000 00:00 0    [rollup]\nRss:   900 kB\nPss:    {kib} kB\nPss_Dirty: 5 kB\n"
            );
            std::fs::write(directory.join("smaps_rollup"), text).unwrap();
        }
        let pss = Pss::new(proc.path().into(), Duration::ZERO);
        pss.refresh(&[(7, ProcessKind::PythonWorker), (8, ProcessKind::PythonWorker)]);
        assert_eq!(after_reading(&pss)[ProcessKind::PythonWorker as usize], Some(128 * 1024));
        // When the workers are gone, so is what they took.
        pss.refresh(&[]);
        assert_eq!(after_reading(&pss)[ProcessKind::PythonWorker as usize], None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(Pss:? ?[0-9]{0,22} ?k?B?\n){0,3}") {
            let _ = (pss(&bytes), pss(text.as_bytes()));
        }
    }
}
