//! What the answers of Prometheus say, as facts: functions of series.
//!
//! Replicas of a Prometheus that are not made one have every series twice: what is counted is keyed by what it is
//! about, and the greater one of two values holds.

mod application;
mod containers;
mod stages;
mod streams;
mod timeline;

use std::collections::BTreeMap;

use super::names;
use super::series::Series;
use crate::facts::{Allocation, Driver, Executor, LossReason};

pub(super) use application::{info, settings};
pub(super) use containers::{Parts, bills, containers, sources_down};
pub(super) use stages::stages;
pub(super) use streams::streams;
pub(super) use timeline::{Lines, timeline};

/// The greatest last value of the series of that name.
fn value(series: &[Series], name: &str) -> Option<f64> {
    series.iter().filter(|one| one.name() == name).filter_map(Series::last).reduce(f64::max)
}

/// The driver's last figures.
pub(super) fn driver(series: &[Series]) -> Option<Driver> {
    if series.is_empty() {
        return None;
    }
    let of = |name: &str| value(series, name);
    let manager = |name: &str| of(&format!("spark_driver_executor_allocation_manager_{name}"));
    let status = |name: &str| of(&format!("spark_driver_app_status_{name}_total"));
    let mut dropped_events = BTreeMap::new();
    for one in series {
        if let (
            "spark_driver_live_listener_bus_queue_dropped_events_total",
            Some(queue),
            Some(lost),
        ) = (one.name(), one.label("queue"), one.last())
            && lost > 0.0
        {
            let most = dropped_events.entry(queue.to_owned()).or_insert(0.0);
            *most = lost.max(*most);
        }
    }
    let allocation = manager("executors").map(|executors| Allocation {
        executors,
        target: manager("target_executors").unwrap_or_default(),
        max_needed: manager("max_needed_executors").unwrap_or_default(),
        unexpected_exits: manager("unexpected_exits_total").unwrap_or_default(),
    });
    Some(Driver {
        active_jobs: of(names::PRESENCE),
        succeeded_jobs: status("succeeded_jobs"),
        failed_jobs: status("failed_jobs"),
        completed_stages: status("completed_stages"),
        failed_stages: status("failed_stages"),
        completed_tasks: status("completed_tasks"),
        failed_tasks: status("failed_tasks"),
        spark_ended: None,
        dropped_events,
        allocation,
    })
}

/// What each executor did.
pub(super) fn executors(series: &[Series]) -> Vec<Executor> {
    let mut by_id: BTreeMap<&str, Executor> = BTreeMap::new();
    for one in series {
        let (Some(id), Some(value)) = (one.label("executor_id"), one.last()) else { continue };
        let executor = by_id.entry(id).or_default();
        id.clone_into(&mut executor.id);
        executor.pod = one.label("pod").map(str::to_owned).or(executor.pod.take());
        executor.node = one.label("node").map(str::to_owned).or(executor.node.take());
        let place = match one.name() {
            names::EXECUTOR_PRESENCE => continue,
            "spark_executor_run_time_seconds_total" => &mut executor.run_seconds,
            "spark_executor_cpu_time_seconds_total" => &mut executor.cpu_seconds,
            "spark_executor_jvm_gc_time_seconds_total" => &mut executor.gc_seconds,
            "spark_executor_succeeded_tasks_total" => &mut executor.succeeded_tasks,
            "spark_executor_input_bytes_total" => &mut executor.input_bytes,
            "spark_executor_shuffle_read_bytes_total" => &mut executor.shuffle_read_bytes,
            "spark_executor_shuffle_read_fetch_wait_time_seconds_total" => {
                &mut executor.fetch_wait_seconds
            }
            "spark_executor_disk_spilled_bytes_total" => &mut executor.spilled_bytes,
            _ => continue,
        };
        *place = Some(place.map_or(value, |other| other.max(value)));
    }
    by_id.into_values().collect()
}

/// Executors that went, by reason.
pub(super) fn losses(series: &[Series]) -> BTreeMap<LossReason, f64> {
    let mut losses = BTreeMap::new();
    for one in series {
        let reason = one.label("reason").unwrap_or_default();
        let reason = serde_json::from_value(reason.into()).unwrap_or(LossReason::Unknown);
        let most = losses.entry(reason).or_insert(0.0);
        *most = one.last().unwrap_or_default().max(*most);
    }
    losses.retain(|_, count| *count > 0.0);
    losses
}

#[cfg(test)]
mod tests;
