//! What the program itself did: an exception, tasks that fail, and a driver that was made to end.

use super::finding::{Case, Certainty, Found, Provoked, Rule, Severity};
use super::oom;
use super::thresholds::{TASKS_FAILED, TASKS_FAILING as FAILING};
use crate::answer::Verdict;
use crate::facts::{Exception, State};
use crate::units::{self, percent};

/// What an exception means, by a part of its class and message.
struct Known {
    /// Any of them.
    words: &'static [&'static str],
    advice: &'static str,
}

/// Exceptions that a job meets often.
const KNOWN: [Known; 12] = [
    Known {
        words: &["AccessDenied", "Access Denied", "403 Forbidden", "Status Code: 403"],
        advice: "the job may not read or write that place: the role of its service account lacks the right",
    },
    Known {
        words: &[
            "NoSuchBucket",
            "does not exist",
            "PATH_NOT_FOUND",
            "FileNotFoundException",
            "FileNotFoundError",
            "No such file",
        ],
        advice: "what it reads is not there: is the path right, and did the job before this one write it?",
    },
    Known {
        words: &["ModuleNotFoundError", "ImportError"],
        advice: "the Python package is not in the image: add it there, or hand it over with --py-files or spark.archives",
    },
    Known {
        words: &["ClassNotFoundException", "NoClassDefFoundError", "NoSuchMethodError"],
        advice: "a jar is missing or of another version: spark.jars or spark.jars.packages, or the image",
    },
    Known {
        words: &["UNRESOLVED_COLUMN", "cannot resolve", "AnalysisException", "ParseException"],
        advice: "the query does not fit its tables: has a column been renamed or a schema changed?",
    },
    Known {
        words: &["FileAlreadyExists", "PATH_ALREADY_EXISTS", "already exists"],
        advice: "the output is there already: a run before left it; choose a save mode, or take it away",
    },
    Known {
        words: &["maxResultSize"],
        advice: "results are brought to the driver that are too large for it: write them, or raise spark.driver.maxResultSize and spark.driver.memory",
    },
    Known {
        words: &["No space left on device"],
        advice: "the disk for shuffle files is full: a larger volume for spark.local.dir (spark.kubernetes.executor.volumes.persistentVolumeClaim.spark-local-dir-1)",
    },
    Known {
        words: &[
            "UnknownHostException",
            "Connection refused",
            "ConnectException",
            "ConnectTimeout",
        ],
        advice: "something that the job needs does not answer: is its name right, and does a NetworkPolicy let the job pass?",
    },
    Known {
        words: &["Could not find or load main class", "MainClass", "Failed to load class"],
        advice: "the main class is not in the jar that was submitted",
    },
    Known {
        words: &[
            "NumberFormat",
            "CAST_INVALID_INPUT",
            "ValueError",
            "ArithmeticException",
            "DIVIDE_BY_ZERO",
            "ZeroDivisionError",
            "NullPointerException",
        ],
        advice: "a record is not as the program expects it: find it, and decide whether to mend, skip or refuse it",
    },
    Known {
        words: &["forbidden: User"],
        advice: "Spark may not ask the API server for that: the Role of the driver's service account lacks the right",
    },
];

/// What Spark says of a table that was to be sent to every executor.
const BROADCASTS: [&str; 4] = [
    "build and broadcast the table",
    "Cannot broadcast",
    "execute broadcast in",
    "spark.sql.broadcastTimeout",
];

/// What Spark says of executors and Python workers that went.
const EXECUTORS_WENT: [&str; 3] =
    ["ExecutorLostFailure", "Python worker exited unexpectedly", "exit code 137"];

pub(super) const BROADCAST_TOO_LARGE: Rule = Rule {
    code: "broadcast_too_large",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "A table was to be sent to every executor for a join, and was too large for the driver or took too long.",
    needs: "Spark's error about a broadcast in the driver's log",
    advice: "Forbid it (`spark.sql.autoBroadcastJoinThreshold=-1`), or take the hint out.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let error = case.facts.log.as_ref()?.exception.as_ref()?;
        if !BROADCASTS.iter().any(|words| error.message.contains(words)) {
            return None;
        }
        Some(
            Found::new(
                case.fatal_if_it_failed(),
                Certainty::Certain,
                "a table was too large to be sent to every executor",
            )
            .logged(format!("{}: {}", error.class, error.message))
            .set("spark.sql.autoBroadcastJoinThreshold", "-1", "tables are shuffled instead")
            .advise("and take broadcast() hints out of the program"),
        )
    },
};

pub(super) const APPLICATION_ERROR: Rule = Rule {
    code: "application_error",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The program ended with an exception of its own.",
    needs: "a driver that failed, and the last exception in its log, or its exit code alone",
    advice: "By the exception; the innermost cause is shown.",
    alert: Some("SparkApplicationFailed"),
    provoked: Provoked::RealSpark,
    judge: |case| {
        if case.verdict != Verdict::Failed {
            return None;
        }
        let facts = case.facts;
        let spark = facts.driver_pod().and_then(|pod| pod.spark.as_ref());
        let killed = spark.is_some_and(|spark| spark.reason.as_deref() == Some("OOMKilled"));
        let oom = facts
            .driver_container()
            .is_some_and(|one| one.last_state.is_some_and(crate::facts::LastState::is_oom));
        if killed || oom {
            return None;
        }
        let code = spark
            .filter(|spark| spark.state == State::Terminated)
            .and_then(|spark| spark.exit_code);
        let Some(error) = facts.log.as_ref().and_then(|log| log.exception.as_ref()) else {
            return without_a_log(case.facts, code);
        };
        if is_told_elsewhere(case, error) {
            return None;
        }
        let place = error.place.as_deref().map(|place| format!(" in {place}")).unwrap_or_default();
        let sentence = format!("the program failed{place}: {}", title(error));
        let certainty = if error.uncaught { Certainty::Certain } else { Certainty::Likely };
        let mut found = Found::new(Severity::Critical, certainty, sentence)
            .logged(format!("{}: {}", error.class, error.message));
        if let Some(code) = code {
            found = found.status(
                format!("exit code {code}"),
                spark.and_then(|spark| spark.finished_at),
                facts.application.driver_pod.as_deref(),
            );
        }
        let said = format!("{}: {}", error.class, error.message);
        let known = KNOWN.iter().find(|known| known.words.iter().any(|word| said.contains(word)));
        Some(found.advise(known.map_or(
            "the exception names what is wrong; the driver's log has all of it",
            |known| known.advice,
        )))
    },
};

/// Whether another rule says the same, with more to say: memory, broadcasts, shuffle data, executors that went.
fn is_told_elsewhere(case: &Case<'_>, error: &Exception) -> bool {
    let heap = error.class.ends_with("OutOfMemoryError");
    let shuffle = error.class.contains("FetchFailed") || error.message.contains("FetchFailed");
    let broadcast = BROADCASTS.iter().any(|words| error.message.contains(words));
    let lost = EXECUTORS_WENT.iter().any(|words| error.message.contains(words))
        && (oom::is_seen(case) || !case.facts.losses.is_empty());
    heap || shuffle || broadcast || lost
}

/// What is left to say where the log could not be read.
fn without_a_log(facts: &crate::facts::Facts, code: Option<i64>) -> Option<Found> {
    let driver = facts.driver.as_ref();
    let failed = driver.and_then(|driver| driver.failed_jobs).unwrap_or_default();
    if code.is_none() && failed == 0.0 {
        return None;
    }
    let sentence = match code {
        Some(code) => format!("the driver ended with exit code {code}; its log could not be read"),
        None => {
            format!("{} failed; the driver's log could not be read", units::count(failed, "job"))
        }
    };
    let mut found = Found::new(Severity::Critical, Certainty::Likely, sentence);
    if let Some(code) = code {
        found = found.status(
            format!("exit code {code}"),
            None,
            facts.application.driver_pod.as_deref(),
        );
    }
    if failed > 0.0 {
        let stages = driver.and_then(|driver| driver.failed_stages).unwrap_or_default();
        let text =
            format!("{} and {} failed", units::count(failed, "job"), units::count(stages, "stage"));
        found = found.figure(text, facts.application.last_seen_at, None);
    }
    let namespace = &facts.application.namespace;
    let pod = facts.application.driver_pod.as_deref().unwrap_or("DRIVER");
    Some(
        found.advise(format!(
            "kubectl -n {namespace} logs {pod} -c spark-kubernetes-driver --tail=100"
        )),
    )
}

/// The class without its package, and the first sentence of what it says.
fn title(error: &Exception) -> String {
    let class = error.class.rsplit('.').next().unwrap_or(&error.class);
    let first = error.message.lines().next().unwrap_or_default();
    let first: String = first.chars().take(160).collect();
    format!("{class}: {first}")
}

pub(super) const DRIVER_KILLED: Rule = Rule {
    code: "driver_killed",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The driver was ended from outside: cancelled, deleted, or its node went.",
    needs: "exit code 143 or 137 without a kill for want of memory, or a driver that ended while jobs ran",
    advice: "Find who did it: EMR's cancellation, `kubectl delete`, a timeout of the scheduler that submitted it, a node that went.",
    alert: None,
    provoked: Provoked::RealApiServer,
    judge: |case| {
        if case.verdict != Verdict::Killed {
            return None;
        }
        let facts = case.facts;
        let pod = facts.driver_pod();
        if pod
            .is_some_and(|pod| pod.disruption.is_some() || pod.reason.as_deref() == Some("Evicted"))
        {
            return None;
        }
        let spark = pod.and_then(|pod| pod.spark.as_ref());
        let code = spark.and_then(|spark| spark.exit_code);
        let by = match code {
            Some(143) => " (SIGTERM)",
            Some(137) => " (SIGKILL)",
            _ => "",
        };
        let certainty = if code.is_some() { Certainty::Certain } else { Certainty::Likely };
        let mut found = Found::new(
            Severity::Critical,
            certainty,
            format!("the driver was ended from outside{by}, not by an error of the program's"),
        );
        if let Some(code) = code {
            found = found.status(
                format!("exit code {code}"),
                spark.and_then(|spark| spark.finished_at),
                pod.map(|pod| pod.name.as_str()),
            );
        }
        if let Some(at) = pod.and_then(|pod| pod.deletion_asked_at) {
            found = found.status(
                "somebody asked for the pod to be deleted",
                Some(at),
                pod.map(|pod| pod.name.as_str()),
            );
        }
        if let Some(jobs) =
            facts.driver.as_ref().and_then(|driver| driver.active_jobs).filter(|jobs| *jobs > 0.0)
        {
            found = found.figure(
                format!("{} ran when it ended", units::count(jobs, "job")),
                facts.application.last_seen_at,
                None,
            );
        }
        for event in facts
            .events
            .iter()
            .filter(|event| {
                matches!(
                    event.reason.as_str(),
                    "Killing" | "Preempted" | "TaintManagerEviction" | "NodeNotReady"
                )
            })
            .take(3)
        {
            found = found.status(
                format!("{}: {}", event.reason, event.message),
                event.at,
                Some(&event.pod),
            );
        }
        Some(found.advise("a cancelled run is no failure; where nobody meant it: who deletes pods there (the submitter's timeout, an operator, a node that went)?"))
    },
};

pub(super) const TASKS_FAILING: Rule = Rule {
    code: "tasks_failing",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "Many tasks failed and were tried again, which costs their time.",
    needs: "failed and completed tasks, by stage where that is known",
    advice: "The stage's exception says why; the executors' logs have it.",
    alert: Some("SparkTasksFailing"),
    provoked: Provoked::RealSpark,
    judge: |case| {
        let driver = case.facts.driver.as_ref()?;
        let (failed, done) = (driver.failed_tasks?, driver.completed_tasks.unwrap_or_default());
        let ratio = failed / (failed + done).max(1.0);
        if failed <= TASKS_FAILED || ratio <= FAILING {
            return None;
        }
        let at = case.facts.application.last_seen_at;
        let sentence = format!("{} of all tasks failed", percent(ratio));
        let mut found = Found::new(Severity::Warning, Certainty::Certain, sentence).figure(
            format!("{} failed, {} completed", units::number(failed), units::number(done)),
            at,
            None,
        );
        let mut stages: Vec<_> =
            case.facts.stages.iter().filter(|stage| stage.failed_tasks > 0.0).collect();
        stages.sort_by(|a, b| b.failed_tasks.total_cmp(&a.failed_tasks));
        for stage in stages.iter().take(3) {
            found = found.figure(
                format!("{}: {}", stage.title(), units::count(stage.failed_tasks, "failed task")),
                at,
                None,
            );
        }
        Some(found.advise("tasks that fail by chance hide behind retries: mend what they meet, do not raise spark.task.maxFailures"))
    },
};
