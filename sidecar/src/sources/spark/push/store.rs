//! The last value of each name that was pushed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::args::Role;
use crate::exposition::Page;
use crate::lock::lock;
use crate::sources::spark::catalog::Unit;
use crate::sources::spark::names::{MetricField, Naming, Owner, Prefixes};
use crate::sources::spark::registry::Registry;
use crate::sources::spark::{Reason, Repairs, Wanted};

/// How many processes may push to one sidecar. In a pod there is one; `local-cluster` has a few.
const MAX_PROCESSES: usize = 8;

/// Most bytes of one process' values: 4,000 names of 64 bytes. Spark's own, about 250, take 32 KiB.
const MAX_BYTES: usize = 512 * 1024;

/// What a value takes beside its name.
const ENTRY: usize = 64;

/// Most bytes of the values of one connection that wait for the first metric that tells whose they
/// are; Spark's own come with the first lines.
const MAX_WAITING: usize = 64 * 1024;

/// Whose figures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Everyone's.
    All,
    /// All but the driver's: its page has them.
    Executors,
    /// The pod's driver's. Another application's driver, started from within the pod, pushes too:
    /// its figures are not what the pod's page would show.
    Driver,
}

/// What was pushed, shared between the receiver and the scrapes.
#[derive(Debug, Default)]
pub struct Store {
    inner: Mutex<Inner>,
    /// Connections that are open.
    open: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    processes: Vec<Process>,
    /// What became of lines since the last scrape.
    repairs: Repairs,
    last_line: Option<Instant>,
}

/// A process that pushes.
#[derive(Debug)]
struct Process {
    /// What its names start with.
    prefix: Box<str>,
    /// When its last value arrived.
    last: Instant,
    /// In order, so that the fields of a metric stand together.
    values: BTreeMap<Box<str>, f64>,
    /// What they take.
    bytes: usize,
}

/// One connection: the report of one process.
#[derive(Debug)]
pub(super) struct Connection {
    prefixes: Prefixes,
    /// Values that came before it was known whose they are.
    waiting: Vec<(Box<str>, f64)>,
    /// What those take.
    bytes: usize,
}

impl Default for Connection {
    fn default() -> Self {
        Self { prefixes: Prefixes::new(Naming::Graphite), waiting: Vec::new(), bytes: 0 }
    }
}

impl Store {
    /// When the last value arrived.
    #[must_use]
    pub fn last_push(&self) -> Option<Instant> {
        self.lock().processes.iter().map(|process| process.last).max()
    }

    /// When the last line arrived, be it good or not.
    #[must_use]
    pub fn last_line(&self) -> Option<Instant> {
        self.lock().last_line
    }

    /// Whether a report is under way.
    #[must_use]
    pub fn is_receiving(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// A connection is open.
    pub(super) fn begin(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// When the last value of the pod's driver arrived.
    #[must_use]
    pub fn last_push_of_driver(&self, wanted: &Wanted) -> Option<Instant> {
        self.lock().driver(wanted).map(|driver| driver.last)
    }

    /// The sum of one value over all processes of the pod's application.
    #[must_use]
    pub fn total(&self, key: &str, wanted: &Wanted) -> Option<f64> {
        let of_pod = wanted.application_id.as_deref();
        let inner = self.lock();
        let of_application = inner.processes.iter().filter(|process| {
            of_pod.is_none_or(|id| {
                process.owner().application_id(of_pod).is_some_and(|own| own == id)
            })
        });
        of_application.filter_map(|process| process.values.get(key)).copied().reduce(|a, b| a + b)
    }

    /// Writes every value that is kept into `page`.
    ///
    /// Samples get the labels `application_id` (the namespace in the pushed names where that is an
    /// id, or else the given one) and `executor_id`. What a process with the id `driver` pushed is
    /// named `spark_driver_…` and has no `executor_id`, as on the driver's page. Told is what became
    /// of these values, and which lines were dropped on arrival since the last call.
    pub fn write(&self, of: Of, wanted: &Wanted, page: &mut Page) -> Repairs {
        let mut inner = self.lock();
        let mut repairs = std::mem::take(&mut inner.repairs);
        let of_driver = (of == Of::Driver).then(|| inner.driver(wanted)).flatten();
        let others = inner.processes.iter().filter(|process| match of {
            Of::All => true,
            Of::Executors => !process.owner().is_driver(),
            Of::Driver => false,
        });
        for process in others.chain(of_driver) {
            repairs += &process.write(wanted, page);
        }
        repairs
    }

    /// Takes all lines of one connection, without their line feeds.
    pub fn take<'a>(&self, lines: impl Iterator<Item = &'a [u8]>, now: Instant) {
        let mut connection = Connection::default();
        self.begin();
        self.take_some(&mut connection, lines, now);
        self.end(connection, now);
    }

    /// Takes the next whole lines of a connection.
    pub(super) fn take_some<'a>(
        &self,
        connection: &mut Connection,
        lines: impl Iterator<Item = &'a [u8]>,
        now: Instant,
    ) {
        let mut inner = self.lock();
        let mut values = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            inner.last_line = Some(now);
            match parse(line) {
                Ok(None) => {}
                Ok(Some(value)) => values.push(value),
                Err(reason) => inner.repairs.add(reason),
            }
        }
        for (name, _) in &values {
            connection.prefixes.learn(name);
        }
        if connection.prefixes.owner().is_some() || connection.bytes > MAX_WAITING {
            inner.keep_waiting(connection, now);
        }
        for (name, value) in values {
            if let Some(prefix) = connection.prefixes.prefix(name) {
                inner.keep(prefix, connection.prefixes.key(name), value, now);
            } else {
                connection.bytes += name.len() + ENTRY;
                connection.waiting.push((name.into(), value));
            }
        }
    }

    /// The connection has ended: what waits is kept as well as can be told.
    pub(super) fn end(&self, mut connection: Connection, now: Instant) {
        self.lock().keep_waiting(&mut connection, now);
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a line that never became whole.
    pub(super) fn bad(&self, reason: Reason) {
        self.lock().repairs.add(reason);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing is half done when a holder panics: each step leaves a valid store.
        lock(&self.inner)
    }
}

impl Inner {
    /// The driver whose page the pod has: of the pod's application where that is known, and else the
    /// first that pushed.
    fn driver(&self, wanted: &Wanted) -> Option<&Process> {
        let of_pod = wanted.application_id.as_deref();
        let is_pods = |owner: Owner<'_>| {
            owner.is_driver()
                && of_pod.is_none_or(|id| owner.application_id(of_pod).is_some_and(|own| own == id))
        };
        self.processes.iter().find(|process| is_pods(process.owner()))
    }

    /// Keeps what waits. Where nothing has told whose it is, the names themselves have to suggest it.
    fn keep_waiting(&mut self, connection: &mut Connection, now: Instant) {
        let waiting = std::mem::take(&mut connection.waiting);
        connection.bytes = 0;
        connection.prefixes.learn_all(&waiting.iter().map(|(name, _)| &**name));
        for (name, value) in waiting {
            match connection.prefixes.prefix(&name) {
                Some(prefix) => self.keep(prefix, connection.prefixes.key(&name), value, now),
                None => self.repairs.add(Reason::Malformed),
            }
        }
    }

    fn keep(&mut self, prefix: &str, key: &str, value: f64, now: Instant) {
        // Without a dot it is not even a source and a metric.
        if !key.contains('.') {
            return self.repairs.add(Reason::Malformed);
        }
        let known = self.processes.iter().position(|process| *process.prefix == *prefix);
        if known.is_none() {
            if self.processes.len() == MAX_PROCESSES {
                return self.repairs.add(Reason::TooMany);
            }
            let (prefix, values) = (prefix.into(), BTreeMap::new());
            self.processes.push(Process { prefix, last: now, values, bytes: 0 });
        }
        let index = known.unwrap_or(self.processes.len() - 1);
        let Some(process) = self.processes.get_mut(index) else {
            return;
        };
        if let Some(kept) = process.values.get_mut(key) {
            *kept = value;
        } else if process.bytes + key.len() + ENTRY <= MAX_BYTES {
            process.bytes += key.len() + ENTRY;
            process.values.insert(key.into(), value);
        } else {
            return self.repairs.add(Reason::TooMany);
        }
        process.last = now;
    }
}

impl Process {
    fn owner(&self) -> Owner<'_> {
        Owner::new(Naming::Graphite, &self.prefix)
    }

    fn write(&self, wanted: &Wanted, page: &mut Page) -> Repairs {
        let owner = self.owner();
        let id = owner.application_id(wanted.application_id.as_deref());
        let id = id.as_deref().map(|id| ("application_id", id));
        let (of, executor_id) = if owner.is_driver() {
            (Role::Driver, None)
        } else {
            (Role::Executor, Some(("executor_id", owner.executor_id)))
        };
        let labels: Vec<_> = id.into_iter().chain(executor_id).collect();
        // GraphiteSink converts durations to milliseconds.
        let mut registry = Registry::new(page, of, &labels, Unit::ms, wanted.profile);
        for (name, value) in &self.values {
            let name = MetricField::of_graphite(name, |name| self.values.contains_key(name));
            registry.put(name, *value);
        }
        registry.finish()
    }
}

#[cfg(test)]
impl Store {
    /// What all values take.
    pub(super) fn bytes(&self) -> usize {
        let entries = |process: &Process| -> usize {
            process.values.keys().map(|name| name.len() + ENTRY).sum()
        };
        self.lock().processes.iter().map(entries).sum()
    }
}

#[cfg(test)]
impl Connection {
    pub(super) fn bytes(&self) -> usize {
        self.waiting.iter().map(|(name, _)| name.len() + ENTRY).sum()
    }
}

/// Reads `name value timestamp`; nothing for an empty line.
fn parse(line: &[u8]) -> Result<Option<(&str, f64)>, Reason> {
    let line = str::from_utf8(line).map_err(|_| Reason::Malformed)?;
    let mut words = line.split_ascii_whitespace();
    let Some(name) = words.next() else {
        return Ok(None);
    };
    let value = words.next().ok_or(Reason::NoValue)?;
    let value = value.parse().map_err(|_| Reason::NotANumber)?;
    // Without its timestamp a line may be the half of one, and its value the half of a number.
    let timestamp = words.next().ok_or(Reason::Malformed)?;
    if timestamp.parse::<f64>().is_err() || words.next().is_some() {
        return Err(Reason::Malformed);
    }
    Ok(Some((name, value)))
}
