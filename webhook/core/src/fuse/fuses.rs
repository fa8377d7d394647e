//! All fuses, and the few pods that they depend on: time is handed in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{BlownFuse, Failure, FuseKey, SidecarState, Tries};

/// At most so many fuses: each is a time series, and a pod may name any image.
const MOST: usize = 1000;

/// A fuse that nobody's sidecar has spoken for or against in so long is forgotten.
const FORGOTTEN: Duration = Duration::from_hours(24);

/// How long is waited before one executor may try.
#[derive(Debug, Clone, Copy)]
pub struct Pauses {
    /// The first time; twice as long each time after.
    pub first: Duration,
    /// And no longer than this.
    pub longest: Duration,
}

/// A fuse that was blown or is whole again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is blown.
    Blown {
        /// What it is for.
        key: Arc<FuseKey>,
        /// Why the sidecar of `pod` does not start.
        failure: Failure,
        /// The pod's name and uid.
        pod: (String, String),
    },
    /// It is whole again.
    Whole {
        /// What it is for.
        key: Arc<FuseKey>,
        /// Why.
        why: Closed,
    },
}

/// Why a fuse is whole again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// A sidecar runs that did not, or that tried.
    Runs,
    /// The configuration is another.
    Reconfigured,
    /// Nobody came to try.
    Forgotten,
}

/// All fuses. Of pods whose sidecar runs or whose turn has not come, nothing is kept unless their fuse
/// is blown.
#[derive(Debug, Default)]
pub struct Fuses {
    blown: HashMap<Arc<FuseKey>, Blown>,
    /// By uid.
    pods: HashMap<Box<str>, Seen>,
    /// The keys of both, each once.
    keys: HashSet<Arc<FuseKey>>,
    /// Which list of all pods is the newest.
    list: u64,
    /// Whether the first one is being read.
    first_list: bool,
}

/// A pod.
#[derive(Debug)]
struct Seen {
    key: Arc<FuseKey>,
    name: Box<str>,
    list: u64,
    state: Progress,
}

#[derive(Debug, Clone, Copy)]
enum Progress {
    /// It was there or came while its fuse was blown, and has not failed.
    Awaited,
    /// Its sidecar fails, and counts from then on.
    Fails { failure: Failure, from: Instant },
    /// Its sidecar runs since then; whether it had failed before.
    Runs { since: Instant, failed: Option<(Failure, Instant)> },
}

#[derive(Debug)]
struct Blown {
    failure: Failure,
    /// The next pause.
    pause: Duration,
    turn: Turn,
    /// When a pod last spoke for it.
    quiet_since: Instant,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// That of the pods that wait.
    Waiting,
    /// Nobody's, before then.
    Pause { until: Instant },
    /// An executor's.
    Open,
    /// One was let through, and should have come to something by then.
    Taken { until: Instant },
}

impl Fuses {
    /// All pods are listed from here on.
    pub fn list_begins(&mut self) {
        self.first_list = self.list == 0;
        self.list += 1;
    }

    /// The list is complete: what was not in it is gone.
    pub fn list_ends(&mut self) {
        let list = self.list;
        self.first_list = false;
        self.pods.retain(|_, seen| seen.list == list);
    }

    /// A pod with a sidecar is there, in this state. What fails in the first list counts at once: how
    /// long it has failed is not known, and this replica may have been started because of it.
    pub fn is_seen(
        &mut self,
        key: FuseKey,
        (name, uid): (&str, &str),
        state: SidecarState,
        after: Duration,
        now: Instant,
    ) {
        let before = self.pods.get(uid).map(|seen| seen.state);
        let waits = |failure: Failure| failure.may_pass() && !self.first_list;
        let next = match (state, before) {
            (SidecarState::Fails(failure), Some(Progress::Fails { from, .. })) => {
                Progress::Fails { failure, from: if waits(failure) { from } else { from.min(now) } }
            }
            // It has not run for long enough to count.
            (
                SidecarState::Fails(failure),
                Some(Progress::Runs { failed: Some((_, from)), .. }),
            ) => Progress::Fails { failure, from },
            (SidecarState::Fails(failure), _) => {
                Progress::Fails { failure, from: if waits(failure) { now + after } else { now } }
            }
            (SidecarState::Runs, Some(Progress::Fails { failure, from })) => {
                Progress::Runs { since: now, failed: Some((failure, from)) }
            }
            (SidecarState::Runs, Some(Progress::Awaited)) => {
                Progress::Runs { since: now, failed: None }
            }
            // An image is pulled once more, or Spark has ended.
            (SidecarState::NotItsTurn | SidecarState::Runs, Some(before)) => before,
            // It ran before the fuse was blown, and says nothing of those that do not.
            (SidecarState::Runs, None) => return,
            (SidecarState::NotItsTurn, None) => {
                match self.blown.get_mut(&key) {
                    None => return,
                    // Another replica has let it through.
                    Some(blown) if blown.turn == Turn::Open => {
                        blown.turn = Turn::Taken { until: now + patience(after) };
                    }
                    Some(_) => {}
                }
                Progress::Awaited
            }
        };
        let list = self.list;
        if let Some(seen) = self.pods.get_mut(uid) {
            (seen.list, seen.state) = (list, next);
        } else {
            let key = self.shared(key);
            self.pods.insert(uid.into(), Seen { key, name: name.into(), list, state: next });
        }
    }

    /// A pod is gone, or being deleted.
    pub fn is_gone(&mut self, uid: &str) {
        self.pods.remove(uid);
    }

    /// Whether nothing depends on the time.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pods.is_empty() && self.blown.is_empty()
    }

    /// What has changed by now. `is_current`: whether pods are injected like that.
    pub fn at(
        &mut self,
        now: Instant,
        after: Duration,
        pauses: Pauses,
        is_current: impl Fn(&FuseKey) -> bool,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut holding = HashSet::new();
        let mut proven = HashSet::new();
        let mut failed: HashMap<Arc<FuseKey>, (Instant, Failure, (String, String))> =
            HashMap::new();
        self.pods.retain(|uid, Seen { key, name, state, .. }| {
            match *state {
                Progress::Fails { failure, from } if from <= now => {
                    holding.insert(Arc::clone(key));
                    let pod = || (name.to_string(), uid.to_string());
                    let first = failed.entry(Arc::clone(key));
                    let first = first.or_insert_with(|| (from, failure, pod()));
                    if from < first.0 {
                        *first = (from, failure, pod());
                    }
                }
                Progress::Awaited | Progress::Fails { .. } => {}
                Progress::Runs { since, .. } if now >= since + after => {
                    proven.insert(Arc::clone(key));
                    return false;
                }
                Progress::Runs { failed, .. } => {
                    if failed.is_some_and(|(_, from)| from <= now) {
                        holding.insert(Arc::clone(key));
                    }
                }
            }
            true
        });
        self.blown.retain(|key, blown| {
            let why = if !is_current(key) {
                Closed::Reconfigured
            } else if holding.contains(key) {
                blown.hold(now, pauses);
                return true;
            } else if proven.contains(key) {
                Closed::Runs
            } else if now >= blown.quiet_since + FORGOTTEN {
                Closed::Forgotten
            } else {
                blown.pass(now, pauses);
                return true;
            };
            changes.push(Change::Whole { key: Arc::clone(key), why });
            false
        });
        for (key, (_, failure, pod)) in failed {
            if self.blown.len() < MOST && !self.blown.contains_key(&key) && is_current(&key) {
                let turn = Turn::Waiting;
                let blown = Blown { failure, pause: pauses.first, turn, quiet_since: now };
                self.blown.insert(Arc::clone(&key), blown);
                changes.push(Change::Blown { key, failure, pod });
            }
        }
        let blown = &self.blown;
        self.pods.retain(|_, seen| {
            !matches!(seen.state, Progress::Awaited) || blown.contains_key(&seen.key)
        });
        // Of pods that are gone, the keys go with the last pod.
        let none_left = self.pods.is_empty();
        self.keys.retain(|key| blown.contains_key(key) || !none_left && Arc::strong_count(key) > 1);
        changes
    }

    /// Lets one executor through; whether it was the one.
    pub fn take_turn(&mut self, key: &FuseKey, after: Duration, now: Instant) -> bool {
        match self.blown.get_mut(key) {
            Some(blown) if blown.turn == Turn::Open => {
                blown.turn = Turn::Taken { until: now + patience(after) };
                true
            }
            _ => false,
        }
    }

    /// All that are blown.
    pub fn blown(&self) -> impl Iterator<Item = BlownFuse> {
        self.blown.iter().map(|(key, blown)| BlownFuse {
            key: Arc::clone(key),
            failure: blown.failure,
            tries: match blown.turn {
                Turn::Open => Tries::OneExecutor,
                Turn::Waiting | Turn::Pause { .. } | Turn::Taken { .. } => Tries::Nobody,
            },
        })
    }

    /// How many pods are remembered.
    #[must_use]
    pub fn pods(&self) -> usize {
        self.pods.len()
    }

    /// The same key as others have, rather than one more.
    fn shared(&mut self, key: FuseKey) -> Arc<FuseKey> {
        if let Some(known) = self.keys.get(&key) {
            return Arc::clone(known);
        }
        let key = Arc::new(key);
        self.keys.insert(Arc::clone(&key));
        key
    }
}

/// How long an executor that tries may take until its sidecar's turn has come: nodes are started, and
/// images pulled.
fn patience(after: Duration) -> Duration {
    after + Duration::from_mins(5)
}

impl Blown {
    /// Pods are there that wait.
    fn hold(&mut self, now: Instant, pauses: Pauses) {
        if matches!(self.turn, Turn::Taken { .. }) {
            self.pause = (self.pause * 2).min(pauses.longest);
        }
        self.turn = Turn::Waiting;
        self.quiet_since = now;
    }

    /// None is there.
    fn pass(&mut self, now: Instant, pauses: Pauses) {
        self.turn = match self.turn {
            Turn::Waiting => Turn::Pause { until: now + self.pause },
            Turn::Pause { until } if now >= until => Turn::Open,
            Turn::Taken { until } if now >= until => {
                self.pause = (self.pause * 2).min(pauses.longest);
                Turn::Pause { until: now + self.pause }
            }
            turn => turn,
        };
    }
}

#[cfg(test)]
mod tests;
