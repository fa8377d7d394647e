//! Memory that is short, or about to be, with no kill.

use super::finding::{Certainty, Found, Provoked, Rule, Severity};
use super::oom::bill;
use super::thresholds::{
    GC_SECONDS, GC_SHARE, HEADROOM, HEAP_FULL, NEAR_LIMIT, NEAR_LIMIT_ANONYMOUS, PYTHON_GROWTH,
};
use crate::facts::{Container, LastState, Pod, PythonMemory, Role};
use crate::units::{self, bytes, percent};

/// The exit code of an executor whose heap is exhausted (`SparkExitCode.OOM`).
const SPARK_OOM: i64 = 52;

/// The exit code of a JVM with `-XX:+ExitOnOutOfMemoryError`.
const JVM_OOM: i64 = 3;

pub(super) const HEAP_EXHAUSTED: Rule = Rule {
    code: "heap_exhausted",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "A JVM had no heap left, and no container was killed for it.",
    needs: "java.lang.OutOfMemoryError in the driver's log, Spark's exit code 52 of an executor, or a heap that is full after a full collection",
    advice: "More heap, or less in it: smaller partitions, no `collect` of large results, fewer cached tables.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let full = |one: &&Container| {
            let (Some(used), Some(max)) = (one.heap_after_gc_bytes, one.heap_max_bytes) else {
                return false;
            };
            max > 0.0 && used > HEAP_FULL * max && !one.last_state.is_some_and(LastState::is_oom)
        };
        let container = facts.containers.iter().find(full);
        let error = facts.log.as_ref().and_then(|log| log.exception.as_ref());
        let error = error.filter(|error| error.class.ends_with("OutOfMemoryError"));
        let exit = |pod: &&Pod| {
            let code = pod.spark.as_ref().and_then(|spark| spark.exit_code);
            code == Some(SPARK_OOM) || (code == Some(JVM_OOM) && pod.role == Role::Executor)
        };
        let pod = facts.pods.iter().find(exit);
        if container.is_none() && error.is_none() && pod.is_none() {
            return None;
        }
        let in_task = error.is_some_and(|error| error.in_task);
        let role = container.map(|one| one.role).or(pod.map(|pod| pod.role));
        let role = role.unwrap_or(if in_task { Role::Executor } else { Role::Driver });
        let sure = error.is_some() || pod.is_some();
        let certainty = if sure { Certainty::Certain } else { Certainty::Likely };
        let severity = if sure { case.fatal_if_it_failed() } else { Severity::Warning };
        let word = role.word();
        let sentence = if sure {
            format!("the heap of the {word} was exhausted")
        } else {
            format!("the heap of an {word} is full, even after a full collection")
                .replace("an driver", "the driver")
        };
        let mut found = Found::new(severity, certainty, sentence);
        if let Some(error) = error {
            found = found.logged(format!("{}: {}", error.class, error.message));
        }
        if let Some(pod) = pod {
            let code = pod.spark.as_ref().and_then(|spark| spark.exit_code).unwrap_or_default();
            found = found.status(
                format!("exit code {code}: out of memory in the JVM"),
                None,
                Some(&pod.name),
            );
        }
        let heap = container.and_then(|one| one.heap_max_bytes).or(match role {
            Role::Driver => facts
                .settings
                .driver_memory_bytes
                .or(facts.driver_container().and_then(|one| one.heap_max_bytes)),
            Role::Executor => facts
                .settings
                .executor_memory_bytes
                .or(facts.executor_containers().find_map(|one| one.heap_max_bytes)),
        });
        if let Some((used, max)) =
            container.and_then(|one| one.heap_after_gc_bytes.zip(one.heap_max_bytes))
        {
            let one = container.map(|one| one.pod.as_str());
            found = found.figure(
                format!(
                    "{} of a heap of {} in use after a full collection",
                    bytes(used),
                    bytes(max)
                ),
                None,
                one,
            );
        }
        let setting = format!("spark.{word}.memory");
        Some(match (error.map(|error| error.message.as_str()), heap) {
            (Some(message), _) if message.contains("Metaspace") => found.advise("the classes need it, not the heap: -XX:MaxMetaspaceSize is too small"),
            (Some(message), _) if message.contains("Direct buffer") => found.advise("direct buffers need it, not the heap: -XX:MaxDirectMemorySize is too small"),
            (Some(message), _) if message.contains("native thread") => found.advise("threads need it, not the heap: the container's limit of processes (pids.max) is reached"),
            (_, Some(heap)) => found.set(&setting, units::setting(heap * 2.0), format!("twice the {} that there are; what it would need was not seen", bytes(heap))),
            _ => found.advise(format!("raise {setting}")),
        })
    },
};

pub(super) const PYTHON_MEMORY_GROWING: Rule = Rule {
    code: "python_memory_growing",
    severity: Severity::Warning,
    certainty: Certainty::VeryLikely,
    meaning: "The memory of Python workers grows without levelling off.",
    needs: "resident memory of Python workers that grew in each of two spans of ten minutes by 5 %",
    advice: "Workers that live for one task only (`spark.python.worker.reuse=false`) give it back; look for what is kept in global variables of the functions.",
    alert: Some("SparkPythonMemoryGrowing"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let containers = case.facts.containers.iter();
        let growing =
            containers.filter_map(|one| Some((one, one.python?))).filter(|(_, python)| {
                let [first, second, last] = python.lows;
                first > 0.0 && second > PYTHON_GROWTH * first && last > PYTHON_GROWTH * second
            });
        let speed = |python: &PythonMemory| {
            (python.lows[2] - python.lows[0]) / (2.0 * python.span_seconds).max(1.0)
        };
        let (worst, python) = growing.max_by(|a, b| speed(&a.1).total_cmp(&speed(&b.1)))?;
        let [first, second, last] = python.lows.map(bytes);
        let hourly = bytes(speed(&python) * 3600.0);
        let sentence = format!("the memory of Python workers grows by {hourly} an hour");
        let span = units::seconds(python.span_seconds);
        let text = format!("the least in three spans of {span}: {first}, {second}, {last}");
        let pod = Some(worst.pod.as_str());
        let found = Found::new(Severity::Warning, Certainty::VeryLikely, sentence);
        let mut found = found.figure(text, worst.last_seen_at, pod);
        if let Some((limit, used)) = worst.limit_bytes.zip(worst.working_set_peak_bytes)
            && limit > used
        {
            let left = units::seconds((limit - used) / speed(&python).max(1.0));
            let (free, limit) = (bytes(limit - used), bytes(limit));
            let text =
                format!("{free} left under the limit of {limit}: enough for {left} at this pace");
            found = found.figure(text, worst.last_seen_at, pod);
        }
        let why = "workers that end with their task give the memory back; it costs a start of Python a task";
        Some(
            found.set("spark.python.worker.reuse", "false", why).advise(
                "look for what the job's Python functions keep in global variables and caches",
            ),
        )
    },
};

pub(super) const NEAR_MEMORY_LIMIT: Rule = Rule {
    code: "near_memory_limit",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "A container came so near to its memory limit that a little more would have it killed.",
    needs: "working set and anonymous memory of a container against its limit",
    advice: "More memory for the part that needs it.",
    alert: Some("SparkContainerNearMemoryLimit"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let near = |one: &&Container| {
            let (Some(limit), Some(set), Some(anonymous)) =
                (one.limit_bytes, one.working_set_peak_bytes, one.anonymous_peak_bytes)
            else {
                return false;
            };
            let killed = one.oom_kills.unwrap_or_default() > 0.0
                || one.last_state.is_some_and(LastState::is_oom);
            !killed && set > NEAR_LIMIT * limit && anonymous > NEAR_LIMIT_ANONYMOUS * limit
        };
        let all: Vec<&Container> = case.facts.containers.iter().filter(near).collect();
        let ratio = |one: &Container| {
            one.working_set_peak_bytes.unwrap_or_default() / one.limit_bytes.unwrap_or(f64::MAX)
        };
        let worst = all.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
        let word = worst.role.word();
        let sentence = format!(
            "{} came within {} of the memory limit",
            units::count(all.len() as f64, word),
            percent(1.0 - ratio(worst))
        );
        let mut found = Found::new(Severity::Warning, Certainty::Certain, sentence);
        if let Some(memory) = worst.at_peak {
            found = found.figure(bill(&memory, worst), Some(memory.at), Some(&worst.pod));
        }
        let limit = worst.limit_bytes?;
        let heap = worst.heap_max_bytes.unwrap_or_default();
        let overhead = worst.working_set_peak_bytes? * HEADROOM - heap;
        Some(found.set(
            &format!("spark.{word}.memoryOverhead"),
            units::setting(overhead.max(0.0)),
            format!(
                "a quarter above the {} that were used under a limit of {}",
                bytes(worst.working_set_peak_bytes?),
                bytes(limit)
            ),
        ))
    },
};

pub(super) const GARBAGE_COLLECTION: Rule = Rule {
    code: "garbage_collection",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "JVMs spent much of their time collecting garbage.",
    needs: "time of garbage collection of executors' tasks against the time that the tasks ran",
    advice: "More heap for each task: more memory, or fewer cores an executor.",
    alert: Some("SparkGarbageCollectionHigh"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let executors = &case.facts.executors;
        let run: f64 = executors.iter().filter_map(|one| one.run_seconds).sum();
        let gc: f64 = executors.iter().filter_map(|one| one.gc_seconds).sum();
        if gc < GC_SECONDS || gc < GC_SHARE * run {
            return None;
        }
        let sentence =
            format!("tasks spent {} of their time collecting garbage", percent(gc / run));
        let text = format!("{} of {} of the tasks' time", units::seconds(gc), units::seconds(run));
        let found = Found::new(Severity::Warning, Certainty::Certain, sentence).figure(
            text,
            case.facts.application.last_seen_at,
            None,
        );
        let heap = case
            .facts
            .settings
            .executor_memory_bytes
            .or(case.facts.executor_containers().find_map(|one| one.heap_max_bytes));
        Some(match heap {
            Some(heap) => found
                .set(
                    "spark.executor.memory",
                    units::setting(heap * 1.5),
                    format!("half as much again as the {} that there are", bytes(heap)),
                )
                .advise("or the same memory for fewer tasks at once: halve spark.executor.cores"),
            None => found.advise("raise spark.executor.memory, or halve spark.executor.cores"),
        })
    },
};
