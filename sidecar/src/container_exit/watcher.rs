//! The watch over one JVM and the memory of its container: a thread that waits in the kernel.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::Evidence;
use super::events::{Events, Wake};
use super::fate::Process;
use super::interval::{Extent, ReadInterval};
use super::node::NodeKills;
use super::verdict::{Exit, Verdict};
use crate::lock::lock;
use crate::sources::cgroup::{ControlGroup, Figures};
use crate::sources::processes::Identity;

/// How long the last reading may be waited for, once a scan has found the process gone.
const SETTLE: Duration = Duration::from_millis(200);

/// How long after a kill was counted the JVM is looked at: the kernel counts first and kills then.
const KILLED: Duration = Duration::from_millis(50);

/// What the thread needs is little, and each is part of the container's memory.
const STACK: usize = 128 * 1024;

/// Watches Spark's JVM, once it is told which process that is.
#[derive(Debug, Default)]
pub struct Watcher {
    watched: Mutex<Option<Watched>>,
    end: Arc<Notify>,
}

#[derive(Debug)]
struct Watched {
    process: Identity,
    verdict: Arc<Mutex<Verdict>>,
    /// Closed when the process has ended and the last reading is done.
    settled: watch::Receiver<()>,
    /// Tells the thread to end.
    over: Arc<AtomicBool>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Watcher {
    /// Watches that process from now on, and no other; if it is watched already, nothing changes.
    /// `proc_root` is where the process file system is mounted.
    pub fn watch(&self, process: Identity, group: Arc<ControlGroup>, proc_root: &Path) {
        let mut watched = lock(&self.watched);
        if watched.as_ref().is_some_and(|watched| watched.process == process) {
            return;
        }
        let (verdict, over) = (Arc::<Mutex<Verdict>>::default(), Arc::<AtomicBool>::default());
        let (unsettled, settled) = watch::channel(());
        let (readings, stop, end) =
            (Arc::clone(&verdict), Arc::clone(&over), Arc::clone(&self.end));
        let mut place = Place {
            process: Process::find(proc_root, process),
            node: NodeKills::of(proc_root),
            group,
        };
        let started = thread::Builder::new().name("container-exit".into()).stack_size(STACK).spawn(
            move || {
                watch(process.pid, &mut place, &readings, &stop);
                drop(unsettled);
                end.notify_one();
            },
        );
        if let Err(error) = started {
            // The verdict stays empty, and the end will be noticed in the next look at the processes.
            warn!(%error, "Spark's JVM is not watched: how it ends will not be known");
        }
        *watched = Some(Watched { process, verdict, settled, over });
    }

    /// Returns when the watched process has ended: once for each.
    pub async fn ended(&self) {
        self.end.notified().await;
    }

    /// What is known of the end, given what the scrapes have seen of it, and when the JVM reported in order
    /// to end, if it did. Waits for a moment if the process has ended so lately that its last reading is
    /// not done.
    pub async fn evidence(&self, seen: Evidence, last_report: Option<Instant>) -> Evidence {
        let settled = lock(&self.watched).as_ref().map(|watched| watched.settled.clone());
        if let Some(mut settled) = settled.filter(|_| seen == Evidence::ProcessGone) {
            let _ = timeout(SETTLE, settled.changed()).await;
        }
        match &*lock(&self.watched) {
            Some(watched) => lock(&watched.verdict).evidence(seen, last_report),
            None => seen,
        }
    }

    /// The last figures of the container of a process that has ended; `before` are those of the
    /// last scrape.
    #[must_use]
    pub fn last_figures(&self, before: Option<&Figures>) -> Option<Figures> {
        let watched = lock(&self.watched);
        lock(&watched.as_ref()?.verdict).last_figures(before)
    }
}

/// Where what there is to know of one JVM's end can be read.
#[derive(Debug)]
struct Place {
    group: Arc<ControlGroup>,
    process: Process,
    node: NodeKills,
}

impl Place {
    /// Everything, once the process has ended: first what is gone first.
    fn exit(&mut self) -> Exit {
        let fate = self.process.fate();
        let figures = self.group.read().ok().map(Box::new);
        Exit { figures, fate, node_kills: self.node.count() }
    }
}

/// Reads memory now and then, and everything when the process has ended.
fn watch(pid: u32, place: &mut Place, verdict: &Mutex<Verdict>, over: &AtomicBool) {
    let mut events = Events::default();
    if let Err(error) = events.watch_process(pid) {
        // Its end shows in that its group is gone.
        info!(%error, "the end of Spark's JVM will be noticed a second late");
    }
    let events_file = place.group.memory_events();
    // Where the kernel tells of kills, they are read before the group is removed.
    let reads_node = events_file.is_none();
    if let Some(path) = events_file
        && let Err(error) = events.watch_file(&path)
    {
        debug!(%error, "memory.events will be read every second");
    }
    let (mut interval, mut extent) = (ReadInterval::new(Instant::now()), Extent::Memory);
    while !over.load(Ordering::Relaxed) {
        let mut risen = false;
        if extent == Extent::OomKills {
            risen = lock(verdict).count(place.group.oom_kills(), Instant::now());
        }
        // A kill is worth a look at what there was to kill for.
        if extent == Extent::Memory || risen {
            if reads_node {
                // Before the container's own: a kill in between is in that one.
                let kills = place.node.count();
                lock(verdict).node_kills(kills);
            }
            match place.group.memory() {
                Some(memory) => risen |= lock(verdict).reading(memory, Instant::now()),
                None if !events.knows_the_end() => {
                    return lock(verdict).ended(place.exit(), Instant::now());
                }
                // There are no memory figures, or none any more, and the end will be told.
                None => {}
            }
        }
        let mut wake = Wake::Nothing;
        if risen {
            wake = events.wait_for_the_end(KILLED);
            if wake != Wake::Ended {
                lock(verdict).after_kill(place.process.fate());
            }
        }
        if wake != Wake::Ended {
            wake = events.wait(interval.wait(Instant::now()));
        }
        if wake == Wake::Ended {
            return lock(verdict).ended(place.exit(), Instant::now());
        }
        extent = interval.extent(wake, Instant::now());
    }
}
