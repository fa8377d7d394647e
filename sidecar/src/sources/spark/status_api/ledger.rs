//! What stages have done, some of them under their own names and the rest as one sum.
//!
//! ```text
//! seen -> waiting -+-> listed --+
//!                  +------------+-> other
//! ```
//!
//! A stage is listed while a place is free. Later ones **wait**, unserved, until they cost more than
//! the cheapest listed stage that has ended, or have run for half a minute: then they take its place, and
//! what it did goes into `other`. What ends without that goes into `other` at once, and what is there
//! stays there. So:
//!
//! - the sum over all series is what was seen of all stages, but for those that wait;
//! - no series goes back: one of a stage only rises until it ends, `other` only rises;
//! - there are few series: of stages that come and go, only those that cost more than others get any.

use std::time::{Duration, Instant};

use super::figures::{Figures, RUN_TIME};
use super::settled::Settled;
use super::summary::Summary;

/// A stage that runs for so long is shown, whatever others have cost.
const AT_WORK: Duration = Duration::from_secs(30);

/// So many stages wait at most. What runs beside them is seen when it has ended.
const MAX_WAITING: usize = 256;

/// An attempt of a stage, as it was seen.
#[derive(Debug, Clone)]
pub(super) struct Seen<'a> {
    /// The stage's number.
    pub(super) stage: u32,
    /// The attempt's number, from 0.
    pub(super) attempt: u32,
    /// Whether nothing more is to come of it.
    pub(super) has_ended: bool,
    /// What it has done.
    pub(super) figures: Figures,
    /// Tasks that run.
    pub(super) active_tasks: u64,
    /// Tasks that there are.
    pub(super) planned_tasks: u64,
    /// What the stage is called.
    pub(super) name: &'a str,
}

/// A stage that is or may be listed.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// Its number.
    pub(super) id: u32,
    /// What it is called.
    pub(super) name: Box<str>,
    /// The number of the last attempt, and one more.
    pub(super) attempts: u32,
    /// Tasks that run.
    pub(super) active_tasks: u64,
    /// Tasks of the last attempt.
    pub(super) planned_tasks: u64,
    /// How its tasks differ.
    pub(super) summary: Summary,
    /// What attempts did that have ended.
    done: Figures,
    running: Vec<Attempt>,
    since: Instant,
}

/// One that runs.
#[derive(Debug, Clone)]
struct Attempt {
    number: u32,
    figures: Figures,
}

/// The account of an application's stages.
#[derive(Debug)]
pub(super) struct Ledger {
    places: usize,
    listed: Vec<Stage>,
    waiting: Vec<Stage>,
    other: Figures,
    settled: Settled,
}

/// What is served of it.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    /// Stages under their own names.
    pub(super) listed: Vec<Stage>,
    /// The rest.
    pub(super) other: Figures,
}

impl Stage {
    /// What all its attempts have done.
    pub(super) fn figures(&self) -> Figures {
        let mut all = self.done;
        self.running.iter().for_each(|attempt| all += &attempt.figures);
        all
    }

    /// Whether an attempt runs.
    pub(super) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    fn cost(&self) -> u64 {
        self.figures().get(RUN_TIME)
    }

    fn see(&mut self, seen: &Seen<'_>) {
        self.attempts = self.attempts.max(seen.attempt.saturating_add(1));
        self.active_tasks = seen.active_tasks;
        self.planned_tasks = seen.planned_tasks;
        let at = self.running.iter().position(|attempt| attempt.number == seen.attempt);
        let before = at.map(|at| self.running.swap_remove(at).figures).unwrap_or_default();
        let figures = seen.figures.at_least(&before);
        if seen.has_ended {
            self.done += &figures;
        } else {
            self.running.push(Attempt { number: seen.attempt, figures });
        }
    }
}

impl Ledger {
    /// An account in which so many stages are listed at most.
    pub(super) fn new(places: usize) -> Self {
        Self {
            places,
            listed: Vec::new(),
            waiting: Vec::new(),
            other: Figures::default(),
            settled: Settled::default(),
        }
    }

    /// Whether that attempt is accounted for.
    pub(super) fn is_settled(&self, stage: u32, attempt: u32) -> bool {
        self.settled.contains(stage, attempt)
    }

    /// Whether the stage is known by its name already.
    pub(super) fn names(&self, stage: u32) -> bool {
        self.listed.iter().chain(&self.waiting).any(|known| known.id == stage)
    }

    /// Stages that ran when they were last seen.
    pub(super) fn running(&self) -> impl Iterator<Item = u32> {
        let all = self.listed.iter().chain(&self.waiting);
        all.filter(|stage| stage.is_running()).map(|stage| stage.id)
    }

    /// Stages that are listed.
    pub(super) fn listed(&mut self) -> impl Iterator<Item = &mut Stage> {
        self.listed.iter_mut()
    }

    /// An attempt was seen.
    pub(super) fn see(&mut self, seen: &Seen<'_>, now: Instant) {
        if self.is_settled(seen.stage, seen.attempt) {
            return;
        }
        let known = self.listed.iter_mut().chain(&mut self.waiting).find(|it| it.id == seen.stage);
        if let Some(stage) = known {
            stage.see(seen);
        } else if self.waiting.len() < MAX_WAITING || seen.has_ended {
            let mut stage = Stage {
                id: seen.stage,
                name: seen.name.into(),
                attempts: 0,
                active_tasks: 0,
                planned_tasks: 0,
                summary: Summary::default(),
                done: Figures::default(),
                running: Vec::new(),
                since: now,
            };
            stage.see(seen);
            self.waiting.push(stage);
        }
        if seen.has_ended {
            self.settled.insert(seen.stage, seen.attempt);
        }
        self.place(now);
    }

    /// An attempt that ran cannot be found any more: what was seen of it is all there is.
    pub(super) fn lose(&mut self, stage: u32, now: Instant) {
        let known = self.listed.iter_mut().chain(&mut self.waiting).find(|it| it.id == stage);
        if let Some(known) = known {
            known.active_tasks = 0;
            for Attempt { number, figures } in std::mem::take(&mut known.running) {
                known.done += &figures;
                self.settled.insert(stage, number);
            }
        }
        self.place(now);
    }

    /// Gives places to those that wait.
    fn place(&mut self, now: Instant) {
        // The most costly first: they are not in each other's way.
        self.waiting.sort_by_key(|stage| std::cmp::Reverse(stage.cost()));
        for stage in std::mem::take(&mut self.waiting) {
            self.place_one(stage, now);
        }
    }

    fn place_one(&mut self, stage: Stage, now: Instant) {
        let runs = stage.is_running();
        // What has done nothing yet may be one of hundreds that were submitted together.
        if runs && stage.figures().are_zero() {
            return self.waiting.push(stage);
        }
        if self.listed.len() < self.places {
            return self.listed.push(stage);
        }
        let is_at_work = runs && now.saturating_duration_since(stage.since) >= AT_WORK;
        let ended = self.listed.iter_mut().filter(|listed| !listed.is_running());
        match ended.min_by_key(|listed| listed.cost()) {
            Some(cheapest) if is_at_work || stage.cost() > cheapest.cost() => {
                self.other += &cheapest.figures();
                *cheapest = stage;
            }
            _ if runs => self.waiting.push(stage),
            _ => self.other += &stage.figures(),
        }
    }

    /// What is served while Spark runs.
    pub(super) fn view(&self) -> View {
        View { listed: self.listed.clone(), other: self.other }
    }

    /// What is served when nothing more can be seen, with what is known of all stages together.
    ///
    /// A stage that had not ended is not served under its name: what was seen of it is not its total.
    /// It goes into `other`, with what was never seen.
    pub(super) fn last_view(&self, all: &Figures) -> (View, Figures) {
        let mut view = self.view();
        let running = |stage: &Stage| stage.is_running();
        let unended = view.listed.extract_if(.., |stage| running(stage));
        let unended: Vec<_> = unended.chain(self.waiting.iter().cloned()).collect();
        for stage in &unended {
            view.other += &stage.figures();
        }
        let mut seen = view.other;
        view.listed.iter().for_each(|stage| seen += &stage.figures());
        let unseen = seen.missing_to(all);
        view.other += &unseen;
        (view, unseen)
    }
}

#[cfg(test)]
mod tests;
