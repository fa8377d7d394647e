//! Jobs with one known fault each and jobs with none, run for real, and what `emberscope why` says of them.
//!
//! Figures come from the sidecars by a real Prometheus. What a kubelet would say is written down from
//! how `spark-submit` ended, and the driver's log is what it printed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use emberscope_why::facts::{Asked, ContainerStatus, Phase, Pod, Role, Source, State};
use emberscope_why::{Options, answer, driver_log, gather_now, render};

use crate::enclosure::Limits;
use crate::spark::TWO_EXECUTORS;
use crate::trial::{self, Submission, last};

/// A job, and what is to be said of it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// The finding that has to come first; none: the job is sound.
    pub cause: Option<&'static str>,
    /// Findings that may be there as well, since they are so too.
    pub also: &'static [&'static str],
    /// The program in `tests/jobs`, and its arguments.
    program: &'static str,
    arguments: &'static [&'static str],
    master: &'static str,
    settings: &'static [&'static str],
    limits: Limits,
}

impl Case {
    /// Whether that is so of this job.
    #[must_use]
    pub fn is_so(&self, code: &str) -> bool {
        Some(code) == self.cause || self.also.contains(&code)
    }
}

const ROOM: Limits = Limits { memory: 4 << 30, quota: 400_000 };
const LITTLE: Limits = Limits { memory: 900 << 20, quota: 200_000 };
const A_THIRD: Limits = Limits { memory: 4 << 30, quota: 35_000 };

const fn fault(
    name: &'static str,
    cause: Option<&'static str>,
    arguments: &'static [&'static str],
) -> Case {
    Case {
        name,
        cause,
        also: &[],
        program: "faults.py",
        arguments,
        master: TWO_EXECUTORS,
        settings: &[],
        limits: ROOM,
    }
}

const fn greedy(
    name: &'static str,
    cause: &'static str,
    whose: &'static [&'static str],
    settings: &'static [&'static str],
) -> Case {
    // The driver and the executor are one container here: what is so of one is so of the other.
    let also = &[
        "executor_oom_killed",
        "driver_oom_killed",
        "process_oom_killed",
        "application_error",
        "near_memory_limit",
    ];
    Case {
        program: "greedy.py",
        also,
        master: "local[1]",
        settings,
        limits: LITTLE,
        ..fault(name, Some(cause), whose)
    }
}

/// All cases.
pub const CASES: &[Case] = &[
    fault("broken_record", Some("application_error"), &["broken_record", "0"]),
    fault("driver_error", Some("application_error"), &["driver_error", "0"]),
    fault("missing_input", Some("application_error"), &["missing_input", "0"]),
    fault("missing_column", Some("application_error"), &["missing_column", "0"]),
    fault("missing_module", Some("application_error"), &["missing_module", "0"]),
    Case {
        master: "local[1]",
        settings: &["--driver-memory", "512m"],
        ..fault("heap", Some("heap_exhausted"), &["heap", "0"])
    },
    greedy("oom_jvm", "driver_oom_killed", &["jvm"], &["--driver-memory", "3g"]),
    greedy("oom_worker", "process_oom_killed", &["worker"], &["--driver-memory", "512m"]),
    fault("flaky", Some("tasks_failing"), &["flaky", "30"]),
    fault("driver_bound", Some("driver_bound"), &["driver_bound", "150"]),
    Case { limits: A_THIRD, ..fault("throttled", Some("cpu_throttled"), &["throttled", "75"]) },
    fault("skew", Some("stage_skewed"), &["skew", "60"]),
    Case {
        master: "local-cluster[2,2,1024]",
        ..fault("one_partition", Some("too_few_partitions"), &["one_partition", "40"])
    },
    fault("tiny_tasks", Some("tiny_tasks"), &["tiny_tasks", "40"]),
    fault("clean", None, &["clean", "30"]),
    fault("busy", None, &["busy", "40"]),
    fault("caught", None, &["caught", "20"]),
    fault("cached", None, &["cached", "30"]),
    Case { program: "trips.py", ..fault("trips", None, &["40"]) },
];

/// What came of a case.
#[derive(Debug)]
pub enum Trial {
    /// The machine does not allow it.
    NotTried(String),
    /// There is an answer.
    Answered {
        /// The codes of its findings, the likeliest cause first.
        codes: Vec<String>,
        /// What is wrong with it.
        wrong: Option<String>,
        /// The answer as people see it.
        text: String,
    },
}

impl Trial {
    /// Runs the job and asks.
    pub async fn of(case: &Case) -> Result<Self> {
        let mut trial = trial::Trial::start().await?;
        let prometheus = trial.scrape("5s").await?;
        let submission = Submission {
            master: case.master,
            settings: &case.settings.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(),
            program: case.program,
            arguments: &case.arguments.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(),
            limits: case.limits,
        };
        trial.submit(&submission, &format!("emberscope-why-{}", case.name.replace('_', "-")))?;
        if let Some(why) = trial.not_enclosed() {
            return Ok(Self::NotTried(why.to_owned()));
        }
        let (status, log) = trial.spark_exits(Duration::from_mins(6)).await?;
        trial.sidecars_end(Duration::from_mins(1)).await?;
        let found = last(prometheus, "spark_driver_dag_scheduler_active_jobs").await?;
        let id = found.iter().find_map(|one| one.labels.get("application_id").cloned());
        let id = id.with_context(|| format!("Prometheus has no figures of the driver:\n{log}"))?;
        let options = Options {
            since: 1800.0,
            prometheus: Some(format!("http://127.0.0.1:{prometheus}").parse()?),
            // There is no cluster, whatever kubeconfig lies about.
            kubeconfig: None,
            ..Options::default()
        };
        let mut facts = gather_now(&options, &id).await?;
        facts.log = Some(driver_log::read(&log));
        facts.pods = vec![driver_pod(facts.application.driver_pod.as_deref(), status.code(), case)];
        facts.asked.push(Asked { source: Source::ApiServer, place: String::new(), answered: true });
        if let Some(folder) = std::env::var_os("WHY_FACTS") {
            let file = PathBuf::from(folder).join(format!("{}.json", case.name));
            std::fs::write(file, render::facts_json(&facts))?;
        }
        let answer = answer(&facts);
        let codes: Vec<String> =
            answer.findings.iter().map(|finding| finding.code.clone()).collect();
        let (wrong, text) = (wrong(case, &codes), render::text(&answer, false));
        Ok(Self::Answered { codes, wrong, text })
    }
}

/// What the kubelet would say.
fn driver_pod(name: Option<&str>, code: Option<i32>, case: &Case) -> Pod {
    let killed = code == Some(137) || code.is_none();
    let reason = match code {
        Some(0) => "Completed",
        _ if killed && case.limits.memory == LITTLE.memory => "OOMKilled",
        _ => "Error",
    };
    Pod {
        name: name.unwrap_or("driver").to_owned(),
        role: Role::Driver,
        node: Some("this-machine".to_owned()),
        phase: if code == Some(0) { Phase::Succeeded } else { Phase::Failed },
        injected: true,
        spark: Some(ContainerStatus {
            state: State::Terminated,
            reason: Some(reason.to_owned()),
            exit_code: Some(i64::from(code.unwrap_or(137))),
            ..ContainerStatus::default()
        }),
        ..Pod::default()
    }
}

/// What is wrong with an answer: the first finding is not the cause, or there are others that are not so.
fn wrong(case: &Case, codes: &[String]) -> Option<String> {
    if codes.first().map(String::as_str) != case.cause {
        return Some(format!("it should be {:?} and is {codes:?}", case.cause));
    }
    let more: Vec<&String> = codes.iter().filter(|code| !case.is_so(code)).collect();
    (!more.is_empty()).then(|| format!("{more:?} should not be there"))
}
