//! Memory and CPU of containers, and what the sidecars say of themselves.

use std::collections::BTreeMap;

use crate::facts::{Container, Executor, LastState, Memory, PythonMemory, Role, Time};
use crate::gather::series::Series;

/// Spans in which the least memory of Python is looked for, and the time that has to have been seen.
const SPAN: f64 = 600.0;

/// The answers about containers.
#[derive(Debug, Default)]
pub(in crate::gather) struct Parts {
    pub(in crate::gather) figures: Vec<Series>,
    pub(in crate::gather) garbage: Vec<Series>,
    pub(in crate::gather) working_sets: Vec<Series>,
    pub(in crate::gather) anonymous: Vec<Series>,
    pub(in crate::gather) heaps: Vec<Series>,
    pub(in crate::gather) lives: Vec<Series>,
}

/// Every container of which there are figures.
pub(in crate::gather) fn containers(
    parts: &Parts,
    driver: Option<&str>,
    executors: &[Executor],
) -> Vec<Container> {
    let mut by_pod: BTreeMap<String, Container> = BTreeMap::new();
    for life in &parts.lives {
        let Some(pod) = life.label("pod") else { continue };
        let container = of(&mut by_pod, pod);
        container.node = life.label("node").map(str::to_owned);
        let ends = (life.samples.first(), life.samples.last());
        if let (Some((first, _)), Some((last, _))) = ends {
            let earliest = container.first_seen_at.map_or(*first, |seen| seen.0.min(*first));
            let latest = container.last_seen_at.map_or(*last, |seen| seen.0.max(*last));
            (container.first_seen_at, container.last_seen_at) =
                (Some(Time(earliest)), Some(Time(latest)));
        }
    }
    for one in &parts.figures {
        let (Some(pod), Some(value)) = (one.label("pod"), one.last()) else { continue };
        let container = of(&mut by_pod, pod);
        let place = match one.name() {
            "spark_container_last_state" => {
                container.last_state = one.label("evidence").and_then(LastState::of_label);
                continue;
            }
            "spark_container_memory_limit_bytes" => &mut container.limit_bytes,
            "spark_container_memory_peak_bytes" => &mut container.peak_bytes,
            "spark_container_oom_kills_total" => &mut container.oom_kills,
            "spark_container_cpu_quota_cores" => &mut container.cpu_quota_cores,
            "spark_container_cpu_usage_seconds_total" => &mut container.cpu_seconds,
            "spark_container_cpu_cfs_periods_total" => &mut container.cpu_periods,
            "spark_container_cpu_cfs_throttled_periods_total" => {
                &mut container.cpu_throttled_periods
            }
            "spark_container_pressure_memory_stalled_seconds_total" => {
                &mut container.memory_stalled_seconds
            }
            "spark_container_pressure_io_stalled_seconds_total" => {
                &mut container.io_stalled_seconds
            }
            "spark_executor_jvm_heap_max_bytes" | "spark_driver_jvm_heap_max_bytes"
                if value > 0.0 =>
            {
                &mut container.heap_max_bytes
            }
            _ => continue,
        };
        *place = Some(place.map_or(value, |other| other.max(value)));
    }
    for (series, place) in [
        (
            &parts.working_sets,
            (|one| &mut one.working_set_peak_bytes) as fn(&mut Container) -> &mut Option<f64>,
        ),
        (&parts.anonymous, |one| &mut one.anonymous_peak_bytes),
        (&parts.heaps, |one| &mut one.heap_after_gc_bytes),
        (&parts.garbage, |one| &mut one.gc_seconds),
    ] {
        for one in series {
            if let Some(container) = one.label("pod").and_then(|pod| by_pod.get_mut(pod)) {
                // 0 is what there is before it was ever looked at.
                *place(container) = one.last().filter(|value| *value > 0.0);
            }
        }
    }
    for container in by_pod.values_mut() {
        let is_driver = driver == Some(container.pod.as_str());
        container.role = if is_driver { Role::Driver } else { Role::Executor };
        let mut inside = executors.iter().filter(|one| one.pod.as_deref() == Some(&container.pod));
        // Several in one pod are in no cluster.
        container.executor_id =
            inside.next().filter(|_| inside.next().is_none()).map(|one| one.id.clone());
    }
    // What has neither life nor limit is a leftover of a page without a container.
    by_pod
        .into_values()
        .filter(|one| {
            one.limit_bytes.is_some() || one.first_seen_at.is_some() || one.last_state.is_some()
        })
        .collect()
}

fn of<'m>(by_pod: &'m mut BTreeMap<String, Container>, pod: &str) -> &'m mut Container {
    by_pod
        .entry(pod.to_owned())
        .or_insert_with(|| Container { pod: pod.to_owned(), ..Container::default() })
}

/// Adds what their memory was made of when it was highest, and how Python's went.
pub(in crate::gather) fn bills(series: &[Series], containers: &mut [Container]) {
    for container in containers {
        let of_pod = || series.iter().filter(|one| one.label("pod") == Some(&container.pod));
        let named = |name: &'static str| of_pod().filter(move |one| one.name() == name);
        let peak = named("spark_container_memory_working_set_bytes").flat_map(|one| &one.samples);
        let Some((at, working_set)) = peak.copied().reduce(|a, b| if b.1 >= a.1 { b } else { a })
        else {
            continue;
        };
        let here = |name| named(name).filter_map(|one| nearest(&one.samples, at)).reduce(f64::max);
        let kind = |kinds: fn(&str) -> bool| sum_at(&processes(of_pod(), kinds), at);
        let python = |kind: &str| kind.starts_with("python");
        container.at_peak = Some(Memory {
            at: Time(at),
            working_set,
            anonymous: here("spark_container_memory_rss_bytes"),
            page_cache: here("spark_container_memory_cache_bytes"),
            heap: here("spark_executor_jvm_heap_committed_bytes")
                .or(here("spark_driver_jvm_heap_committed_bytes")),
            jvm: kind(|kind| kind == "jvm"),
            python: kind(python),
        });
        container.python = python_memory(&processes(of_pod(), |kind| kind == "python_worker"));
    }
}

/// The samples of processes of these kinds; of replicas one.
fn processes<'s>(
    series: impl Iterator<Item = &'s Series>,
    kinds: fn(&str) -> bool,
) -> Vec<&'s [(f64, f64)]> {
    let mut by_kind: BTreeMap<&str, &[(f64, f64)]> = BTreeMap::new();
    for one in series.filter(|one| one.name() == "spark_process_resident_memory_bytes") {
        if let Some(kind) = one.label("kind").filter(|kind| kinds(kind)) {
            by_kind.entry(kind).or_insert(&one.samples);
        }
    }
    by_kind.into_values().collect()
}

fn sum_at(all: &[&[(f64, f64)]], at: f64) -> Option<f64> {
    all.iter().filter_map(|samples| nearest(samples, at)).reduce(|a, b| a + b)
}

/// The value at that time, or the one nearest to it within a minute.
fn nearest(samples: &[(f64, f64)], at: f64) -> Option<f64> {
    let distance = |sample: &&(f64, f64)| (sample.0 - at).abs();
    let (time, value) = samples.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    ((time - at).abs() <= 60.0).then_some(*value)
}

/// The least memory in each of the last three spans.
fn python_memory(all: &[&[(f64, f64)]]) -> Option<PythonMemory> {
    let samples = all.first()?;
    let end = samples.last()?.0;
    if end - samples.first()?.0 < 3.0 * SPAN {
        return None;
    }
    let low = |back: f64| {
        let span = samples
            .iter()
            .filter(|(time, _)| *time > end - (back + 1.0) * SPAN && *time <= end - back * SPAN);
        span.map(|(_, value)| *value).reduce(f64::min)
    };
    Some(PythonMemory { lows: [low(2.0)?, low(1.0)?, low(0.0)?], span_seconds: SPAN })
}

/// Sources that gave nothing at the end, by pod, of pods whose Spark had not ended.
pub(in crate::gather) fn sources_down(figures: &[Series]) -> BTreeMap<String, Vec<String>> {
    let ended = |pod: &str| {
        figures.iter().any(|one| {
            one.name() == "emberscope_spark_ended"
                && one.label("pod") == Some(pod)
                && one.last() == Some(1.0)
        })
    };
    let mut down: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in figures.iter().filter(|one| one.name() == "emberscope_source_up") {
        if let (Some(pod), Some(source), Some(0.0)) =
            (one.label("pod"), one.label("source"), one.last())
            && !ended(pod)
        {
            let sources = down.entry(pod.to_owned()).or_default();
            if !sources.iter().any(|known| known == source) {
                sources.push(source.to_owned());
            }
        }
    }
    down
}
