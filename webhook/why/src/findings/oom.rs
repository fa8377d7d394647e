//! Processes that the kernel killed for want of memory, and which memory it was that they wanted.

use super::finding::{Case, Certainty, Found, Provoked, Rule, Severity};
use super::thresholds::{HEADROOM, OVERHEAD_UNKNOWN, PYTHON_SHARE};
use crate::facts::{Container, LastState, Memory, Pod, Role};
use crate::units::{self, GIB, bytes};

/// The exit code of a JVM that the kernel killed.
const KILLED: i64 = 137;

pub(super) const DRIVER_OOM_KILLED: Rule = Rule {
    code: "driver_oom_killed",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The kernel killed the driver's JVM at the memory limit of its container. The application is over.",
    needs: "the sidecar's evidence oom_kill, unattributed_oom_kill, node_oom_kill or memory_at_limit, or the kubelet's OOMKilled with exit code 137",
    advice: "More memory outside of the heap (`spark.driver.memoryOverhead`), or less in the driver: no `collect` of large results.",
    alert: Some("SparkDriverOomKilled"),
    provoked: Provoked::RealSpark,
    judge: |case| killed(case, Role::Driver),
};

pub(super) const EXECUTOR_OOM_KILLED: Rule = Rule {
    code: "executor_oom_killed",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The kernel killed executors at the memory limit of their containers. Their tasks and shuffle files are lost; four failures of one task end the job.",
    needs: "the sidecar's evidence oom_kill, unattributed_oom_kill, node_oom_kill or memory_at_limit, the kubelet's OOMKilled with exit code 137, or Spark's loss reason oom_killed",
    advice: "More memory for the part that needed it (`spark.executor.memoryOverhead` for Python and what is off-heap), or smaller partitions.",
    alert: Some("SparkExecutorOomKilled"),
    provoked: Provoked::RecordedFacts,
    judge: |case| killed(case, Role::Executor),
};

pub(super) const PROCESS_OOM_KILLED: Rule = Rule {
    code: "process_oom_killed",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The kernel killed a process beside the JVM, mostly a Python worker; the JVM went on.",
    needs: "the sidecar's evidence process_oom_kill, or kills counted in a container whose JVM was not killed",
    advice: "More memory outside of the heap, fewer Python workers at once, or smaller batches.",
    alert: Some("SparkProcessOomKilled"),
    provoked: Provoked::RealSpark,
    judge: |case| {
        let hit = |one: &&Container| {
            let kills = one.oom_kills.unwrap_or_default();
            let jvm = one.last_state.is_some_and(LastState::is_oom);
            !jvm && (kills > 0.0 || one.last_state == Some(LastState::ProcessOomKill))
        };
        let all: Vec<&Container> = case.facts.containers.iter().filter(hit).collect();
        let worst = all.iter().max_by(|a, b| {
            a.peak_bytes.partial_cmp(&b.peak_bytes).unwrap_or(std::cmp::Ordering::Equal)
        })?;
        let kills: f64 = all.iter().map(|one| one.oom_kills.unwrap_or(1.0)).sum();
        let sentence = format!(
            "the kernel killed {} beside the JVM in {} for want of memory, most likely Python workers",
            units::count(kills, "process").replace("processs", "processes"),
            units::count(all.len() as f64, worst.role.word()),
        );
        let found = Found::new(case.fatal_if_it_failed(), Certainty::Certain, sentence);
        Some(bill_and_change(found, case, worst, worst.role))
    },
};

/// What was killed of one role, and what it needed.
fn killed(case: &Case<'_>, role: Role) -> Option<Found> {
    let facts = case.facts;
    let is_oom =
        |one: &&Container| one.role == role && one.last_state.is_some_and(LastState::is_oom);
    let seen: Vec<&Container> = facts.containers.iter().filter(is_oom).collect();
    let told: Vec<&Pod> =
        facts.pods.iter().filter(|pod| pod.role == role && is_killed(pod)).collect();
    let of_spark = match role {
        Role::Driver => 0.0,
        Role::Executor => {
            facts.losses.get(&crate::facts::LossReason::OomKilled).copied().unwrap_or_default()
        }
    };
    let in_log = logged(case, role);
    let count = (seen.len().max(told.len()) as f64).max(of_spark);
    let count = if in_log.is_some() { count.max(1.0) } else { count };
    if count == 0.0 {
        return None;
    }
    let word = role.word();
    let subject = match role {
        Role::Driver => "the kernel killed the driver".to_owned(),
        Role::Executor => format!("the kernel killed {}", units::count(count, word)),
    };
    let worst =
        seen.iter().max_by(|a, b| weight(a).total_cmp(&weight(b))).copied().or_else(|| {
            facts.containers.iter().find(|one| told.iter().any(|pod| pod.name == one.pod))
        });
    let limit = worst
        .and_then(|one| one.limit_bytes)
        .or(told.first().and_then(|pod| pod.memory_limit_bytes));
    let limit = limit.map(|limit| format!(" of {}", bytes(limit))).unwrap_or_default();
    let surely =
        !told.is_empty() || seen.iter().any(|one| one.last_state == Some(LastState::OomKill));
    let only_logged = seen.is_empty() && told.is_empty() && of_spark == 0.0;
    let certainty = if only_logged {
        Certainty::Likely
    } else if surely {
        Certainty::Certain
    } else {
        Certainty::VeryLikely
    };
    let severity = match role {
        Role::Driver => Severity::Critical,
        Role::Executor => case.fatal_if_it_failed(),
    };
    let mut found =
        Found::new(severity, certainty, format!("{subject} at the memory limit{limit}"));
    if let Some(one) = seen.first() {
        let text = one.last_state.map(LastState::sentence).unwrap_or_default();
        found = found.figure(text, one.last_seen_at, Some(&one.pod));
    }
    if let Some(pod) = told.first() {
        let at = pod.spark.as_ref().and_then(|spark| spark.finished_at);
        found = found.status(format!("OOMKilled, exit code {KILLED}"), at, Some(&pod.name));
    }
    if of_spark > 0.0 {
        found = found.figure(
            format!("Spark lost {} as killed for want of memory", units::count(of_spark, word)),
            None,
            None,
        );
    }
    if let Some(message) = in_log {
        found = found.logged(message);
    }
    if let Some(worst) = worst {
        Some(bill_and_change(found, case, worst, role))
    } else {
        let limit = told.first().and_then(|pod| pod.memory_limit_bytes);
        let setting = format!("spark.{word}.memoryOverhead");
        Some(match (limit, heap_setting(case, role)) {
            (Some(limit), Some(heap)) => {
                let overhead = (limit - heap).max(0.0);
                let why = "there are beside the heap; what filled them was not seen";
                let why = format!("twice the {} that {why}", bytes(overhead));
                found.set(&setting, units::setting((overhead * 2.0).max(GIB)), why)
            }
            (Some(limit), None) => {
                let why = "more than Spark leaves beside the heap by itself";
                let why =
                    format!("{why} under a limit of {}; what filled it was not seen", bytes(limit));
                found.set(&setting, units::setting((limit * OVERHEAD_UNKNOWN).max(GIB)), why)
            }
            (None, _) => {
                found.advise(format!("raise {setting}; which memory was short is not known"))
            }
        })
    }
}

/// What the driver's log says of executors that were killed: Spark deletes their pods.
fn logged<'f>(case: &Case<'f>, role: Role) -> Option<&'f str> {
    let error = case.facts.log.as_ref()?.exception.as_ref()?;
    let says = error.message.contains("exit code 137") || error.message.contains("OOMKilled");
    (role == Role::Executor && says).then_some(error.message.as_str())
}

/// Whether anything was killed for want of memory.
pub(super) fn is_seen(case: &Case<'_>) -> bool {
    let hit = |one: &Container| {
        one.oom_kills.unwrap_or_default() > 0.0
            || one
                .last_state
                .is_some_and(|state| state.is_oom() || state == LastState::ProcessOomKill)
    };
    case.facts.containers.iter().any(hit)
        || case.facts.pods.iter().any(is_killed)
        || logged(case, Role::Executor).is_some()
}

/// What stands in the container's memory, and what to change for it.
fn bill_and_change(found: Found, case: &Case<'_>, container: &Container, role: Role) -> Found {
    let word = role.word();
    let Some(memory) = container.at_peak else {
        return found.advise(format!(
            "more spark.{word}.memoryOverhead; which memory it was that was short was not seen"
        ));
    };
    let found = found.figure(bill(&memory, container), Some(memory.at), Some(&container.pod));
    let Some(limit) = container.limit_bytes else { return found };
    let heap_max = container
        .heap_max_bytes
        .or(heap_setting(case, role))
        .unwrap_or(memory.heap.unwrap_or_default());
    let overhead = (limit - heap_max).max(0.0);
    let (python, off_heap) =
        (memory.python.unwrap_or_default(), memory.off_heap().unwrap_or_default());
    let setting = format!("spark.{word}.memoryOverhead");
    if heap_max > limit {
        return found.set(
            &format!("spark.{word}.memory"),
            units::setting(limit * 0.7),
            format!(
                "the heap may grow to {}, beyond the container's limit of {}",
                bytes(heap_max),
                bytes(limit)
            ),
        );
    }
    // It was killed while it grew: what was seen is the least that it needs.
    let needed = ((python + off_heap) * HEADROOM).max(overhead * 1.5);
    if python > PYTHON_SHARE * limit || python > off_heap {
        let why = format!(
            "Python held {} beside a heap of {} under a limit of {}",
            bytes(python),
            bytes(heap_max),
            bytes(limit)
        );
        let found = found.set(&setting, units::setting(needed), why);
        return match role {
            Role::Executor => found
                .advise("or fewer Python workers at once: halve spark.executor.cores")
                .advise("spark.executor.pyspark.memory makes Python fail with a MemoryError that names the line, instead"),
            Role::Driver => found.advise("or hold less in the driver's Python: toPandas() and collect() bring everything there"),
        };
    }
    let why = format!(
        "the JVM held {} outside of its heap of {} under a limit of {}",
        bytes(off_heap),
        bytes(heap_max),
        bytes(limit)
    );
    found.set(&setting, units::setting(needed), why)
}

/// A container's memory at one time, as a bill.
pub(super) fn bill(memory: &Memory, container: &Container) -> String {
    let parts = [
        ("heap", memory.heap),
        ("JVM outside of the heap", memory.off_heap()),
        ("Python", memory.python),
        ("page cache, which can be reclaimed", memory.page_cache),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, size)| Some(format!("{name} {}", bytes(size?))))
        .collect();
    let limit =
        container.limit_bytes.map(|limit| format!(" of {}", bytes(limit))).unwrap_or_default();
    format!("working set {}{limit}: {}", bytes(memory.working_set), parts.join(", "))
}

/// The heap that it was given, if that is known.
fn heap_setting(case: &Case<'_>, role: Role) -> Option<f64> {
    match role {
        Role::Driver => case.facts.settings.driver_memory_bytes,
        Role::Executor => case.facts.settings.executor_memory_bytes,
    }
}

fn weight(container: &Container) -> f64 {
    container.at_peak.map_or(0.0, |memory| memory.working_set)
}

/// The kubelet's word for a kill counts every process of the container; the exit code is the JVM's.
fn is_killed(pod: &Pod) -> bool {
    pod.spark.as_ref().is_some_and(|spark| {
        spark.reason.as_deref() == Some("OOMKilled") && spark.exit_code == Some(KILLED)
    })
}
