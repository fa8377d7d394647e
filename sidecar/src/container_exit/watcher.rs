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
use super::fate::{Fate, Process};
use super::interval::{Extent, ReadInterval};
use super::node::NodeKills;
use super::perf_data::PerfData;
use super::readings::{Exit, Readings};
use super::verdict::JvmEnd;
use crate::lock::lock;
use crate::sources::cgroup::{ControlGroup, Figures};
use crate::sources::processes::Identity;

/// How long the last reading may be waited for, once a scan has found the process gone: what a thread may
/// need to run on a busy machine.
const SETTLE: Duration = Duration::from_secs(1);

/// How often the JVM is looked at while a kill may have met it.
const LOOK: Duration = Duration::from_millis(100);

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
    readings: Arc<Mutex<Readings>>,
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
        let (readings, over) = (Arc::<Mutex<Readings>>::default(), Arc::<AtomicBool>::default());
        let (unsettled, settled) = watch::channel(());
        let (read, stop, end) = (Arc::clone(&readings), Arc::clone(&over), Arc::clone(&self.end));
        let mut place = Place {
            process: Process::find(proc_root, process),
            perf_data: PerfData::of(proc_root, process.pid),
            node: NodeKills::of(proc_root),
            group,
        };
        let started = thread::Builder::new().name("container-exit".into()).stack_size(STACK).spawn(
            move || {
                watch(process.pid, &mut place, &read, &stop);
                // No file of the container's is held open any longer.
                drop(place);
                drop(unsettled);
                end.notify_one();
            },
        );
        if let Err(error) = started {
            // Nothing is ever read, and the end will be noticed in the next look at the processes.
            warn!(%error, "Spark's JVM is not watched: how it ends will not be known");
        }
        *watched = Some(Watched { process, readings, settled, over });
    }

    /// Returns when the watched process has ended: once for each.
    pub async fn ended(&self) {
        self.end.notified().await;
    }

    /// What is known of the end, given what the scrapes have seen of it. Waits for a moment if the process
    /// has ended so lately that its last reading is not done.
    pub async fn evidence(&self, seen: Evidence) -> Evidence {
        let settled = lock(&self.watched).as_ref().map(|watched| watched.settled.clone());
        if let Some(mut settled) = settled.filter(|_| seen == Evidence::ProcessGone) {
            let _ = timeout(SETTLE, settled.changed()).await;
        }
        match &*lock(&self.watched) {
            Some(watched) => lock(&watched.readings).evidence(seen),
            None => seen,
        }
    }

    /// The last figures of the container of a process that has ended; `before` are those of the
    /// last scrape.
    #[must_use]
    pub fn last_figures(&self, before: Option<&Figures>) -> Option<Figures> {
        let watched = lock(&self.watched);
        lock(&watched.as_ref()?.readings).last_figures(before)
    }
}

/// Where what there is to know of one JVM's end can be read.
#[derive(Debug)]
struct Place {
    group: Arc<ControlGroup>,
    process: Process,
    perf_data: PerfData,
    node: NodeKills,
}

impl Place {
    /// Everything, once the process has ended: first what is gone first.
    fn exit(&mut self) -> Exit {
        let fate = self.process.fate();
        let figures = self.group.read().ok().map(Box::new);
        let end = match fate {
            Fate::Killed => JvmEnd::ByForce,
            Fate::NotKilled => JvmEnd::ByItself,
            // Its parent was faster.
            Fate::GoesOn | Fate::Unknown => self.perf_data.end(),
        };
        Exit { figures, end, node_kills: self.node.count() }
    }
}

/// Reads memory now and then, and everything when the process has ended.
fn watch(pid: u32, place: &mut Place, readings: &Mutex<Readings>, over: &AtomicBool) {
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
            risen = lock(readings).count(place.group.oom_kills(), Instant::now());
        }
        // A kill is worth a look at what there was to kill for.
        if extent == Extent::Memory || risen {
            if reads_node {
                // Before the container's own: a kill in between is in that one.
                let kills = place.node.count();
                lock(readings).node_kills(kills);
            }
            match place.group.memory() {
                Some(memory) => lock(readings).reading(memory, Instant::now()),
                None if !events.knows_the_end() => {
                    return lock(readings).ended(place.exit(), Instant::now());
                }
                // There are no memory figures, or none any more, and the end will be told.
                None => {}
            }
            place.perf_data.reading(|| place.process.fate());
        }
        let mut wait = interval.wait(Instant::now());
        if lock(readings).asks_for_a_look() {
            let fate = place.process.fate();
            lock(readings).look(fate, Instant::now());
            wait = wait.min(LOOK);
        }
        let wake = events.wait(wait);
        if wake == Wake::Ended {
            return lock(readings).ended(place.exit(), Instant::now());
        }
        extent = interval.extent(wake, Instant::now());
    }
}
