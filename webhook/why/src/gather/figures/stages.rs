//! Stages, as Spark's status API told them to the driver's sidecar.

use std::collections::BTreeMap;

use crate::facts::{Quantiles, Stage};
use crate::gather::series::Series;

/// The stages that have lines of their own, the most costly first, and the sum of the others.
pub(in crate::gather) fn stages(series: &[Series]) -> Vec<Stage> {
    let mut by_id: BTreeMap<(Option<u32>, &str), Stage> = BTreeMap::new();
    for one in series {
        let (Some(name), Some(value)) = (one.label("stage"), one.last()) else { continue };
        let id = one.label("stage_id").and_then(|id| id.parse().ok());
        let stage = by_id.entry((id, name)).or_default();
        stage.id = id;
        name.clone_into(&mut stage.name);
        let place = match (one.name(), one.label("state")) {
            ("spark_stage_active", _) => {
                stage.active |= value > 0.0;
                continue;
            }
            ("spark_stage_task_duration_seconds", _) => {
                quantile(stage.task_seconds.get_or_insert_default(), one, value);
                continue;
            }
            ("spark_stage_task_shuffle_read_bytes", _) => {
                quantile(stage.task_shuffle_bytes.get_or_insert_default(), one, value);
                continue;
            }
            ("spark_stage_tasks_total", Some("completed")) => &mut stage.succeeded_tasks,
            ("spark_stage_tasks_total", Some("failed")) => &mut stage.failed_tasks,
            ("spark_stage_attempts", _) => &mut stage.attempts,
            ("spark_stage_planned_tasks", _) => &mut stage.planned_tasks,
            ("spark_stage_run_time_seconds_total", _) => &mut stage.run_seconds,
            ("spark_stage_cpu_time_seconds_total", _) => &mut stage.cpu_seconds,
            ("spark_stage_jvm_gc_time_seconds_total", _) => &mut stage.gc_seconds,
            ("spark_stage_shuffle_read_fetch_wait_time_seconds_total", _) => {
                &mut stage.fetch_wait_seconds
            }
            ("spark_stage_input_bytes_total", _) => &mut stage.input_bytes,
            ("spark_stage_shuffle_read_bytes_total", _) => &mut stage.shuffle_read_bytes,
            ("spark_stage_shuffle_write_bytes_total", _) => &mut stage.shuffle_write_bytes,
            ("spark_stage_disk_spilled_bytes_total", _) => &mut stage.spilled_bytes,
            _ => continue,
        };
        *place = place.max(value);
    }
    let mut stages: Vec<Stage> = by_id.into_values().collect();
    stages.sort_by(|a, b| b.run_seconds.total_cmp(&a.run_seconds));
    stages
}

fn quantile(quantiles: &mut Quantiles, series: &Series, value: f64) {
    match series.label("quantile") {
        Some("0.5") => quantiles.median = value,
        Some("0.95") => quantiles.p95 = value,
        Some("1") => quantiles.max = value,
        _ => {}
    }
}
