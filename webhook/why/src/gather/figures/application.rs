//! What Spark's status API says of the application itself.

use super::value;
use crate::facts::{Application, Settings, Time};
use crate::gather::series::Series;

/// Adds name, version and start to what is known.
pub(in crate::gather) fn info(series: &[Series], application: &mut Application) {
    if let Some(info) = series.iter().find(|one| one.name() == "spark_application_info") {
        let label = |name| info.label(name).map(str::to_owned);
        application.name = application.name.take().or(label("application_name"));
        application.spark_version = application.spark_version.take().or(label("version"));
    }
    if let Some(start) = value(series, "spark_application_start_time_seconds") {
        application.started_at = Some(Time(start));
    }
}

/// What it was started with.
pub(in crate::gather) fn settings(series: &[Series]) -> Settings {
    let of = |name: &str| value(series, &format!("spark_application_{name}"));
    Settings {
        driver_memory_bytes: of("driver_memory_bytes"),
        driver_memory_overhead_bytes: of("driver_memory_overhead_bytes"),
        driver_cores: of("driver_cores"),
        executor_memory_bytes: of("executor_memory_bytes"),
        executor_memory_overhead_bytes: of("executor_memory_overhead_bytes"),
        executor_pyspark_memory_bytes: of("executor_pyspark_memory_bytes"),
        executor_cores: of("executor_cores"),
        executor_instances: of("executor_instances"),
        off_heap_bytes: of("off_heap_bytes"),
        dynamic_allocation_enabled: of("dynamic_allocation_enabled").map(|on| on > 0.0),
        dynamic_allocation_min_executors: of("dynamic_allocation_min_executors"),
        dynamic_allocation_max_executors: of("dynamic_allocation_max_executors"),
        shuffle_partitions: of("shuffle_partitions"),
        adaptive_enabled: of("adaptive_enabled").map(|on| on > 0.0),
    }
}
