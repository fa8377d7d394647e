//! Of which class the errors were that stages failed with.

use std::collections::BTreeMap;

use crate::exposition::{Described, Page};

/// So many classes are told apart.
const CLASSES: usize = 20;

/// Longest name of a class.
const MAX_CLASS: usize = 60;

/// Where nothing that looks like a class is said.
const UNKNOWN: &str = "unknown";

const FAILURES: Described = Described::counter(
    "spark_stage_failures_total",
    &["application_id", "class"],
    "Attempts of stages that failed, by the class of the error: Spark's own (FetchFailed, ExecutorLostFailure), a Java or Python exception's, or the name of Spark's error condition; the 20 that came first, and other.",
);

/// How many attempts failed, by class.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeMap<Box<str>, u64>);

impl Failures {
    /// An attempt has failed for that reason.
    pub(super) fn add(&mut self, reason: &str) {
        let class = class(reason);
        let is_known = self.0.contains_key(class) || self.0.len() < CLASSES;
        *self.0.entry(if is_known { class } else { super::families::OTHER }.into()).or_default() +=
            1;
    }

    /// Writes them.
    pub(super) fn write(&self, application_id: &str, page: &mut Page) {
        for (class, count) in &self.0 {
            let labels = [("application_id", application_id), ("class", class)];
            page.put(&FAILURES, &labels, *count as f64);
        }
    }

    /// The family, for documentation.
    pub(super) const fn described() -> [&'static Described; 1] {
        [&FAILURES]
    }
}

/// The class of the error that a reason tells.
fn class(reason: &str) -> &str {
    python(reason).or_else(|| java(reason)).unwrap_or(UNKNOWN)
}

/// The exception that a Python traceback ends with.
fn python(reason: &str) -> Option<&str> {
    let (_, traceback) = reason.rsplit_once("Traceback (most recent call last):\n")?;
    let line = traceback.lines().find(|line| !line.starts_with([' ', '\t']) && !line.is_empty())?;
    simple(line)
}

/// The last cause of a Java exception, or the end of a task that is no exception.
fn java(reason: &str) -> Option<&str> {
    if let Some((_, cause)) = reason.rsplit_once("Caused by: ") {
        return simple(cause);
    }
    // `…most recent failure: Lost task 0.3 in stage 6.0 (TID 227) (10.0.0.7 executor 1): …`
    let of_task = reason.split_once("Lost task ").and_then(|(_, rest)| rest.split_once("): "));
    let error = of_task.map_or(reason, |(_, error)| error).trim_start();
    if let Some((condition, _)) = error.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return simple(condition);
    }
    match simple(error)? {
        "FetchFailedException" | "MetadataFetchFailedException" => Some("FetchFailed"),
        // `Job 3 cancelled`, until Spark 3.5.
        "Job" if error.contains("cancelled") => Some("SPARK_JOB_CANCELLED"),
        class => Some(class),
    }
}

/// The class's own name, without its package.
fn simple(text: &str) -> Option<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '$');
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let name = text.get(..end)?.trim_end_matches(['.', '$']);
    let name = name.rsplit(['.', '$']).next()?;
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    (starts_well && name.len() <= MAX_CLASS).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: &str = "Job aborted due to stage failure: Task 1 in stage 11.0 failed 4 times, most recent failure: Lost task 1.3 in stage 11.0 (TID 102) (10.0.0.7 executor 1): ";

    #[test]
    fn a_reason_has_the_class_of_its_error() {
        let python = "Traceback (most recent call last):\n  File \"/opt/worker.py\", line 1247, in main\n    process()\n    ^^^^^^^^^\nZeroDivisionError: division by zero\n\n\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.x(PythonRunner.scala:572)\n";
        for (reason, expected) in [
            (format!("{LOST}org.apache.spark.api.python.PythonException: {python}"), "ZeroDivisionError"),
            (format!("[PYTHON_EXCEPTION] An exception was thrown from the Python worker: {python} SQLSTATE: 38000"), "ZeroDivisionError"),
            (python.replace("ZeroDivisionError", "shop.errors.NoStock"), "NoStock"),
            (format!("{LOST}ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Command exited with code 137"), "ExecutorLostFailure"),
            (format!("{LOST}FetchFailed(BlockManagerId(1, 10.0.0.7, 7079, None), shuffleId=0, mapIndex=1)"), "FetchFailed"),
            ("org.apache.spark.shuffle.MetadataFetchFailedException: Missing an output location for shuffle 0 partition 1".into(), "FetchFailed"),
            (format!("{LOST}TaskResultLost (result lost from block manager)"), "TaskResultLost"),
            (format!("{LOST}java.lang.OutOfMemoryError: Java heap space\n\tat x.Y.z(Y.scala:1)"), "OutOfMemoryError"),
            (format!("{LOST}org.apache.spark.SparkException: [TASK_WRITE_FAILED] x\n\tat a.B\nCaused by: java.io.IOException: No space left on device\n\tat c.D"), "IOException"),
            ("[SPARK_JOB_CANCELLED] Job 10 cancelled Query orders-eu.v2".into(), "SPARK_JOB_CANCELLED"),
            ("Job 3 cancelled part of cancelled job group load".into(), "SPARK_JOB_CANCELLED"),
            (format!("{LOST}shop.Main$Broken: x"), "Broken"),
            // Spark 3.0.
            ("Job aborted due to stage failure: Task 1 in stage 2.0 failed 1 times, most recent failure: Lost task 1.0 in stage 2.0 (TID 5, localhost, executor driver): java.io.InvalidObjectException: x\n\tat y".into(), "InvalidObjectException"),
            (String::new(), "unknown"),
            ("订单".into(), "unknown"),
            (format!("{LOST}{}", "x".repeat(100)), "unknown"),
        ] {
            assert_eq!(class(&reason), expected, "{reason}");
        }
    }

    #[test]
    fn there_are_only_so_many_classes() {
        let mut failures = Failures::default();
        for number in 0..100 {
            failures.add(&format!("x.Error{number}: y"));
        }
        assert_eq!((failures.0.len(), failures.0["other"]), (CLASSES + 1, 80));
    }
}
