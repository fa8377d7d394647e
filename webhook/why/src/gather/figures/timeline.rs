//! The application over time.

use std::collections::BTreeMap;

use crate::facts::{Moment, Time};
use crate::gather::series::Series;

/// The answers about it; of each the first series counts.
#[derive(Debug, Default)]
pub(in crate::gather) struct Lines {
    pub(in crate::gather) executors: Vec<Series>,
    pub(in crate::gather) slots: Vec<Series>,
    pub(in crate::gather) active_tasks: Vec<Series>,
    pub(in crate::gather) active_jobs: Vec<Series>,
    pub(in crate::gather) target: Vec<Series>,
}

/// One moment for each time at which the driver was seen.
pub(in crate::gather) fn timeline(lines: &Lines) -> Vec<Moment> {
    let at = |series: &[Series]| -> BTreeMap<u64, f64> {
        let samples = series.first().map(|one| one.samples.as_slice()).unwrap_or_default();
        samples.iter().map(|(time, value)| (time.to_bits(), *value)).collect()
    };
    let (executors, slots) = (at(&lines.executors), at(&lines.slots));
    let (tasks, target) = (at(&lines.active_tasks), at(&lines.target));
    let jobs = lines.active_jobs.first().map(|one| one.samples.as_slice()).unwrap_or_default();
    let moment = |(time, jobs): &(f64, f64)| {
        let key = time.to_bits();
        let number = |map: &BTreeMap<u64, f64>| map.get(&key).copied().unwrap_or_default();
        Moment {
            at: Time(*time),
            executors: number(&executors),
            slots: number(&slots),
            active_tasks: number(&tasks),
            active_jobs: *jobs,
            target: target.get(&key).copied(),
        }
    };
    jobs.iter().map(moment).collect()
}
