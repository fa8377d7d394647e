//! The last value of each name that was pushed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::args::Role;
use crate::exposition::Page;
use crate::sources::spark::catalog::Unit;
use crate::sources::spark::names::{MetricField, PushedName, application_id as id_of};
use crate::sources::spark::registry::Registry;
use crate::sources::spark::{Reason, Repairs, Wanted};

/// How many executors may push to one sidecar. In a pod there is one; `local-cluster` has a few.
const MAX_EXECUTORS: usize = 8;

/// How many names one executor may push; Spark's own are about 250.
const MAX_NAMES: usize = 4096;

/// The id under which the driver pushes (`org.apache.spark.SparkContext.DRIVER_IDENTIFIER`).
const DRIVER: &str = "driver";

/// Whose figures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Everyone's.
    All,
    /// All but the driver's: its page has them.
    Executors,
    /// The driver's.
    Driver,
}

/// What was pushed, shared between the receiver and the scrapes.
#[derive(Debug, Default)]
pub struct Store {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    executors: Vec<Executor>,
    /// What became of lines since the last scrape.
    repairs: Repairs,
}

#[derive(Debug)]
struct Executor {
    namespace: Box<str>,
    id: Box<str>,
    /// When its last value arrived.
    last: Instant,
    /// In order, so that the fields of a metric stand together.
    values: BTreeMap<Box<str>, f64>,
}

impl Store {
    /// When the last value arrived.
    #[must_use]
    pub fn last_push(&self) -> Option<Instant> {
        self.lock().executors.iter().map(|executor| executor.last).max()
    }

    /// When the driver's last value arrived.
    #[must_use]
    pub fn last_push_of_driver(&self) -> Option<Instant> {
        let inner = self.lock();
        let drivers = inner.executors.iter().filter(|executor| executor.is_driver());
        drivers.map(|driver| driver.last).max()
    }

    /// Writes every value that is kept into `page`.
    ///
    /// Samples get the labels `application_id` (the given id, or else the namespace in the pushed
    /// names where that looks like an id) and `executor_id`. What a process with the id `driver`
    /// pushed is named `spark_driver_…` and has no `executor_id`, as on the driver's page. Told is
    /// what became of these values, and which lines were dropped on arrival since the last call.
    pub fn write(&self, of: Of, wanted: &Wanted, page: &mut Page) -> Repairs {
        let mut inner = self.lock();
        let mut repairs = std::mem::take(&mut inner.repairs);
        let counts = |executor: &&Executor| match of {
            Of::All => true,
            Of::Executors => !executor.is_driver(),
            Of::Driver => executor.is_driver(),
        };
        for executor in inner.executors.iter().filter(counts) {
            repairs += &executor.write(wanted, page);
        }
        repairs
    }

    /// Takes whole lines, without their line feeds.
    pub fn take<'a>(&self, lines: impl Iterator<Item = &'a [u8]>, now: Instant) {
        let mut inner = self.lock();
        for line in lines {
            match parse(line) {
                Ok(None) => {}
                Ok(Some((name, value))) => inner.keep(name, value, now),
                Err(reason) => inner.repairs.add(reason),
            }
        }
    }

    /// Counts a line that never became whole.
    pub(super) fn bad(&self, reason: Reason) {
        self.lock().repairs.add(reason);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing is half done when a holder panics: each step leaves a valid store.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn keep(&mut self, name: PushedName<'_>, value: f64, now: Instant) {
        let PushedName { namespace, executor_id, key } = name;
        let known = self
            .executors
            .iter()
            .position(|executor| *executor.id == *executor_id && *executor.namespace == *namespace);
        if known.is_none() {
            if self.executors.len() == MAX_EXECUTORS {
                return self.repairs.add(Reason::TooMany);
            }
            let (namespace, id) = (namespace.into(), executor_id.into());
            self.executors.push(Executor { namespace, id, last: now, values: BTreeMap::new() });
        }
        let index = known.unwrap_or(self.executors.len() - 1);
        let Some(executor) = self.executors.get_mut(index) else {
            return;
        };
        if let Some(kept) = executor.values.get_mut(key) {
            *kept = value;
        } else if executor.values.len() < MAX_NAMES {
            executor.values.insert(key.into(), value);
        } else {
            return self.repairs.add(Reason::TooMany);
        }
        executor.last = now;
    }
}

impl Executor {
    fn is_driver(&self) -> bool {
        *self.id == *DRIVER
    }

    fn write(&self, wanted: &Wanted, page: &mut Page) -> Repairs {
        let own = id_of(&self.namespace);
        let id = wanted.application_id.as_deref().or(own.as_deref());
        let executor_id = (!self.is_driver()).then_some(("executor_id", &*self.id));
        let labels = id.map(|id| ("application_id", id)).into_iter().chain(executor_id);
        let labels: Vec<_> = labels.collect();
        let of = if self.is_driver() { Role::Driver } else { Role::Executor };
        // GraphiteSink converts durations to milliseconds.
        let mut registry = Registry::new(page, of, &labels, Unit::ms, wanted.profile);
        for (name, value) in &self.values {
            let name = MetricField::of_graphite(name, |name| self.values.contains_key(name));
            registry.put(name, *value);
        }
        registry.finish()
    }
}

/// Reads `name value timestamp`; nothing for an empty line.
fn parse(line: &[u8]) -> Result<Option<(PushedName<'_>, f64)>, Reason> {
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
    Ok(Some((PushedName::split(name).ok_or(Reason::Malformed)?, value)))
}
