//! The series that have to arrive in the second Prometheus, and the table that shows them.

use std::fmt::Write as _;

use anyhow::Result;

use crate::prometheus::{Sample, query};

/// A series that a run has to bring, and what a reader learns from it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The selector, as Prometheus reads it.
    pub selector: &'static str,
    /// How to print the value.
    pub unit: Unit,
    /// What has to be true of it.
    pub proof: Proof,
    /// Where that has to be true.
    pub place: Place,
    /// What it tells, in a few words.
    pub tells: &'static str,
}

/// How to print a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Bytes, in binary multiples.
    Bytes,
    /// Seconds.
    Seconds,
    /// 1 or 0.
    Truth,
}

/// What has to be true of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is there; 0 is a good value.
    Present,
    /// It is there and above 0.
    Positive,
    /// It is there, and all of it is above 0.
    AllPositive,
    /// There is exactly one.
    Single,
}

/// Where a series has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On every machine.
    Anywhere,
    /// Where the job has a cgroup of its own: without, the kernel may have no figures.
    Cgroup,
}

/// A wanted series and what was found of it.
#[derive(Debug, Clone)]
pub struct Found {
    /// What was asked for.
    pub wanted: &'static Wanted,
    /// All that was there, the greatest value first.
    pub samples: Vec<Sample>,
}

impl Found {
    /// A sentence on what is wrong, if anything is.
    #[must_use]
    pub fn complaint(&self, in_cgroup: bool) -> Option<String> {
        let Wanted { selector, proof, place, .. } = self.wanted;
        let still = |sample: &Sample| {
            let reason = "arrived but has not moved from";
            (sample.value <= 0.0).then(|| format!("{} {reason} {}", named(sample), sample.value))
        };
        match (proof, self.samples.as_slice()) {
            _ if *place == Place::Cgroup && !in_cgroup => None,
            (_, []) => Some(format!("{selector} did not arrive")),
            (Proof::Single, [_, _, ..]) => {
                let all: Vec<String> = self.samples.iter().map(named).collect();
                Some(format!("there is more than one of {selector}: {}", all.join(", ")))
            }
            (Proof::Present | Proof::Single, _) => None,
            (Proof::Positive, [first, ..]) => still(first),
            (Proof::AllPositive, samples) => samples.iter().find_map(still),
        }
    }
}

const fn wanted(selector: &'static str, unit: Unit, proof: Proof, tells: &'static str) -> Wanted {
    Wanted { selector, unit, proof, place: Place::Anywhere, tells }
}

const fn of_cgroup(
    selector: &'static str,
    unit: Unit,
    proof: Proof,
    tells: &'static str,
) -> Wanted {
    Wanted { selector, unit, proof, place: Place::Cgroup, tells }
}

/// All of them, in the order of the table.
pub const ALL: &[Wanted] = &[
    wanted(
        "emberscope_admission_decisions_total{decision=\"injected\"}",
        Unit::Count,
        Proof::Positive,
        "pods that the webhook patched",
    ),
    wanted(
        "count by (application_id) ({__name__=~\".+\",application_id!=\"\"})",
        Unit::Count,
        Proof::Single,
        "series of the job, under one application id",
    ),
    wanted("spark_info", Unit::Truth, Proof::Positive, "the job's Spark version"),
    wanted(
        "spark_driver_dag_scheduler_jobs_total",
        Unit::Count,
        Proof::Positive,
        "jobs that were submitted",
    ),
    wanted(
        "spark_driver_app_status_completed_stages_total",
        Unit::Count,
        Proof::Positive,
        "stages that are done",
    ),
    wanted(
        "metrics_executor_completedTasks_total{executor_id!=\"driver\"}",
        Unit::Count,
        Proof::Positive,
        "tasks an executor has finished",
    ),
    wanted(
        "metrics_executor_totalShuffleWrite_bytes_total{executor_id!=\"driver\"}",
        Unit::Bytes,
        Proof::Positive,
        "shuffle data an executor wrote",
    ),
    wanted(
        "metrics_executor_totalShuffleRead_bytes_total{executor_id!=\"driver\"}",
        Unit::Bytes,
        Proof::Positive,
        "shuffle data an executor read",
    ),
    wanted(
        "metrics_executor_JVMHeapMemory_bytes{executor_id!=\"driver\"}",
        Unit::Bytes,
        Proof::Positive,
        "an executor's highest heap so far",
    ),
    wanted(
        "metrics_executor_ProcessTreePythonRSSMemory_bytes{executor_id!=\"driver\"}",
        Unit::Bytes,
        Proof::Positive,
        "its Python workers' highest memory",
    ),
    wanted(
        "metrics_executor_usedOnHeapStorageMemory_bytes{executor_id!=\"driver\"}",
        Unit::Bytes,
        Proof::Positive,
        "what the cached table takes",
    ),
    wanted(
        "spark_executor_succeeded_tasks_total",
        Unit::Count,
        Proof::Positive,
        "tasks, as the executor itself pushed them",
    ),
    wanted(
        "spark_executor_metrics_jvm_heap_memory_bytes",
        Unit::Bytes,
        Proof::Positive,
        "its heap now, pushed as well",
    ),
    of_cgroup(
        "spark_container_memory_working_set_bytes",
        Unit::Bytes,
        Proof::Positive,
        "memory that counts against the limit",
    ),
    of_cgroup("spark_container_memory_limit_bytes", Unit::Bytes, Proof::Positive, "that limit"),
    of_cgroup(
        "spark_container_cpu_usage_seconds_total",
        Unit::Seconds,
        Proof::Positive,
        "CPU time of the container",
    ),
    of_cgroup(
        "spark_container_cpu_cfs_throttled_seconds_total",
        Unit::Seconds,
        Proof::Present,
        "time it was held back by its CPU quota",
    ),
    wanted("spark_processes{kind=\"jvm\"}", Unit::Count, Proof::Positive, "Java processes"),
    wanted(
        "spark_processes{kind=\"python_worker\"}",
        Unit::Count,
        Proof::Positive,
        "Python workers",
    ),
    wanted(
        "spark_process_resident_memory_bytes{kind=\"python_worker\"}",
        Unit::Bytes,
        Proof::Positive,
        "their memory now",
    ),
    wanted(
        "emberscope_source_up{source!=\"cgroup\"}",
        Unit::Truth,
        Proof::AllPositive,
        "every source of the sidecars answers",
    ),
    of_cgroup(
        "emberscope_source_up{source=\"cgroup\"}",
        Unit::Truth,
        Proof::AllPositive,
        "and the container's cgroup can be read",
    ),
    wanted(
        "emberscope_process_resident_memory_bytes",
        Unit::Bytes,
        Proof::Positive,
        "the sidecar's own memory",
    ),
    wanted(
        "emberscope_process_cpu_seconds_total",
        Unit::Seconds,
        Proof::Present,
        "the sidecar's own CPU time",
    ),
];

/// Looks all of them up in the Prometheus on `port`.
pub async fn look_up(port: u16) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for wanted in ALL {
        let mut samples = query(port, wanted.selector).await?;
        samples.sort_by(|a, b| b.value.total_cmp(&a.value));
        found.push(Found { wanted, samples });
    }
    Ok(found)
}

/// The table, one line per series that was found.
#[must_use]
pub fn table(found: &[Found]) -> String {
    let rows: Vec<[String; 3]> = found
        .iter()
        .filter_map(|one| {
            let first = one.samples.first()?;
            let more = match one.samples.len() - 1 {
                0 => String::new(),
                more => format!(" +{more}"),
            };
            let value = human(first.value, one.wanted.unit);
            Some([format!("{}{more}", named(first)), value, one.wanted.tells.to_owned()])
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (name, value) = (width(0), width(1));
    let mut text = String::new();
    for row in &rows {
        let _ = writeln!(text, "  {:<name$}  {:>value$}  {}", row[0], row[1], row[2]);
    }
    text
}

/// Name and those labels that tell series of one run apart.
fn named(sample: &Sample) -> String {
    const TOLD: [&str; 7] =
        ["application_id", "role", "version", "executor_id", "kind", "source", "spark_role"];
    let name = sample.labels.get("__name__").map_or("", String::as_str);
    // A count of series has no name; a series of Spark's has more of these than a reader wants.
    let told = if name.is_empty() { &TOLD[..] } else { &TOLD[1..] };
    let told: Vec<String> = told
        .iter()
        .filter_map(|label| Some(format!("{label}={}", sample.labels.get(*label)?)))
        .collect();
    format!("{name}{{{}}}", told.join(","))
}

fn human(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => format!("{value}"),
        Unit::Seconds => format!("{value:.2} s"),
        Unit::Truth => if value > 0.0 { "yes" } else { "no" }.to_owned(),
        Unit::Bytes if value >= f64::from(1 << 30) => {
            format!("{:.2} GiB", value / f64::from(1 << 30))
        }
        Unit::Bytes if value >= f64::from(1 << 20) => {
            format!("{:.1} MiB", value / f64::from(1 << 20))
        }
        Unit::Bytes => format!("{:.1} KiB", value / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(proof: Proof, values: &[f64]) -> Found {
        let wanted = Box::leak(Box::new(wanted("a_total", Unit::Count, proof, "something")));
        let samples = values
            .iter()
            .map(|value| Sample {
                labels: [("__name__", "a_total"), ("executor_id", "0"), ("pod", "p")]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
                value: *value,
            })
            .collect();
        Found { wanted, samples }
    }

    #[test]
    fn a_series_that_is_missing_or_stands_still_is_complained_about_by_name() {
        let complaint = found(Proof::Positive, &[]).complaint(true).unwrap();
        assert_eq!(complaint, "a_total did not arrive");
        let complaint = found(Proof::Positive, &[0.0]).complaint(true).unwrap();
        assert_eq!(complaint, "a_total{executor_id=0} arrived but has not moved from 0");
        assert_eq!(found(Proof::Present, &[0.0]).complaint(true), None);
        assert_eq!(found(Proof::Positive, &[1.0, 0.0]).complaint(true), None);
        assert!(found(Proof::AllPositive, &[1.0, 0.0]).complaint(true).is_some());
        assert_eq!(found(Proof::AllPositive, &[1.0, 1.0]).complaint(true), None);
        assert_eq!(found(Proof::Single, &[0.0]).complaint(true), None);
        let complaint = found(Proof::Single, &[1.0, 1.0]).complaint(true).unwrap();
        assert!(complaint.contains("more than one of a_total"), "{complaint}");
    }

    #[test]
    fn figures_of_a_cgroup_are_asked_for_only_where_the_job_has_one() {
        let in_cgroup = |values: &[f64]| {
            let mut found = found(Proof::Positive, values);
            found.wanted = Box::leak(Box::new(Wanted { place: Place::Cgroup, ..*found.wanted }));
            found
        };
        assert_eq!(in_cgroup(&[]).complaint(false), None);
        assert!(in_cgroup(&[]).complaint(true).is_some());
        assert!(in_cgroup(&[0.0]).complaint(true).is_some());
    }

    #[test]
    fn the_table_has_name_short_labels_value_and_meaning() {
        let text = table(&[found(Proof::Positive, &[7.0, 3.0]), found(Proof::Positive, &[])]);
        assert_eq!(text, "  a_total{executor_id=0} +1  7  something\n");
    }

    #[test]
    fn values_are_printed_with_their_unit() {
        assert_eq!(human(1536.0, Unit::Bytes), "1.5 KiB");
        assert_eq!(human(3.5 * 1_048_576.0, Unit::Bytes), "3.5 MiB");
        assert_eq!(human(4_294_967_296.0, Unit::Bytes), "4.00 GiB");
        assert_eq!(human(1.0, Unit::Truth), "yes");
        assert_eq!(human(0.125, Unit::Seconds), "0.12 s");
        assert_eq!(human(12.0, Unit::Count), "12");
    }
}
