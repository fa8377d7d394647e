//! What answers about stages and jobs say.

use std::time::Instant;

use super::failures::Failures;
use super::fields::Fields;
use super::figures::{COUNT, FIGURES, Figures};
use super::ledger::{Ledger, Seen};
use super::names::{Job, Named, Names};
use super::plan::Found;

const OTHER_FIELDS: [&str; 8] = [
    "status",
    "stageId",
    "attemptId",
    "numActiveTasks",
    "numTasks",
    "name",
    "description",
    "failureReason",
];

/// The fields of a stage that are read.
pub(super) const FIELDS: [&str; OTHER_FIELDS.len() + COUNT] = {
    let mut all = [""; OTHER_FIELDS.len() + COUNT];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < COUNT { FIGURES[at].field } else { OTHER_FIELDS[at - COUNT] };
        at += 1;
    }
    all
};

/// Those of a job.
pub(super) const JOB_FIELDS: [&str; 4] = ["jobId", "name", "jobGroup", "stageIds"];

/// So many jobs of an answer are taken, at most.
const MAX_JOBS: usize = 4096;

/// So many stages that run are told apart from those that run no more.
const MAX_RUNNING: usize = 1024;

/// What an answer says beside what goes into the account at once.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Stages that run.
    pub(super) running: Vec<u32>,
    /// The greatest number of a stage.
    pub(super) last: Option<u32>,
    /// The greatest number of a stage whose name needs its job's.
    pub(super) nameless: Option<u32>,
    /// What became of the stage that was asked for.
    pub(super) found: Option<Found>,
    /// Jobs.
    pub(super) jobs: Vec<Job>,
}

impl Told {
    /// Takes an attempt of a stage; nothing where it is none.
    pub(super) fn take_stage(
        &mut self,
        fields: &Fields,
        names: &mut Names,
        ledger: &mut Ledger,
        failures: &mut Failures,
        now: Instant,
    ) -> Option<()> {
        let (stage, attempt) = (fields.id("stageId")?, fields.id("attemptId")?);
        let status = fields.text("status")?;
        self.last = self.last.max(Some(stage));
        self.found = match status {
            "PENDING" => self.found.or(Some(Found::Pending)),
            _ => Some(Found::Accounted),
        };
        if matches!(status, "PENDING" | "SKIPPED") {
            return Some(());
        }
        let active_tasks = fields.count("numActiveTasks").unwrap_or_default();
        // Tasks that run twice may end after their stage.
        let has_ended = status != "ACTIVE" && active_tasks == 0;
        if !has_ended && self.running.len() < MAX_RUNNING {
            self.running.push(stage);
        }
        if ledger.is_settled(stage, attempt) {
            return Some(());
        }
        let name = if ledger.names(stage) {
            String::new()
        } else {
            let call_site = fields.text("name").unwrap_or_default();
            match names.name(stage, call_site, fields.text("description")) {
                Named::As(name) => name,
                Named::NeedsJobs => {
                    self.nameless = self.nameless.max(Some(stage));
                    return Some(());
                }
            }
        };
        let seen = Seen {
            stage,
            attempt,
            has_ended,
            figures: Figures::read(fields),
            active_tasks,
            planned_tasks: fields.count("numTasks").unwrap_or_default(),
            name: &name,
        };
        ledger.see(&seen, now);
        if has_ended && status == "FAILED" {
            failures.add(fields.text("failureReason").unwrap_or_default());
        }
        Some(())
    }

    /// Takes a job; nothing where it is none.
    pub(super) fn take_job(&mut self, fields: &Fields) -> Option<()> {
        let id = fields.id("jobId")?;
        if self.jobs.len() < MAX_JOBS {
            let call_site = fields.text("name").unwrap_or_default().into();
            let group = fields.text("jobGroup").map(Into::into);
            self.jobs.push(Job { id, call_site, group, stages: fields.ids("stageIds").collect() });
        }
        Some(())
    }
}
