//! More than it needs.

use super::finding::{Certainty, Found, Provoked, Rule, Severity};
use super::thresholds::{
    HEADROOM, IDLE_SLOTS, IDLE_SLOTS_MANY, MEMORY_OVERSIZED as OVERSIZED, MEMORY_OVERSIZED_BYTES,
    RIGHT_SIZE_SECONDS,
};
use crate::facts::Container;
use crate::units::{self, GIB, bytes, number, percent};

pub(super) const CORES_IDLE: Rule = Rule {
    code: "cores_idle",
    severity: Severity::Info,
    certainty: Certainty::Certain,
    meaning: "Most slots for tasks were idle, on average over the application's time.",
    needs: "slots and active tasks over time",
    advice: "Fewer executors, or dynamic allocation that lets them go.",
    alert: Some("SparkCpuOversized"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        let total = facts.duration().filter(|total| *total >= RIGHT_SIZE_SECONDS)?;
        let (mut slots, mut busy) = (0.0, 0.0);
        for (this, next) in facts.timeline.iter().zip(facts.timeline.iter().skip(1)) {
            let time = next.at.since(this.at);
            slots += this.slots * time;
            busy += this.active_tasks.min(this.slots) * time;
        }
        let most = facts.timeline.iter().map(|moment| moment.slots).fold(0.0, f64::max);
        if most < IDLE_SLOTS_MANY || slots <= 0.0 || busy >= IDLE_SLOTS * slots {
            return None;
        }
        let idle = (slots - busy) / 3600.0;
        let sentence = format!(
            "{} of the executors' slots were busy on average; {} core hours were idle",
            percent(busy / slots),
            number(idle)
        );
        let found = Found::new(Severity::Info, Certainty::Certain, sentence).figure(
            format!(
                "{} of {} slot hours in {}",
                number(busy / 3600.0),
                number(slots / 3600.0),
                units::seconds(total)
            ),
            facts.application.last_seen_at,
            None,
        );
        let executors = facts.timeline.iter().map(|moment| moment.executors).fold(1.0, f64::max);
        let enough = (executors * busy / slots * 2.0).ceil().max(1.0);
        Some(match facts.settings.dynamic_allocation_enabled {
            Some(true) => found.set("spark.dynamicAllocation.executorIdleTimeout", "30s", "idle executors go sooner").advise("cached data keeps executors: spark.dynamicAllocation.cachedExecutorIdleTimeout=10m"),
            _ => found
                .set("spark.dynamicAllocation.enabled", "true", "idle executors go (with spark.dynamicAllocation.shuffleTracking.enabled=true)")
                .advise(format!("or spark.executor.instances={}: twice what was busy on average", number(enough))),
        })
    },
};

pub(super) const MEMORY_OVERSIZED: Rule = Rule {
    code: "memory_oversized",
    severity: Severity::Info,
    certainty: Certainty::Certain,
    meaning: "No executor used half of the memory that each may have.",
    needs: "the most that was seen of each executor's working set, and its limit",
    advice: "Less memory; the heap that is in use after a collection says how little it can be.",
    alert: Some("SparkMemoryOversized"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let facts = case.facts;
        facts.duration().filter(|total| *total >= RIGHT_SIZE_SECONDS)?;
        let known: Vec<&Container> = facts
            .executor_containers()
            .filter(|one| one.limit_bytes.is_some() && one.working_set_peak_bytes.is_some())
            .collect();
        let ratio = |one: &Container| {
            one.working_set_peak_bytes.unwrap_or_default() / one.limit_bytes.unwrap_or(f64::MAX)
        };
        let most = known.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
        let all: f64 = known.iter().filter_map(|one| one.limit_bytes).sum();
        if ratio(most) >= OVERSIZED || all < MEMORY_OVERSIZED_BYTES {
            return None;
        }
        let (limit, used) = (most.limit_bytes?, most.working_set_peak_bytes?);
        let needed = (used * HEADROOM).max(GIB);
        let freed = (limit - needed) * known.len() as f64;
        let sentence =
            format!("no executor used more than {} of its {}", percent(ratio(most)), bytes(limit));
        let found = Found::new(Severity::Info, Certainty::Certain, sentence).figure(
            format!(
                "the most of any executor: {}; {} of {} would be free",
                bytes(used),
                bytes(freed),
                bytes(all)
            ),
            most.last_seen_at,
            Some(&most.pod),
        );
        let heap =
            most.heap_max_bytes.or(facts.settings.executor_memory_bytes).unwrap_or(limit * 0.9);
        // Less heap first: what a JVM has not been given it does not fill.
        let heap_needed = most
            .heap_after_gc_bytes
            .map_or(heap * needed / limit, |after| (after * 1.6).max(heap * needed / limit));
        Some(found.set(
            "spark.executor.memory",
            units::setting(heap_needed.max(GIB)),
            format!("{} in all would have done", bytes(needed)),
        ))
    },
};
