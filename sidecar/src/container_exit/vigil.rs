//! The watch over one JVM and the memory of its container: a thread that waits in the kernel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::Evidence;
use super::events::{Events, Wake};
use super::pace::{Look, Pace};
use super::trace::{Exit, Trace};
use crate::shutdown;
use crate::sources::cgroup::{Figures, Held};
use crate::sources::processes::Identity;

/// How long the last reading may be waited for, once a scan has found the process gone.
const SETTLE: Duration = Duration::from_millis(200);

/// What the thread needs is little, and each is part of the container's memory.
const STACK: usize = 128 * 1024;

/// Watches Spark's JVM, once it is told which process that is.
#[derive(Debug, Default)]
pub struct Vigil {
    watched: Mutex<Option<Watched>>,
    end: Arc<Notify>,
}

#[derive(Debug)]
struct Watched {
    process: Identity,
    trace: Arc<Mutex<Trace>>,
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

impl Vigil {
    /// Watches that process from now on, and no other; if it is watched already, nothing changes.
    pub fn keep(&self, process: Identity, group: Arc<Held>) {
        let mut watched = lock(&self.watched);
        if watched.as_ref().is_some_and(|watched| watched.process == process) {
            return;
        }
        let (trace, over) = (Arc::<Mutex<Trace>>::default(), Arc::<AtomicBool>::default());
        let (unsettled, settled) = watch::channel(());
        let (readings, stop, end) = (Arc::clone(&trace), Arc::clone(&over), Arc::clone(&self.end));
        let started =
            thread::Builder::new().name("vigil".into()).stack_size(STACK).spawn(move || {
                watch(process, &group, &readings, &stop);
                drop(unsettled);
                end.notify_one();
            });
        if let Err(error) = started {
            // The trace stays empty, and the end will be noticed in the next look at the processes.
            warn!(%error, "Spark's JVM is not watched: how it ends will not be known");
        }
        *watched = Some(Watched { process, trace, settled, over });
    }

    /// Returns when the watched process has ended: once for each.
    pub async fn ended(&self) {
        self.end.notified().await;
    }

    /// What is known of the end, given how it became known. Waits for a moment if the process has
    /// ended so lately that its last reading is not done.
    pub async fn evidence(&self, of_life: shutdown::Evidence) -> Evidence {
        let settled = lock(&self.watched).as_ref().map(|watched| watched.settled.clone());
        if let Some(mut settled) = settled.filter(|_| of_life == shutdown::Evidence::ProcessGone) {
            let _ = timeout(SETTLE, settled.changed()).await;
        }
        match &*lock(&self.watched) {
            Some(watched) => lock(&watched.trace).evidence(of_life),
            None => of_life.into(),
        }
    }

    /// The last figures of the container of a process that has ended; `before` are those of the
    /// last scrape.
    #[must_use]
    pub fn last_figures(&self, before: Option<&Figures>) -> Option<Figures> {
        let watched = lock(&self.watched);
        lock(&watched.as_ref()?.trace).last_figures(before)
    }
}

/// Reads memory now and then, and everything when the process has ended.
fn watch(process: Identity, group: &Held, trace: &Mutex<Trace>, over: &AtomicBool) {
    let mut events = Events::default();
    if let Err(error) = events.watch_process(process.pid) {
        // Its end shows in that its group is gone.
        info!(%error, "the end of Spark's JVM will be noticed a second late");
    }
    if let Some(path) = group.memory_events()
        && let Err(error) = events.watch_file(&path)
    {
        debug!(%error, "memory.events will be read every second");
    }
    let (mut pace, mut look) = (Pace::new(Instant::now()), Look::Whole);
    while !over.load(Ordering::Relaxed) {
        // A kill is worth a look at what there was to kill for.
        let whole = look == Look::Whole || lock(trace).count(group.oom_kills(), Instant::now());
        match whole.then(|| group.memory()) {
            Some(Some(memory)) => lock(trace).reading(memory, Instant::now()),
            Some(None) if !events.knows_the_end() => {
                return lock(trace).ended(Exit::Missed, Instant::now());
            }
            // There are no memory figures, or none any more, and the end will be told; or the
            // count was enough.
            _ => {}
        }
        let wake = events.wait(pace.patience(Instant::now()));
        if wake == Wake::Ended {
            let exit = group.read().map_or(Exit::Missed, |figures| Exit::Read(Box::new(figures)));
            return lock(trace).ended(exit, Instant::now());
        }
        look = pace.look(wake, Instant::now());
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // A holder that panics leaves whole values behind.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
