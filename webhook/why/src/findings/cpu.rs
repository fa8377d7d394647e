//! CPU, memory and storage that a container waited for.

use super::finding::{Case, Certainty, Found, Provoked, Rule, Severity};
use super::thresholds::{STALLED, STALLED_SECONDS, THROTTLED, THROTTLED_PERIODS};
use crate::facts::Container;
use crate::units::{self, number, percent, seconds};

pub(super) const CPU_THROTTLED: Rule = Rule {
    code: "cpu_throttled",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "The kernel held containers back at their CPU limit in most of the periods in which they had something to do.",
    needs: "periods of the CPU limit and those that were used up",
    advice: "No CPU limit for Spark (`spark.kubernetes.executor.limit.cores` unset): requests share the node.",
    alert: Some("SparkCpuThrottled"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let ratio = |one: &Container| {
            one.cpu_throttled_periods.unwrap_or_default() / one.cpu_periods.unwrap_or(1.0).max(1.0)
        };
        let held = |one: &&Container| {
            one.cpu_periods.unwrap_or_default() >= THROTTLED_PERIODS && ratio(one) > THROTTLED
        };
        let all: Vec<&Container> = case.facts.containers.iter().filter(held).collect();
        let worst = all.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
        let word = worst.role.word();
        let sentence = format!(
            "{} used the CPU limit up in {} of all periods",
            units::count(all.len() as f64, word),
            percent(ratio(worst))
        );
        let quota = worst
            .cpu_quota_cores
            .map(|cores| format!(" of a limit of {}", units::count(cores, "core")))
            .unwrap_or_default();
        let text = format!(
            "{} of {} periods{quota}",
            number(worst.cpu_throttled_periods?),
            number(worst.cpu_periods?)
        );
        Some(
            Found::new(Severity::Warning, Certainty::Certain, sentence)
                .figure(text, worst.last_seen_at, Some(&worst.pod))
                .advise(format!("leave spark.kubernetes.{word}.limit.cores unset: the request (spark.kubernetes.{word}.request.cores) is what the node gives in any case")),
        )
    },
};

pub(super) const MEMORY_PRESSURE: Rule = Rule {
    code: "memory_pressure",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "All threads of a container waited for memory for a good part of the time: the kernel took page cache away and fetched it again.",
    needs: "the kernel's pressure figures of the container (cgroup v2)",
    advice: "More memory outside of the heap, which is what page cache lives on.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let (worst, stalled) = most_stalled(case, |one| one.memory_stalled_seconds)?;
        let word = worst.role.word();
        Some(
            stalled_for(worst, stalled, "memory")
                .advise(format!("raise spark.{word}.memoryOverhead: page cache lives on what heap and Python leave of the limit")),
        )
    },
};

pub(super) const IO_PRESSURE: Rule = Rule {
    code: "io_pressure",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "All threads of a container waited for storage for a good part of the time.",
    needs: "the kernel's pressure figures of the container (cgroup v2)",
    advice: "Faster local storage for shuffle files, or less to spill.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let (worst, stalled) = most_stalled(case, |one| one.io_stalled_seconds)?;
        Some(stalled_for(worst, stalled, "storage").advise("spark.local.dir on a disk of the node's own (NVMe) or a volume with more throughput; and less to spill (stage_spilling)"))
    },
};

fn most_stalled<'f>(
    case: &Case<'f>,
    stalled: impl Fn(&Container) -> Option<f64>,
) -> Option<(&'f Container, f64)> {
    let all = case.facts.containers.iter().filter_map(|one| Some((one, stalled(one)?)));
    let long = all.filter(|(one, stalled)| {
        *stalled >= STALLED_SECONDS && *stalled >= STALLED * one.seconds() && one.seconds() > 0.0
    });
    long.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn stalled_for(container: &Container, stalled: f64, what: &str) -> Found {
    let share = percent(stalled / container.seconds().max(1.0));
    let sentence = format!("a {} waited for {what} for {share} of its time", container.role.word())
        .replace("a executor", "an executor");
    Found::new(Severity::Warning, Certainty::Certain, sentence).figure(
        format!(
            "all threads stood still for {} of {}",
            seconds(stalled),
            seconds(container.seconds())
        ),
        container.last_seen_at,
        Some(&container.pod),
    )
}
