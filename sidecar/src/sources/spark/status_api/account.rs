//! Everything that Spark has answered, and what it is to be asked next; without sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::application::{self, Application};
use super::failures::Failures;
use super::families;
use super::fields::Fields;
use super::figures::{COMPLETED_TASKS, Figures};
use super::ledger::{Ledger, Stage};
use super::losses::{self, Losses};
use super::names::Names;
use super::plan::{Comparable, Found, Next, Plan, Question};
use super::queries::{self, Queries};
use super::settings::Settings;
use super::skim::{Elements, Skimmer};
use super::stages::{self, Told};
use super::summary::{self, Summary};
use crate::exposition::Page;
use crate::sources::spark::client::{Extent, FetchError};
use crate::sources::{Failure, Reading, Reason, Repairs};

/// How many stages have names of their own.
const PLACES: usize = 20;

/// What is known of Spark by its answers.
#[derive(Debug)]
pub struct Account {
    plan: Plan,
    known: Option<Known>,
    /// Why the last question had no answer.
    failure: Option<Failure>,
    /// What was wrong with answers since somebody asked.
    repairs: Repairs,
}

/// What is known of one application.
#[derive(Debug)]
struct Known {
    application: Application,
    settings: Option<Settings>,
    names: Names,
    ledger: Ledger,
    failures: Failures,
    losses: Losses,
    queries: Queries,
    /// The greatest number of a stage whose name needs its job's.
    nameless: u32,
    /// As it is served; nothing where that has changed.
    page: Option<Arc<Page>>,
}

/// A question that is under way.
#[derive(Debug)]
pub(super) struct Asked {
    question: Question,
    path: Option<String>,
    skimmer: Skimmer,
    told: Told,
}

impl Asked {
    /// Where it is asked; nothing for the first question.
    pub(super) fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }
}

impl Account {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let failure = Failure::new("starting_up", "Spark has not answered yet");
        let (plan, repairs) = (Plan::new(now), Repairs::default());
        Self { plan, known: None, failure: Some(failure), repairs }
    }

    /// What to do at this time.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let first_query = self.known.as_ref().map_or(0, |known| known.queries.offset());
        let comparable = self.known.iter_mut().flat_map(Known::comparable);
        self.plan.next(now, first_query, comparable)
    }

    /// Takes a whole answer.
    pub fn hear(&mut self, question: Question, answer: &[u8]) {
        let mut asked = self.ask(question);
        for piece in answer.chunks(4096) {
            self.take(&mut asked, piece);
        }
        self.answered(asked, Ok(Extent::Whole), Duration::ZERO, Instant::now());
    }

    /// Begins to ask.
    pub(super) fn ask(&self, question: Question) -> Asked {
        let known = self.known.as_ref().filter(|_| question != Question::Application);
        let path = known.map(|known| question.path(&known.application.id));
        let skimmer = match question {
            Question::Application => Skimmer::new(Elements::Members, &application::FIELDS),
            Question::Running | Question::Stage(_) | Question::Ended => {
                Skimmer::new(Elements::Members, &stages::FIELDS)
            }
            Question::Jobs => Skimmer::new(Elements::Members, &stages::JOB_FIELDS),
            Question::Summary { .. } => Skimmer::new(Elements::Whole, &summary::FIELDS),
            Question::Queries(_) => Skimmer::new(Elements::Members, &queries::FIELDS),
            Question::Executors => Skimmer::new(Elements::Members, &losses::FIELDS),
            Question::Settings => Skimmer::new(Elements::MembersOf("sparkProperties"), &[]),
        };
        Asked { question, path, skimmer, told: Told::default() }
    }

    /// Takes the next piece of an answer.
    pub(super) fn take(&mut self, asked: &mut Asked, piece: &[u8]) {
        let Asked { question, skimmer, told, .. } = asked;
        skimmer.feed(piece, |element| {
            if self.take_element(*question, element, told).is_none() {
                self.repairs.add(Reason::Malformed);
            }
        });
    }

    fn take_element(&mut self, question: Question, element: &[u8], told: &mut Told) -> Option<()> {
        if question == Question::Application {
            self.is(Application::read(&Fields::parse(element)?)?);
            return Some(());
        }
        let known = self.known.as_mut()?;
        known.page = None;
        match question {
            Question::Settings => {
                known.settings.get_or_insert_default().take(element);
                Some(())
            }
            Question::Executors => {
                let is_dynamic = known.settings.as_ref().is_some_and(Settings::is_dynamic);
                known.losses.take(&Fields::parse(element)?, is_dynamic)
            }
            Question::Queries(_) => known.queries.take(&Fields::parse(element)?),
            Question::Jobs => told.take_job(&Fields::parse(element)?),
            Question::Summary { stage, .. } => {
                known.compare(stage, &Fields::parse(element)?);
                Some(())
            }
            Question::Application | Question::Running | Question::Stage(_) | Question::Ended => {
                let fields = Fields::parse(element)?;
                let Known { names, ledger, failures, .. } = known;
                told.take_stage(&fields, names, ledger, failures, Instant::now())
            }
        }
    }

    /// Spark has told its application.
    fn is(&mut self, application: Application) {
        match &self.known {
            Some(known) if known.application == application => return,
            // Another context in the same JVM begins with stage 0, whatever its id.
            Some(_) => self.plan = Plan::new(Instant::now()),
            None => {}
        }
        self.known = Some(Known {
            application,
            settings: None,
            names: Names::default(),
            ledger: Ledger::new(PLACES),
            failures: Failures::default(),
            losses: Losses::default(),
            queries: Queries::default(),
            nameless: 0,
            page: None,
        });
    }

    /// An answer has ended, or there was none; it took so long.
    pub(super) fn answered(
        &mut self,
        asked: Asked,
        result: Result<Extent, FetchError>,
        took: Duration,
        now: Instant,
    ) {
        let Asked { question, skimmer, mut told, .. } = asked;
        // Queries are told since Spark 3.1.
        let may_be_unknown = matches!(
            question,
            Question::Stage(_) | Question::Summary { .. } | Question::Queries(_)
        );
        let error = match result {
            Ok(Extent::Whole) => {
                self.repairs += &skimmer.finish();
                None
            }
            Ok(Extent::Cut) => {
                self.repairs.add(Reason::PageTooLarge);
                None
            }
            // That Spark does not know a stage, or nothing of its tasks, is an answer.
            Err(FetchError::ServletOff { .. }) if may_be_unknown => {
                told.found = Some(Found::Nothing);
                None
            }
            Err(error) => Some(error),
        };
        self.plan.asked(question, took, error.is_none(), now);
        self.failure = error.map(|error| Failure::new(error.reason(), error));
        if let Some(known) = self.known.as_mut().filter(|_| self.failure.is_some()) {
            known.queries.begin();
        }
        if self.failure.is_none() {
            self.learn(question, told, now);
        }
    }

    /// A whole answer says this.
    fn learn(&mut self, question: Question, told: Told, now: Instant) {
        let Some(known) = &mut self.known else {
            self.failure = Some(Failure::new("not_spark", "the answer tells no application"));
            return;
        };
        if let Some(stage) = told.nameless {
            known.nameless = known.nameless.max(stage);
            self.plan.needs_jobs();
        }
        match question {
            Question::Running => {
                let running = |stage: &u32| !told.running.contains(stage);
                self.plan.vanished(known.ledger.running().filter(running));
            }
            // Its name comes first.
            Question::Stage(_) if told.nameless.is_some() => {}
            Question::Stage(stage) => {
                let found = told.found.unwrap_or(Found::Nothing);
                if found == Found::Nothing {
                    known.ledger.lose(stage, now);
                    known.page = None;
                }
                self.plan.found(stage, found);
            }
            Question::Ended if told.nameless.is_some() => self.plan.ask_again_for_ended(),
            Question::Ended => {
                if let Some(last) = told.last {
                    self.plan.knows_up_to(last);
                }
            }
            Question::Queries(_) => known.queries.ended(),
            Question::Jobs => known.names.learn(told.jobs, known.nameless),
            Question::Summary { stage, .. } if told.found == Some(Found::Nothing) => {
                known.compare_not(stage);
            }
            Question::Application
            | Question::Summary { .. }
            | Question::Settings
            | Question::Executors => {}
        }
    }

    /// Spark has closed its UI.
    pub(super) fn closed(&mut self) {
        if self.known.is_some() && self.failure.is_none() {
            self.failure = Some(Failure::new("not_listening", "Spark has closed its UI"));
        }
    }

    /// Why nothing is served, if nothing is.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// What is served while Spark answers.
    pub fn reading(&mut self) -> Reading {
        let repairs = std::mem::take(&mut self.repairs);
        let Some(known) = &mut self.known else { return Reading { repairs, ..Reading::default() } };
        if let Some(page) = &known.page {
            return Reading { page: Arc::clone(page), repairs, ..Reading::default() };
        }
        let mut page = known.write(false);
        families::write(&known.ledger.view(), &known.application.id, &mut page);
        let reading = Reading::new(page, repairs);
        known.page = Some(Arc::clone(&reading.page));
        reading
    }

    /// What is served when Spark has closed its UI, with what it has pushed of all stages together.
    pub(super) fn last_reading(&mut self, pushed: &Figures) -> Option<Reading> {
        let known = self.known.as_ref()?;
        let mut page = known.write(true);
        let id = &known.application.id;
        let (view, unseen) = known.ledger.last_view(pushed);
        families::write(&view, id, &mut page);
        families::write_unseen(&unseen, id, &mut page);
        Some(Reading::new(page, std::mem::take(&mut self.repairs)))
    }

    /// What was wrong with answers since this was asked last.
    pub(super) fn repairs(&mut self) -> Repairs {
        std::mem::take(&mut self.repairs)
    }
}

impl Known {
    /// A page with everything but the stages.
    fn write(&self, has_ended: bool) -> Page {
        let mut page = Page::new();
        let id = &self.application.id;
        self.application.write(has_ended, &mut page);
        if let Some(settings) = &self.settings {
            settings.write(id, &mut page);
        }
        self.losses.write(id, &mut page);
        self.failures.write(id, &mut page);
        self.queries.write(id, &mut page);
        page
    }

    /// Stages whose tasks may be compared, or compared anew: those that run first.
    fn comparable(&mut self) -> Vec<Comparable> {
        let differs = |stage: &&mut Stage| {
            let completed = stage.figures().get(COMPLETED_TASKS);
            completed >= summary::ENOUGH_TASKS && completed != stage.summary.of_tasks
        };
        let mut all: Vec<_> = self
            .ledger
            .listed()
            .filter(differs)
            .map(|stage| Comparable {
                stage: stage.id,
                attempt: stage.attempts.saturating_sub(1),
                runs: stage.is_running(),
            })
            .collect();
        all.sort_by_key(|it| !it.runs);
        all
    }

    fn compare(&mut self, stage: u32, fields: &Fields) {
        if let Some(stage) = self.ledger.listed().find(|listed| listed.id == stage) {
            let of_tasks = stage.figures().get(COMPLETED_TASKS);
            stage.summary = Summary::read(fields, of_tasks);
        }
    }

    /// Spark knows nothing of its tasks (any more): what is known stays.
    fn compare_not(&mut self, stage: u32) {
        if let Some(stage) = self.ledger.listed().find(|listed| listed.id == stage) {
            stage.summary.of_tasks = stage.figures().get(COMPLETED_TASKS);
        }
    }
}
