//! The driver as what everything waits for.

use super::finding::{Certainty, Found, Provoked, Rule, Severity};
use super::thresholds::{DRIVER_BOUND as BOUND, DRIVER_BOUND_SECONDS};
use crate::facts::{Facts, Moment};
use crate::units::{self, number, percent, seconds};

pub(super) const DRIVER_BOUND: Rule = Rule {
    code: "driver_bound",
    severity: Severity::Warning,
    certainty: Certainty::VeryLikely,
    meaning: "Executors stood idle for much of the time while the driver worked alone.",
    needs: "executors and active tasks over time",
    advice: "Work for the executors: no loops over rows in the driver, no `collect`, fewer and larger queries; files listed and committed in fewer pieces.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let total = facts.duration()?;
        // A query that streams waits between its batches.
        if !facts.streams.is_empty() {
            return None;
        }
        let alone = seconds_in(facts, |moment| moment.slots > 0.0 && moment.active_tasks == 0.0);
        if alone < DRIVER_BOUND_SECONDS || alone < BOUND * total {
            return None;
        }
        let sentence = format!(
            "no task ran for {}, {} of the time, while executors were there",
            seconds(alone),
            percent(alone / total)
        );
        let found = Found::new(Severity::Warning, Certainty::VeryLikely, sentence).figure(
            format!("{} with executors and no task", seconds(alone)),
            facts.application.last_seen_at,
            None,
        );
        let used = facts
            .driver_container()
            .and_then(|one| Some(one.cpu_seconds? / one.seconds().max(1.0)));
        Some(match used {
            Some(cores) if cores >= 0.5 => found
                .figure(format!("the driver used {} on average", units::count(cores, "core")), None, facts.application.driver_pod.as_deref())
                .advise("the driver works alone: loops over rows, toPandas(), plans of very many columns or files; give that work to executors"),
            _ => found.advise("the driver waits for something: a database, a metastore, listing or renaming files; or the program sleeps"),
        })
    },
};

pub(super) const LISTENER_EVENTS_DROPPED: Rule = Rule {
    code: "listener_events_dropped",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "The driver could not keep up with its own events and lost some: its UI, its figures and dynamic allocation are wrong from then on.",
    needs: "dropped events of the listener bus",
    advice: "A longer queue, fewer tasks, a driver with more CPU.",
    alert: Some("SparkListenerEventsDropped"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let dropped = &case.facts.driver.as_ref()?.dropped_events;
        let (queue, most) =
            dropped.iter().filter(|(_, lost)| **lost > 0.0).max_by(|a, b| a.1.total_cmp(b.1))?;
        let sentence = format!("the driver lost {} of its own", units::count(*most, "event"));
        Some(
            Found::new(Severity::Warning, Certainty::Certain, sentence)
                .figure(
                    format!("queue {queue}: {} dropped", number(*most)),
                    case.facts.application.last_seen_at,
                    case.facts.application.driver_pod.as_deref(),
                )
                .set(
                    "spark.scheduler.listenerbus.eventqueue.capacity",
                    "30000",
                    "three times the default; each event is held in the driver's heap",
                )
                .advise("and more CPU for the driver: spark.driver.cores"),
        )
    },
};

pub(super) const ALLOCATION_CAPPED: Rule = Rule {
    code: "allocation_capped",
    severity: Severity::Info,
    certainty: Certainty::Certain,
    meaning: "Dynamic allocation asked for all that it may, and the tasks could have used far more.",
    needs: "executors that dynamic allocation asks for, that tasks could use, and its upper bound",
    advice: "A higher `spark.dynamicAllocation.maxExecutors`, if it is to be faster.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let max = case.facts.settings.dynamic_allocation_max_executors?;
        let capped = seconds_in(case.facts, |moment| {
            moment.target.is_some_and(|target| target >= max) && moment.executors >= max
        });
        let needed = case.facts.driver.as_ref()?.allocation.as_ref()?.max_needed;
        let total = case.facts.duration()?;
        if capped < 0.5 * total || needed < 2.0 * max {
            return None;
        }
        let sentence = format!(
            "dynamic allocation was at its bound of {} for {}",
            units::count(max, "executor"),
            seconds(capped)
        );
        Some(
            Found::new(Severity::Info, Certainty::Certain, sentence)
                .figure(
                    format!("tasks could have used {}", units::count(needed, "executor")),
                    case.facts.application.last_seen_at,
                    None,
                )
                .set(
                    "spark.dynamicAllocation.maxExecutors",
                    number(2.0 * max),
                    "about half the time for the same core hours",
                ),
        )
    },
};

/// Seconds of the application's time in which it was like that.
pub(super) fn seconds_in(facts: &Facts, is_it: impl Fn(&Moment) -> bool) -> f64 {
    let pairs = facts.timeline.iter().zip(facts.timeline.iter().skip(1));
    pairs
        .filter(|(this, next)| is_it(this) && is_it(next))
        .map(|(this, next)| next.at.since(this.at))
        .sum()
}
