//! What became of an application, and how sure that is.
//!
//! The kubelet's word on the driver's container comes first: Spark's driver is the application, and its exit
//! code is the verdict. Without it the sidecar's evidence and Spark's own counts say what is likely.

use serde::{Deserialize, Serialize};

use crate::facts::{Driver, Facts, Phase, Pod, Source, State};
use crate::findings::{Certainty, Evidence};
use crate::units;

/// Figures of a driver that are older than this, in seconds, are of one that is gone: four scrapes of 15 s and
/// what remote write may take.
const FRESH: f64 = 180.0;

/// Exit codes of processes that a signal ended.
const BY_SIGKILL: i64 = 137;
const BY_SIGTERM: i64 = 143;

/// What became of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its driver ended with an error.
    Failed,
    /// Its driver was made to end from outside.
    Killed,
    /// Its driver is gone, and nobody saw it end.
    Lost,
    /// Its driver has not been started.
    NeverStarted,
    /// It runs.
    Running,
    /// Its driver ended well.
    Succeeded,
}

impl Verdict {
    /// As people say it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Killed => "was killed",
            Self::Lost => "is gone, and nobody saw it end",
            Self::NeverStarted => "never started",
            Self::Running => "is running",
            Self::Succeeded => "succeeded",
        }
    }

    /// Whether it did not do what it was there for.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Killed | Self::Lost | Self::NeverStarted)
    }
}

/// What became of an application, how sure that is, and what says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What became of it.
    pub verdict: Verdict,
    /// How sure that is.
    pub certainty: Certainty,
    /// What says so.
    pub evidence: Vec<Evidence>,
}

/// Works it out.
pub(super) fn of(facts: &Facts) -> Outcome {
    facts.driver_pod().and_then(of_pod).unwrap_or_else(|| of_figures(facts))
}

/// What the API server says; nothing where it does not know the end.
fn of_pod(pod: &Pod) -> Option<Outcome> {
    let said = |verdict, text: String, at| {
        let pod = Some(pod.name.clone());
        let evidence = vec![Evidence { text, source: Source::ApiServer, at, pod }];
        Some(Outcome { verdict, certainty: Certainty::Certain, evidence })
    };
    let why = pod.reason.as_deref().unwrap_or_default();
    if pod.phase == Phase::Failed && pod.disruption.is_some()
        || matches!(why, "Evicted" | "Preempting")
    {
        let cause = pod.disruption.as_deref().or(pod.message.as_deref()).unwrap_or(why);
        return said(Verdict::Killed, format!("the driver's pod was made to go: {cause}"), None);
    }
    if let Some(spark) = pod.spark.as_ref().filter(|spark| spark.state == State::Terminated) {
        let (code, at) = (spark.exit_code.unwrap_or_default(), spark.finished_at);
        let reason = spark.reason.as_deref().unwrap_or("no reason");
        let text = format!("the driver's container ended with exit code {code} ({reason})");
        let verdict = match code {
            0 => Verdict::Succeeded,
            BY_SIGTERM => Verdict::Killed,
            BY_SIGKILL if reason != "OOMKilled" => Verdict::Killed,
            _ => Verdict::Failed,
        };
        return said(verdict, text, at);
    }
    match pod.phase {
        Phase::Succeeded => said(Verdict::Succeeded, "the driver's pod succeeded".into(), None),
        Phase::Failed => said(Verdict::Failed, format!("the driver's pod failed ({why})"), None),
        Phase::Pending => {
            let waits = pod.spark.as_ref().and_then(|spark| spark.reason.as_deref());
            let waits = waits.map(|reason| format!(" ({reason})")).unwrap_or_default();
            said(
                Verdict::NeverStarted,
                format!("the driver's pod is pending{waits}"),
                pod.created_at,
            )
        }
        Phase::Running => said(
            Verdict::Running,
            "the driver's container runs".into(),
            pod.spark.as_ref().and_then(|spark| spark.started_at),
        ),
        Phase::Unknown => None,
    }
}

/// What the figures in Prometheus say.
fn of_figures(facts: &Facts) -> Outcome {
    let at = facts.application.last_seen_at;
    let said = |verdict, certainty, texts: Vec<String>| {
        let pod = facts.application.driver_pod.clone();
        let evidence = texts.into_iter().map(|text| Evidence {
            text,
            source: Source::Prometheus,
            at,
            pod: pod.clone(),
        });
        Outcome { verdict, certainty, evidence: evidence.collect() }
    };
    let unseen = Driver::default();
    let driver = facts.driver.as_ref().unwrap_or(&unseen);
    let state = facts.driver_container().and_then(|one| one.last_state);
    let ended = driver.spark_ended == Some(true) || state.is_some();
    if let Some(state) = state.filter(|state| state.is_oom()) {
        return said(Verdict::Failed, Certainty::VeryLikely, vec![state.sentence().to_owned()]);
    }
    let old = at.map(|at| facts.asked_at.since(at));
    if !ended {
        return match old {
            Some(old) if old <= FRESH => {
                let text = format!("figures of the driver arrived {} ago", units::seconds(old));
                said(Verdict::Running, Certainty::VeryLikely, vec![text])
            }
            Some(old) => {
                let text = format!(
                    "no figures of the driver for {}, and its end was not seen",
                    units::seconds(old)
                );
                said(Verdict::Lost, Certainty::Likely, vec![text])
            }
            None => said(Verdict::Lost, Certainty::Likely, vec!["no figures of the driver".into()]),
        };
    }
    let mut texts = vec!["Spark ended, by the sidecar beside it".to_owned()];
    let failed = driver.failed_jobs.unwrap_or_default();
    let last_job_was_cut = driver.active_jobs.unwrap_or_default() > 0.0;
    if last_job_was_cut {
        texts.push(format!("{} still ran", units::count(driver.active_jobs.unwrap_or(1.0), "job")));
        return said(Verdict::Killed, Certainty::Likely, texts);
    }
    texts.push(match failed {
        0.0 => "none of its jobs failed".to_owned(),
        failed => format!("{} failed", units::count(failed, "job")),
    });
    if failed > 0.0 {
        said(Verdict::Failed, Certainty::Likely, texts)
    } else {
        said(Verdict::Succeeded, Certainty::Likely, texts)
    }
}
