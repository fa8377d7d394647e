//! Executors that went, that never came, or that came late.

use super::finding::{Certainty, Found, Provoked, Rule, Severity};
use super::start::how_to_fit;
use super::thresholds::{EXECUTORS_LOST as LOST, WAITING, WAITING_SECONDS};
use crate::answer::Verdict;
use crate::facts::{Facts, LossReason, Moment, Phase, Pod, Role};
use crate::units::{self, percent};

pub(super) const DRIVER_EVICTED: Rule = Rule {
    code: "driver_evicted",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "The driver's pod was made to go: evicted by its node, preempted by another pod, or its node was drained. The application is over.",
    needs: "the driver pod's reason Evicted or its condition DisruptionTarget",
    advice: "Drivers belong on nodes that stay: on-demand ones, with a priority class and the annotation that keeps autoscalers away.",
    alert: None,
    provoked: Provoked::RealApiServer,
    judge: |case| {
        let pod = case.facts.driver_pod()?;
        let evicted = pod.reason.as_deref() == Some("Evicted");
        let why = pod
            .disruption
            .as_deref()
            .or(pod.message.as_deref().filter(|_| evicted))
            .or(evicted.then_some("Evicted"))?;
        if case.verdict == Verdict::Running || case.verdict == Verdict::Succeeded {
            return None;
        }
        let found = Found::new(
            Severity::Critical,
            Certainty::Certain,
            format!("the driver's pod was made to go: {why}"),
        )
        .status(why.to_owned(), pod.deletion_asked_at, Some(&pod.name));
        let found = if why.contains("ephemeral-storage") || why.contains("DiskPressure") {
            found.advise("its disk was full: spark.local.dir on a volume of its own (spark.kubernetes.driver.volumes.*.spark-local-dir-1)")
        } else if why.contains("memory") {
            found.set("spark.driver.memoryOverhead", "more", "the node had no memory left, and the driver used more than it asked for: requests have to be what it uses")
        } else {
            found
        };
        Some(
            found
                .advise("run drivers on nodes that stay: spark.kubernetes.driver.node.selector.karpenter.sh/capacity-type=on-demand")
                .advise("keep autoscalers and preemption away: annotation karpenter.sh/do-not-disrupt: \"true\" and a priorityClassName in the driver's pod template"),
        )
    },
};

pub(super) const EXECUTORS_LOST: Rule = Rule {
    code: "executors_lost",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "Executors went that nobody had sent away. Their shuffle files are lost, and stages run again.",
    needs: "Spark's losses by reason, dynamic allocation's unexpected exits, or executor pods with a reason to go",
    advice: "By reason: nodes that stay, decommissioning (`spark.decommission.enabled`), memory, heartbeats.",
    alert: Some("SparkExecutorsLost"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        // Kills for want of memory are a finding of their own.
        let unwanted = |reason: LossReason| !reason.is_wanted() && reason != LossReason::OomKilled;
        let by_reason: Vec<(LossReason, f64)> = facts
            .losses
            .iter()
            .map(|(reason, count)| (*reason, *count))
            .filter(|(reason, count)| unwanted(*reason) && *count > 0.0)
            .collect();
        let counted: f64 = by_reason.iter().map(|(_, count)| count).sum();
        let disrupted: Vec<&Pod> = facts
            .executor_pods()
            .filter(|pod| pod.disruption.is_some() || pod.reason.as_deref() == Some("Evicted"))
            .collect();
        let exits = facts
            .driver
            .as_ref()
            .and_then(|driver| driver.allocation.as_ref())
            .map_or(0.0, |all| all.unexpected_exits);
        let oom = facts.losses.get(&LossReason::OomKilled).copied().unwrap_or_default();
        let lost = counted.max(disrupted.len() as f64).max(exits - oom);
        let most = facts.timeline.iter().map(|moment| moment.executors).fold(1.0, f64::max);
        if lost < 1.0 || lost < LOST * most && !case.verdict.is_bad() {
            return None;
        }
        let main = by_reason.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(reason, _)| *reason);
        let main = main.or((!disrupted.is_empty()).then_some(LossReason::Evicted));
        let how =
            main.map(|reason| format!(", most of them {}", reason.words())).unwrap_or_default();
        let sentence = format!(
            "{} lost{how}",
            units::count(lost, "executor")
                .replace("1 executor", "1 executor was")
                .replace("executors", "executors were")
        );
        let mut found = Found::new(case.fatal_if_it_failed(), Certainty::Certain, sentence);
        for (reason, count) in &by_reason {
            found = found.figure(
                format!("{} {}", units::count(*count, "executor"), reason.words()),
                facts.application.last_seen_at,
                None,
            );
        }
        if exits > 0.0 && by_reason.is_empty() {
            found = found.figure(
                format!("{} unasked, by dynamic allocation's count", units::count(exits, "exit")),
                facts.application.last_seen_at,
                None,
            );
        }
        for pod in disrupted.iter().take(3) {
            let why = pod.disruption.as_deref().or(pod.message.as_deref()).unwrap_or("Evicted");
            found = found.status(why.to_owned(), pod.deletion_asked_at, Some(&pod.name));
        }
        Some(match main {
            Some(LossReason::Evicted | LossReason::Decommissioned | LossReason::LostNode) => found
                .set("spark.decommission.enabled", "true", "executors that are told to go hand on what they have")
                .set("spark.storage.decommission.shuffleBlocks.enabled", "true", "shuffle files among it")
                .advise("or run executors on nodes that stay"),
            Some(LossReason::HeartbeatTimeout) => found
                .set("spark.executor.heartbeatInterval", "20s", "an executor that collects garbage for long does not answer")
                .set("spark.network.timeout", "300s", "how long the driver waits for it"),
            Some(LossReason::ExitCode) => found.advise("the executors' own logs name the reason: kubectl logs of one before Spark deletes it (spark.kubernetes.executor.deleteOnTermination=false)"),
            _ => found.advise("spark.kubernetes.executor.deleteOnTermination=false keeps the pods of the next ones, with their logs"),
        })
    },
};

pub(super) const NO_EXECUTORS: Rule = Rule {
    code: "no_executors",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "A job waits for executors that do not come: a quota, no node that takes them, or their image.",
    needs: "a job that runs and no executor, with pending executor pods, or events of the driver that say why none could be made",
    advice: "Ask for less, raise the quota, add nodes, or mend the image.",
    alert: Some("SparkDriverWithoutExecutors"),
    provoked: Provoked::RealApiServer,
    judge: |case| {
        if case.verdict == Verdict::Succeeded || case.verdict == Verdict::NeverStarted {
            return None;
        }
        let facts = case.facts;
        let had_any = facts.timeline.iter().any(|moment| moment.executors > 0.0)
            || !facts.executors.is_empty()
            || facts.executor_pods().any(|pod| pod.phase == Phase::Running);
        let now_none = facts.timeline.last().is_none_or(|moment| moment.slots == 0.0);
        let unscheduled: Vec<&Pod> = facts
            .executor_pods()
            .filter(|pod| pod.phase == Phase::Pending && pod.unschedulable.is_some())
            .collect();
        let quota = quota(facts);
        let waited = waited_at_the_end(facts);
        let waits = waited >= WAITING_SECONDS && executors_are_seen(facts);
        if had_any && !now_none || unscheduled.is_empty() && quota.is_none() && !waits {
            return None;
        }
        let sentence = match (&quota, unscheduled.len()) {
            (Some(_), _) => {
                "no executor could be made: a quota of the namespace is used up".to_owned()
            }
            (None, 0) => "a job runs and there is no executor".to_owned(),
            (None, count) => {
                format!("no node takes the {} that wait", units::count(count as f64, "executor"))
            }
        };
        let certainty = if quota.is_some() || !unscheduled.is_empty() {
            Certainty::Certain
        } else {
            Certainty::VeryLikely
        };
        let mut found = Found::new(Severity::Critical, certainty, sentence);
        if let Some(moment) = facts.timeline.last().filter(|_| waited > 0.0) {
            found = found.figure(
                format!(
                    "{} and no executor for {}",
                    units::count(moment.active_jobs, "active job"),
                    units::seconds(waited)
                ),
                Some(moment.at),
                None,
            );
        }
        if let Some(quota) = quota {
            return Some(found.logged(quota).advise("kubectl describe resourcequotas shows what is used up: raise it, or ask for less (spark.executor.instances, spark.executor.memory)"));
        }
        Some(match unscheduled.first() {
            Some(pod) => {
                let why = pod.unschedulable.as_deref().unwrap_or_default();
                how_to_fit(found.status(format!("the scheduler: {why}"), pod.created_at, Some(&pod.name)), why, Role::Executor)
            }
            None => found.advise("kubectl get pods -l spark-role=executor, and the driver's log at its end, say what keeps them"),
        })
    },
};

/// For how long a job has waited without any executor, up to the end, in seconds.
fn waited_at_the_end(facts: &Facts) -> f64 {
    let waits = |moment: &&Moment| moment.active_jobs > 0.0 && moment.slots == 0.0;
    let since = facts.timeline.iter().rev().take_while(waits).last();
    since.zip(facts.timeline.last()).map_or(0.0, |(since, last)| last.at.since(since.at))
}

/// Whether the driver's page of executors was there: where executors say that they are and the page never did,
/// it was not.
fn executors_are_seen(facts: &Facts) -> bool {
    facts.executors.is_empty() || facts.timeline.iter().any(|moment| moment.slots > 0.0)
}

/// What says that a quota keeps executors away.
fn quota(facts: &Facts) -> Option<String> {
    let lines = facts.log.iter().flat_map(|log| &log.tail);
    let events = facts.events.iter().map(|event| &event.message);
    let found = lines.chain(events).rev().find(|line| line.contains("exceeded quota"))?;
    Some(found.clone())
}

pub(super) const FETCH_FAILURES: Rule = Rule {
    code: "fetch_failures",
    severity: Severity::Critical,
    certainty: Certainty::Certain,
    meaning: "Shuffle data could not be fetched, since the executor that had it is gone or does not answer; stages ran again.",
    needs: "stages with several attempts, or FetchFailedException in the driver's log",
    advice: "Mend what the executors went for; then decommissioning with a hand-over of shuffle files.",
    alert: Some("SparkStagesFailed"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let again: Vec<_> = facts.stages.iter().filter(|stage| stage.attempts > 1.0).collect();
        let error = facts.log.as_ref().and_then(|log| log.exception.as_ref());
        let error = error.filter(|error| {
            error.class.contains("FetchFailed") || error.message.contains("FetchFailed")
        });
        if again.is_empty() && error.is_none() {
            return None;
        }
        let certainty = if error.is_some() { Certainty::Certain } else { Certainty::VeryLikely };
        let severity = if error.is_some() { case.fatal_if_it_failed() } else { Severity::Warning };
        let sentence = match again.first() {
            Some(stage) => format!(
                "shuffle data was lost: {} ran {} times",
                stage.title(),
                units::number(stage.attempts)
            ),
            None => "shuffle data could not be fetched".to_owned(),
        };
        let mut found = Found::new(severity, certainty, sentence);
        for stage in again.iter().take(3) {
            found = found.figure(
                format!("{}: {}", stage.title(), units::count(stage.attempts, "attempt")),
                facts.application.last_seen_at,
                None,
            );
        }
        if let Some(error) = error {
            found = found.logged(format!("{}: {}", error.class, error.message));
        }
        Some(
            found
                .advise(
                    "first mend what the executors went for (executor_oom_killed, executors_lost)",
                )
                .set(
                    "spark.storage.decommission.shuffleBlocks.enabled",
                    "true",
                    "with spark.decommission.enabled: shuffle files are handed on",
                ),
        )
    },
};

pub(super) const WAITING_FOR_EXECUTORS: Rule = Rule {
    code: "waiting_for_executors",
    severity: Severity::Warning,
    certainty: Certainty::VeryLikely,
    meaning: "Jobs waited for a good part of the time before there was any executor.",
    needs: "active jobs and executors over time",
    advice: "Nodes that are there already, or executors that are kept (`spark.dynamicAllocation.minExecutors`).",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let total = case.facts.duration()?;
        let waited = super::driver::seconds_in(case.facts, |moment| {
            moment.active_jobs > 0.0 && moment.slots == 0.0
        });
        if waited < WAITING_SECONDS || waited < WAITING * total || !executors_are_seen(case.facts) {
            return None;
        }
        let sentence = format!(
            "jobs waited {} for executors, {} of the application's time",
            units::seconds(waited),
            percent(waited / total)
        );
        let found = Found::new(Severity::Warning, Certainty::VeryLikely, sentence);
        let text = format!("{} with a job and no executor", units::seconds(waited));
        Some(
            found
                .figure(text, case.facts.application.last_seen_at, None)
                .advise("have nodes ready (pods of low priority that give way), or images that are on them already")
                .advise("with dynamic allocation spark.dynamicAllocation.minExecutors keeps some between jobs"),
        )
    },
};
