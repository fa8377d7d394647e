//! Stages: which one took the time, and what was wrong with it.

use std::collections::BTreeMap;

use super::finding::{Case, Certainty, Found, Provoked, Rule, Severity};
use super::thresholds::{
    FETCH_WAIT, NODE_SLOW, SKEW, SKEW_SECONDS, SKEW_SHARE, SLOTS_UNUSED, SPILLED_BYTES,
    SPILLED_SHARE, STAGE_SHARE, TASK_LARGE, TASK_TINY, TASK_TINY_COUNT,
};
use crate::facts::Stage;
use crate::units::{self, bytes, number, percent, seconds};

pub(super) const STAGE_SKEWED: Rule = Rule {
    code: "stage_skewed",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "One task of a stage ran far longer than the others: one partition holds most of the data.",
    needs: "quantiles of a stage's task times, which Spark's status API gives from 8 tasks on",
    advice: "Adaptive execution splits what a join is skewed by; a `groupBy` needs a salt.",
    alert: Some("SparkTasksSkewed"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let lost = |stage: &&Stage| stage.task_seconds.map_or(0.0, |time| time.max - time.median);
        let total = case.facts.duration().unwrap_or(f64::MAX);
        let skewed = case.facts.stages.iter().filter(|stage| {
            let Some(time) = stage.task_seconds else { return false };
            time.max >= SKEW_SECONDS
                && time.max >= SKEW * time.median.max(0.001)
                && time.max - time.median >= SKEW_SHARE * total
        });
        let worst = skewed.max_by(|a, b| lost(a).total_cmp(&lost(b)))?;
        let time = worst.task_seconds?;
        let at = case.facts.application.last_seen_at;
        let sentence = format!(
            "{} is skewed: its longest task ran {}, {} times as long as the median",
            worst.title(),
            seconds(time.max),
            number(time.max / time.median.max(0.001))
        );
        let mut found = Found::new(Severity::Warning, Certainty::Certain, sentence).figure(
            format!(
                "task times: median {}, 95 % below {}, longest {}",
                seconds(time.median),
                seconds(time.p95),
                seconds(time.max)
            ),
            at,
            None,
        );
        let by_data =
            worst.task_shuffle_bytes.filter(|read| read.max >= SKEW * read.median.max(1.0));
        if let Some(read) = by_data {
            found = found.figure(
                format!(
                    "shuffle data a task: median {}, most {}",
                    bytes(read.median),
                    bytes(read.max)
                ),
                at,
                None,
            );
        }
        Some(match (by_data, worst.shuffle_read_bytes > 0.0) {
            (Some(read), _) if case.facts.settings.adaptive_enabled == Some(false) => found
                .set("spark.sql.adaptive.enabled", "true", "adaptive execution splits partitions that a join is skewed by; it is off")
                .advise(format!("a groupBy on that key: aggregate in two steps with a salt; one key has {}", bytes(read.max))),
            (Some(read), _) => found
                .set("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", units::setting((read.max / 4.0).max(16.0 * units::MIB)), format!("a join: Spark splits what is larger than that and 5 medians; the largest here is {}", bytes(read.max)))
                .advise("a groupBy on a hot key: aggregate in two steps with a salt, or take nulls out before"),
            (None, true) => found.advise("its data is even, its work is not: records of one partition take longer, or its executor was slow (slow_node)"),
            (None, false) => found.advise("it reads files: one that cannot be split (gzip) or is much larger has one task; write it in parts, or repartition after reading"),
        })
    },
};

pub(super) const STAGE_SPILLING: Rule = Rule {
    code: "stage_spilling",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "A stage wrote much of its data to disk and read it again, for want of execution memory.",
    needs: "spilled bytes of a stage against what it read; without stages those of the executors",
    advice: "Smaller partitions, or more memory a task.",
    alert: Some("SparkSpillHigh"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let at = facts.application.last_seen_at;
        let read = |stage: &Stage| stage.shuffle_read_bytes + stage.input_bytes;
        let spilling = facts.stages.iter().filter(|stage| {
            stage.spilled_bytes >= SPILLED_BYTES
                && stage.spilled_bytes >= SPILLED_SHARE * read(stage)
        });
        let Some(worst) = spilling.max_by(|a, b| a.spilled_bytes.total_cmp(&b.spilled_bytes))
        else {
            if !facts.stages.is_empty() {
                return None;
            }
            let spilled: f64 = facts.executors.iter().filter_map(|one| one.spilled_bytes).sum();
            let shuffled: f64 =
                facts.executors.iter().filter_map(|one| one.shuffle_read_bytes).sum();
            if spilled < SPILLED_BYTES || spilled < SPILLED_SHARE * shuffled {
                return None;
            }
            let found = Found::new(
                Severity::Warning,
                Certainty::Certain,
                format!("executors spilled {} to disk", bytes(spilled)),
            );
            let text =
                format!("{} spilled, {} of shuffle data read", bytes(spilled), bytes(shuffled));
            return Some(more_partitions(found.figure(text, at, None), case, 2.0));
        };
        let sentence = format!("{} spilled {} to disk", worst.title(), bytes(worst.spilled_bytes));
        let text = format!(
            "{} spilled; {} of input and {} of shuffle data read by {}",
            bytes(worst.spilled_bytes),
            bytes(worst.input_bytes),
            bytes(worst.shuffle_read_bytes),
            units::count(worst.planned_tasks, "task")
        );
        let found =
            Found::new(Severity::Warning, Certainty::Certain, sentence).figure(text, at, None);
        let factor = (worst.spilled_bytes / read(worst).max(1.0)).clamp(1.0, 8.0) + 1.0;
        Some(more_partitions(found, case, factor))
    },
};

/// So many times as many shuffle partitions.
fn more_partitions(found: Found, case: &Case<'_>, factor: f64) -> Found {
    let now = case.facts.settings.shuffle_partitions.unwrap_or(200.0);
    let wanted = (now * factor / 50.0).ceil() * 50.0;
    let found = found.set(
        "spark.sql.shuffle.partitions",
        number(wanted),
        format!("smaller partitions fit into memory; there are {}", number(now)),
    );
    let found = if case.facts.settings.adaptive_enabled == Some(false) {
        found
    } else {
        found.set(
            "spark.sql.adaptive.coalescePartitions.initialPartitionNum",
            number(wanted),
            "where adaptive execution puts partitions together again",
        )
    };
    found
        .advise("or more memory a task: raise spark.executor.memory, or halve spark.executor.cores")
}

pub(super) const TOO_FEW_PARTITIONS: Rule = Rule {
    code: "too_few_partitions",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "A costly stage had fewer tasks than there were slots, or its tasks had far too much data each.",
    needs: "tasks of a stage against the slots of the executors, and its data by task",
    advice: "More partitions: `repartition`, `spark.sql.shuffle.partitions`, files that can be split.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let slots = facts.timeline.iter().map(|moment| moment.slots).fold(0.0, f64::max);
        let total: f64 = facts.stages.iter().map(|stage| stage.run_seconds).sum();
        let duration = facts.duration().unwrap_or(f64::MAX);
        let costly =
            facts.stages.iter().filter(|stage| stage.id.is_some() && stage.planned_tasks >= 1.0);
        let few = costly.filter(|stage| {
            let tasks = stage.planned_tasks;
            let unused = slots >= 4.0 && tasks <= SLOTS_UNUSED * slots;
            // Seconds that the stage took at least: its tasks ran side by side.
            let took = stage.run_seconds / tasks;
            let large = (stage.input_bytes + stage.shuffle_read_bytes) / tasks >= TASK_LARGE;
            (unused && took >= STAGE_SHARE * duration && took >= SKEW_SECONDS)
                || (large && stage.run_seconds >= STAGE_SHARE * total)
        });
        let worst = few.max_by(|a, b| a.run_seconds.total_cmp(&b.run_seconds))?;
        let tasks = worst.planned_tasks;
        let data = worst.input_bytes + worst.shuffle_read_bytes;
        let sentence = format!(
            "{} had {} for {}",
            worst.title(),
            units::count(tasks, "task"),
            units::count(slots, "slot")
        );
        let found = Found::new(Severity::Warning, Certainty::Certain, sentence).figure(
            format!(
                "{} of task time, {} of data in {}",
                seconds(worst.run_seconds),
                bytes(data),
                units::count(tasks, "task")
            ),
            facts.application.last_seen_at,
            None,
        );
        let wanted = (slots * 3.0).max(data / (128.0 * units::MIB)).max(tasks * 2.0).ceil();
        Some(if worst.shuffle_read_bytes > worst.input_bytes {
            found
                .set(
                    "spark.sql.shuffle.partitions",
                    number(wanted),
                    "three rounds for every slot, and 128 MiB or less a task",
                )
                .advise("coalesce(1) and windows without partitionBy put all work on one core")
        } else {
            found.advise(format!("repartition({}) after reading; files that cannot be split (gzip) have one task each", number(wanted)))
        })
    },
};

pub(super) const TINY_TASKS: Rule = Rule {
    code: "tiny_tasks",
    severity: Severity::Info,
    certainty: Certainty::Certain,
    meaning: "A stage had very many tasks that had next to nothing to do: too many partitions, or many small files.",
    needs: "quantiles of a stage's task times and its number of tasks",
    advice: "Fewer partitions, or files put together.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let total: f64 = facts.stages.iter().map(|stage| stage.run_seconds).sum();
        let tiny = facts.stages.iter().filter(|stage| {
            stage.planned_tasks >= TASK_TINY_COUNT
                && stage.task_seconds.is_some_and(|time| time.median < TASK_TINY)
                && stage.run_seconds >= STAGE_SHARE * total
        });
        let worst = tiny.max_by(|a, b| a.planned_tasks.total_cmp(&b.planned_tasks))?;
        let median = worst.task_seconds?.median;
        let read = worst.input_bytes + worst.shuffle_read_bytes;
        let sentence = format!(
            "{} had {} tasks of {} each",
            worst.title(),
            number(worst.planned_tasks),
            seconds(median)
        );
        let found = Found::new(Severity::Info, Certainty::Certain, sentence).figure(
            format!("{} a task", bytes(read / worst.planned_tasks)),
            facts.application.last_seen_at,
            None,
        );
        Some(if worst.input_bytes > worst.shuffle_read_bytes {
            found
                .set(
                    "spark.sql.files.openCostInBytes",
                    "16777216",
                    "small files are read several in a task",
                )
                .advise("better: whoever writes them puts them together (128 MB or more each)")
        } else {
            found
        .set("spark.sql.shuffle.partitions", number((read / (64.0 * units::MIB)).ceil().max(1.0)), format!("64 MiB a task; there are {}", bytes(read / worst.planned_tasks)))
        .advise("spark.sql.adaptive.coalescePartitions.enabled=true puts them together by itself")
        })
    },
};

pub(super) const SLOW_NODE: Rule = Rule {
    code: "slow_node",
    severity: Severity::Warning,
    certainty: Certainty::Likely,
    meaning: "Tasks on one node took far longer than on the others.",
    needs: "time and number of tasks of executors on three nodes or more",
    advice: "Take the node out; let Spark start a second copy of slow tasks (`spark.speculation`).",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let mut by_node: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for executor in &case.facts.executors {
            if let (Some(node), Some(run), Some(tasks)) =
                (executor.node.as_deref(), executor.run_seconds, executor.succeeded_tasks)
            {
                let sum = by_node.entry(node).or_default();
                *sum = (sum.0 + run, sum.1 + tasks);
            }
        }
        let mut times: Vec<(f64, f64, &str)> = by_node
            .into_iter()
            .filter(|(_, (_, tasks))| *tasks >= 20.0)
            .map(|(node, (run, tasks))| (run / tasks, tasks, node))
            .collect();
        if times.len() < 3 {
            return None;
        }
        times.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (slow, tasks, node) = times.pop()?;
        let median = times.get(times.len() / 2)?.0;
        if slow < NODE_SLOW * median || slow - median < 1.0 {
            return None;
        }
        let sentence = format!(
            "tasks on node {node} took {} times as long as on the others",
            number(slow / median)
        );
        let text = format!(
            "{} a task there ({} tasks), {} in the median of the other nodes",
            seconds(slow),
            number(tasks),
            seconds(median)
        );
        Some(
            Found::new(Severity::Warning, Certainty::Likely, sentence)
                .figure(text, case.facts.application.last_seen_at, None)
                .advise(format!("kubectl cordon {node}, and look at what else runs there"))
                .set("spark.speculation", "true", "a second copy of a task that is slow; not for tasks that write to other systems"),
        )
    },
};

pub(super) const FETCH_WAITING: Rule = Rule {
    code: "fetch_waiting",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "Tasks waited for shuffle data of other executors for much of their time.",
    needs: "time that tasks waited for remote blocks against the time that they ran",
    advice: "Fewer, larger executors; a faster network; less to shuffle.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let executors = &case.facts.executors;
        let run: f64 = executors.iter().filter_map(|one| one.run_seconds).sum();
        let wait: f64 = executors.iter().filter_map(|one| one.fetch_wait_seconds).sum();
        if wait < FETCH_WAIT * run || wait < 60.0 {
            return None;
        }
        let sentence =
            format!("tasks waited for shuffle data for {} of their time", percent(wait / run));
        Some(
            Found::new(Severity::Warning, Certainty::Certain, sentence)
                .figure(format!("{} of {}", seconds(wait), seconds(run)), case.facts.application.last_seen_at, None)
                .advise("fewer executors with more cores each fetch less from one another; or filter and aggregate before the join"),
        )
    },
};
