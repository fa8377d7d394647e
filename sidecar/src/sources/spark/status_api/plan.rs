//! What Spark is asked next, and when: it may pay a hundredth of a core for its answers.
//!
//! After an answer that took a time, nothing is asked for a hundred times as long. The first answers of
//! a kind are an exception up to a point, for what they take is Spark's loading and compiling of the
//! code for them, once; so is everything before them, while Spark starts.
//!
//! | question | when |
//! |---|---|
//! | which application | at first, after a failure, once a minute |
//! | stages that run | every 5 s; every second in Spark's first minute |
//! | one stage | when it runs no more; when its number is the next that is not known |
//! | stages that have ended | where that would be too many, one by one |
//! | jobs | when a stage's name needs its job's |
//! | how the tasks of a stage differ | every 15 s, and when it has ended; after a long answer less often |
//! | settings | once |
//! | executors, queries | every 15 s |

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::queries::AT_ONCE;
use super::summary::QUANTILES;

/// After an answer that took this long, nothing is asked for so many times as long.
const POLITE: u32 = 100;

/// So many answers of a kind are its first ones.
const FIRST: u32 = 3;

/// After one of those, nothing is asked for so long at most.
const WARM_UP: Duration = Duration::from_secs(3);

/// How often what runs is asked for.
const EVERY: Duration = Duration::from_secs(5);

/// And while Spark is young: it may not live longer than a few seconds.
const YOUNG: Duration = Duration::from_secs(1);

/// How long it is young.
const YOUTH: Duration = Duration::from_mins(1);

/// How often the application is asked for anew: there may be another one.
const APPLICATION: Duration = Duration::from_mins(1);

/// Where Spark does not answer, once its youth is over.
const FAILING: Duration = Duration::from_secs(15);

/// How often the tasks of one stage are compared.
const SUMMARY: Duration = Duration::from_secs(15);

/// And how many times as long as that took has to pass at least.
const SUMMARY_POLITE: u32 = 400;

/// Settings can wait until the job has begun.
const SETTINGS: Duration = Duration::from_secs(5);

/// How often executors are asked for, and queries: those that are gone are told for long.
const EXECUTORS: Duration = Duration::from_secs(15);

/// So many stages are asked for one by one between two looks at what runs.
const ONE_BY_ONE: u32 = 2;

/// So many stages wait to be asked for, at most; what is more is found among those that have ended.
const MAX_VANISHED: usize = 64;

/// A question to Spark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Which application it is.
    Application,
    /// The stages that run.
    Running,
    /// All attempts of one stage.
    Stage(u32),
    /// The stages that have ended.
    Ended,
    /// The jobs.
    Jobs,
    /// How the tasks of an attempt differ.
    Summary {
        /// Its stage.
        stage: u32,
        /// Its number.
        attempt: u32,
    },
    /// What the application was started with.
    Settings,
    /// The executors, those that are gone too.
    Executors,
    /// The SQL queries from that place on.
    Queries(u32),
}

/// Questions of one kind take about the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum QuestionKind {
    Application,
    Running,
    Stage,
    Ended,
    Jobs,
    Summary,
    Settings,
    Executors,
    Queries,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask.
    Ask(Question),
    /// Nothing before that time.
    Wait(Instant),
}

/// How the tasks of which attempt may be compared next, and since when that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comparable {
    /// The stage.
    pub(super) stage: u32,
    /// Its last attempt.
    pub(super) attempt: u32,
    /// Whether it runs.
    pub(super) runs: bool,
}

/// What an answer about one stage says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Spark does not know it.
    Nothing,
    /// It is known and accounted for, or it was skipped, or it runs.
    Accounted,
    /// It has not begun: it may yet.
    Pending,
}

/// What has been asked, and what is to be asked.
#[derive(Debug)]
pub(super) struct Plan {
    began: Instant,
    /// Nothing is asked before.
    free: Instant,
    asked: BTreeMap<QuestionKind, AskedBefore>,
    /// Whether the last question failed.
    failed: bool,
    /// Stages that ran and run no more.
    vanished: BTreeSet<u32>,
    /// The first stage that was never asked for.
    next_stage: u32,
    /// Whether that one may be there.
    looks_ahead: bool,
    /// How many were asked for one by one since the last look.
    one_by_one: u32,
    /// What is to be asked when there is time: stages that have ended and were passed by, jobs, settings.
    wanted: BTreeSet<QuestionKind>,
    /// When the tasks of a stage may be compared again.
    summaries: BTreeMap<u32, Instant>,
}

/// When a kind of question was asked last, and how often it was answered.
#[derive(Debug, Clone, Copy)]
struct AskedBefore {
    at: Instant,
    answers: u32,
}

impl Question {
    /// Where it is asked about that application.
    pub(super) fn path(self, application_id: &str) -> String {
        let rest = match self {
            Self::Application => String::new(),
            Self::Running => "/stages?status=active".to_owned(),
            Self::Ended => "/stages?status=complete&status=failed".to_owned(),
            Self::Stage(stage) => format!("/stages/{stage}?details=false"),
            Self::Jobs => "/jobs".to_owned(),
            Self::Summary { stage, attempt } => {
                let quantiles = QUANTILES.join(",");
                format!("/stages/{stage}/{attempt}/taskSummary?quantiles={quantiles}")
            }
            Self::Settings => "/environment".to_owned(),
            Self::Executors => "/allexecutors".to_owned(),
            Self::Queries(offset) => {
                format!("/sql?details=false&planDescription=false&offset={offset}&length={AT_ONCE}")
            }
        };
        format!("/api/v1/applications/{application_id}{rest}")
    }

    const fn kind(self) -> QuestionKind {
        match self {
            Self::Application => QuestionKind::Application,
            Self::Running => QuestionKind::Running,
            Self::Stage(_) => QuestionKind::Stage,
            Self::Ended => QuestionKind::Ended,
            Self::Jobs => QuestionKind::Jobs,
            Self::Summary { .. } => QuestionKind::Summary,
            Self::Settings => QuestionKind::Settings,
            Self::Executors => QuestionKind::Executors,
            Self::Queries(_) => QuestionKind::Queries,
        }
    }
}

impl Plan {
    /// Nothing was asked yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            free: now,
            asked: BTreeMap::new(),
            failed: false,
            vanished: BTreeSet::new(),
            next_stage: 0,
            // What has ended so far may be much.
            looks_ahead: true,
            one_by_one: ONE_BY_ONE,
            wanted: BTreeSet::from([QuestionKind::Settings]),
            summaries: BTreeMap::new(),
        }
    }

    /// What to do at this time; `comparable` are stages whose tasks may be compared, the most wanted
    /// first, and from `first_query` on queries may not have ended.
    pub(super) fn next(
        &self,
        now: Instant,
        first_query: u32,
        comparable: impl IntoIterator<Item = Comparable>,
    ) -> Next {
        if now < self.free {
            return Next::Wait(self.free);
        }
        let since =
            |kind| self.asked.get(&kind).map(|asked| now.saturating_duration_since(asked.at));
        let is_young = now.saturating_duration_since(self.began) < YOUTH;
        let Some(application) = since(QuestionKind::Application) else {
            return Next::Ask(Question::Application);
        };
        if self.failed {
            let pause = if is_young { YOUNG } else { FAILING };
            return match pause.checked_sub(application) {
                Some(rest) if !rest.is_zero() => Next::Wait(now + rest),
                _ => Next::Ask(Question::Application),
            };
        }
        if self.wanted.contains(&QuestionKind::Jobs) {
            return Next::Ask(Question::Jobs);
        }
        if let Some(stage) = self.vanished.first() {
            return Next::Ask(Question::Stage(*stage));
        }
        if self.looks_ahead {
            let few = self.one_by_one < ONE_BY_ONE;
            return Next::Ask(if few { Question::Stage(self.next_stage) } else { Question::Ended });
        }
        let every = if is_young { YOUNG } else { EVERY };
        let rest = since(QuestionKind::Running).map(|since| every.saturating_sub(since));
        let Some(rest) = rest.filter(|rest| !rest.is_zero()) else {
            return Next::Ask(Question::Running);
        };
        if self.wanted.contains(&QuestionKind::Ended)
            && since(QuestionKind::Ended).is_none_or(|since| since >= APPLICATION)
        {
            return Next::Ask(Question::Ended);
        }
        let may_compare =
            |it: &Comparable| self.summaries.get(&it.stage).is_none_or(|at| now >= *at);
        if let Some(it) = comparable.into_iter().find(may_compare) {
            return Next::Ask(Question::Summary { stage: it.stage, attempt: it.attempt });
        }
        let wants_settings = self.wanted.contains(&QuestionKind::Settings);
        if wants_settings && now.saturating_duration_since(self.began) >= SETTINGS {
            return Next::Ask(Question::Settings);
        }
        let executors = since(QuestionKind::Executors);
        if !wants_settings && executors.is_none_or(|since| since >= EXECUTORS) {
            return Next::Ask(Question::Executors);
        }
        let queries = since(QuestionKind::Queries);
        if !wants_settings && queries.is_none_or(|since| since >= EXECUTORS) {
            return Next::Ask(Question::Queries(first_query));
        }
        if application >= APPLICATION {
            return Next::Ask(Question::Application);
        }
        Next::Wait(now + rest)
    }

    /// That was asked, took so long, and was answered, or not.
    pub(super) fn asked(
        &mut self,
        question: Question,
        took: Duration,
        is_answered: bool,
        now: Instant,
    ) {
        let kind = question.kind();
        let before = self.asked.get(&kind).map_or(0, |asked| asked.answers);
        let answers = before.saturating_add(is_answered.into());
        self.asked.insert(kind, AskedBefore { at: now, answers });
        let wait = took.saturating_mul(POLITE);
        self.free = now + if before < FIRST { wait.min(WARM_UP) } else { wait };
        self.failed = !is_answered;
        match question {
            Question::Running => {
                self.one_by_one = 0;
                self.looks_ahead = is_answered;
            }
            Question::Stage(_) => self.one_by_one += 1,
            Question::Ended => {
                self.looks_ahead = false;
                self.wanted.remove(&kind);
            }
            Question::Jobs => {
                self.wanted.remove(&kind);
            }
            Question::Settings if is_answered => {
                self.wanted.remove(&kind);
            }
            Question::Summary { stage, .. } => {
                let pause = took.saturating_mul(SUMMARY_POLITE).max(SUMMARY);
                self.summaries.insert(stage, now + pause);
                if self.summaries.len() > MAX_VANISHED {
                    self.summaries.retain(|_, at| *at > now);
                }
            }
            Question::Application
            | Question::Settings
            | Question::Executors
            | Question::Queries(_) => {}
        }
    }

    /// Such a stage's name needs its job's.
    pub(super) fn needs_jobs(&mut self) {
        self.wanted.insert(QuestionKind::Jobs);
    }

    /// Some of those that have ended were not taken.
    pub(super) fn ask_again_for_ended(&mut self) {
        self.looks_ahead = true;
        self.one_by_one = ONE_BY_ONE;
    }

    /// These run no more.
    pub(super) fn vanished(&mut self, stages: impl IntoIterator<Item = u32>) {
        for stage in stages {
            if self.vanished.len() < MAX_VANISHED {
                self.vanished.insert(stage);
            } else {
                self.wanted.insert(QuestionKind::Ended);
            }
        }
    }

    /// What was found of one stage.
    pub(super) fn found(&mut self, stage: u32, found: Found) {
        self.vanished.remove(&stage);
        if stage != self.next_stage {
            return;
        }
        match found {
            Found::Nothing => self.looks_ahead = false,
            Found::Accounted => self.next_stage = stage.saturating_add(1),
            Found::Pending => {
                self.wanted.insert(QuestionKind::Ended);
                self.next_stage = stage.saturating_add(1);
            }
        }
    }

    /// Stages up to this one are known, of those that have ended.
    pub(super) fn knows_up_to(&mut self, stage: u32) {
        self.next_stage = self.next_stage.max(stage.saturating_add(1));
        self.vanished.clear();
    }
}

#[cfg(test)]
mod tests;
