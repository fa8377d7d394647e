//! What stages have done, in figures that only go up: which there are, and sums of them.

use std::ops::AddAssign;

use super::fields::Fields;
use crate::exposition::Described;
use crate::sources::spark::catalog::Unit;

/// One figure of a stage.
#[derive(Debug)]
pub(super) struct Figure {
    /// What it is called in Spark's answers.
    pub(super) field: &'static str,
    /// The unit there.
    pub(super) unit: Unit,
    /// What it is served as.
    pub(super) metric: Described,
    /// Which tasks it counts, where that is a label.
    pub(super) state: Option<&'static str>,
    /// What counts the same over all stages among the metrics that Spark pushes. Those of the driver
    /// know tasks' ends; what tasks did is told by whoever ran them.
    pub(super) pushed: Option<&'static str>,
}

/// The labels of a stage's figures.
pub(super) const LABELS: &[&str] = &["application_id", "stage_id", "stage"];

/// Those of its tasks by how they ended.
const OF_TASKS: &[&str] = &["application_id", "stage_id", "stage", "state"];

const TASKS: (&str, &str) = ("spark_stage_tasks_total", "Tasks of the stage that ended, by how.");

/// How many figures there are.
pub(super) const COUNT: usize = 18;

/// The place of the tasks that succeeded.
pub(super) const COMPLETED_TASKS: usize = 0;

/// The places of all tasks that ended.
pub(super) const TASKS_ENDED: [usize; 3] = [COMPLETED_TASKS, 1, 2];

/// The place of the time that tasks ran: what a stage costs.
pub(super) const RUN_TIME: usize = 3;

/// All figures. They are of all attempts of a stage, of tasks that failed too.
#[rustfmt::skip]
pub(super) const FIGURES: [Figure; COUNT] = [
    tasks("completed", "numCompleteTasks", "appStatus.tasks.completedTasks.count"),
    tasks("failed", "numFailedTasks", "appStatus.tasks.failedTasks.count"),
    tasks("killed", "numKilledTasks", "appStatus.tasks.killedTasks.count"),
    figure("executorRunTime", Unit::ms, "spark_stage_run_time_seconds_total",
        "Time that tasks of the stage ran, with fetching shuffle data.", "executor.runTime.count"),
    figure("executorCpuTime", Unit::ns, "spark_stage_cpu_time_seconds_total",
        "CPU time of the stage's tasks.", "executor.cpuTime.count"),
    figure("jvmGcTime", Unit::ms, "spark_stage_jvm_gc_time_seconds_total",
        "Time that JVMs collected garbage while tasks of the stage ran, summed over tasks.", "executor.jvmGCTime.count"),
    figure("inputBytes", Unit::Base, "spark_stage_input_bytes_total",
        "Input that the stage read.", "executor.bytesRead.count"),
    figure("inputRecords", Unit::Base, "spark_stage_input_records_total",
        "Input records that the stage read.", "executor.recordsRead.count"),
    figure("outputBytes", Unit::Base, "spark_stage_output_bytes_total",
        "Output that the stage wrote.", "executor.bytesWritten.count"),
    figure("outputRecords", Unit::Base, "spark_stage_output_records_total",
        "Output records that the stage wrote.", "executor.recordsWritten.count"),
    figure("shuffleReadBytes", Unit::Base, "spark_stage_shuffle_read_bytes_total",
        "Shuffle data that the stage read, local and remote.", "executor.shuffleTotalBytesRead.count"),
    figure("shuffleReadRecords", Unit::Base, "spark_stage_shuffle_read_records_total",
        "Shuffle records that the stage read.", "executor.shuffleRecordsRead.count"),
    figure("shuffleFetchWaitTime", Unit::ms, "spark_stage_shuffle_read_fetch_wait_time_seconds_total",
        "Time that tasks of the stage waited for remote shuffle blocks.", "executor.shuffleFetchWaitTime.count"),
    figure("shuffleWriteBytes", Unit::Base, "spark_stage_shuffle_write_bytes_total",
        "Shuffle data that the stage wrote.", "executor.shuffleBytesWritten.count"),
    figure("shuffleWriteRecords", Unit::Base, "spark_stage_shuffle_write_records_total",
        "Shuffle records that the stage wrote.", "executor.shuffleRecordsWritten.count"),
    figure("memoryBytesSpilled", Unit::Base, "spark_stage_memory_spilled_bytes_total",
        "Size in memory of what the stage spilled.", "executor.memoryBytesSpilled.count"),
    figure("diskBytesSpilled", Unit::Base, "spark_stage_disk_spilled_bytes_total",
        "Size on disk of what the stage spilled.", "executor.diskBytesSpilled.count"),
    Figure {
        pushed: None,
        metric: Described::gauge("spark_stage_peak_execution_memory_bytes", LABELS,
            "Most memory that each task of the stage had for shuffles, joins, sorts and aggregations, summed over tasks."),
        ..figure("peakExecutionMemory", Unit::Base, "", "", "")
    },
];

const fn figure(
    field: &'static str,
    unit: Unit,
    name: &'static str,
    help: &'static str,
    pushed: &'static str,
) -> Figure {
    let metric = Described::counter(name, LABELS, help);
    Figure { field, unit, metric, state: None, pushed: Some(pushed) }
}

const fn tasks(state: &'static str, field: &'static str, pushed: &'static str) -> Figure {
    let metric = Described::counter(TASKS.0, OF_TASKS, TASKS.1);
    Figure { field, unit: Unit::Base, metric, state: Some(state), pushed: Some(pushed) }
}

/// The values of all figures, in Spark's units; those that Spark did not tell are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures([Option<u64>; COUNT]);

impl Figures {
    /// What `value` says of each figure.
    pub(super) fn of(value: impl FnMut(&Figure) -> Option<u64>) -> Self {
        Self(FIGURES.each_ref().map(value))
    }

    /// What Spark says of a stage.
    pub(super) fn read(fields: &Fields) -> Self {
        Self::of(|figure| fields.count(figure.field))
    }

    /// One of them, by its place in the table.
    pub(super) fn get(&self, place: usize) -> u64 {
        self.0.get(place).copied().flatten().unwrap_or_default()
    }

    /// Each with its value, where there is one.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static Figure, u64)> {
        FIGURES.iter().zip(self.0).filter_map(|(figure, value)| Some((figure, value?)))
    }

    /// 0 for each that Spark tells.
    pub(super) fn zeros(&self) -> Self {
        Self(self.0.map(|value| value.map(|_| 0)))
    }

    /// Whether nothing has been done.
    pub(super) fn are_zero(&self) -> bool {
        self.0.iter().flatten().all(|value| *value == 0)
    }

    /// The greater one of each: nothing that was served goes back.
    pub(super) fn at_least(self, other: &Self) -> Self {
        let mut greater = self;
        for (mine, theirs) in greater.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
        greater
    }

    /// What is missing from these to the others, where the others have more.
    pub(super) fn missing_to(&self, others: &Self) -> Self {
        let mut missing = *others;
        for (missing, mine) in missing.0.iter_mut().zip(self.0) {
            *missing = missing.map(|value| value.saturating_sub(mine.unwrap_or_default()));
        }
        missing
    }
}

impl AddAssign<&Self> for Figures {
    fn add_assign(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            if let Some(theirs) = theirs {
                *mine = Some(mine.unwrap_or_default().saturating_add(theirs));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_are_those_of_the_table() {
        let states = TASKS_ENDED.map(|place| FIGURES[place].state.unwrap());
        assert_eq!(states, ["completed", "failed", "killed"]);
        assert_eq!(FIGURES[RUN_TIME].field, "executorRunTime");
    }

    #[test]
    fn what_spark_does_not_tell_is_absent_and_not_zero() {
        let fields =
            Fields::parse(br#"{"inputBytes":7,"jvmGcTime":-1,"outputBytes":"x"}"#).unwrap();
        let figures = Figures::read(&fields);
        let told: Vec<_> = figures.iter().map(|(figure, value)| (figure.field, value)).collect();
        assert_eq!(told, [("inputBytes", 7)]);
    }

    #[test]
    fn sums_end_at_the_greatest_number_there_is() {
        let mut most = Figures::of(|_| Some(u64::MAX));
        most += &Figures::of(|_| Some(1));
        assert_eq!(most, Figures::of(|_| Some(u64::MAX)));
    }
}
