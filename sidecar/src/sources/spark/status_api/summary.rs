//! How the tasks of a stage differ.

use serde_json::Value;

use super::fields::Fields;

/// The quantiles that are asked for, as Spark and Prometheus are told.
pub(super) const QUANTILES: [&str; 3] = ["0.5", "0.95", "1.0"];

/// The fields that are read.
pub(super) const FIELDS: [&str; 2] = ["executorRunTime", "shuffleReadMetrics"];

/// So many tasks say something about how they differ.
pub(super) const ENOUGH_TASKS: u64 = 8;

/// One figure's quantiles: the median, the 95th percentile and the greatest.
pub(super) type Quantiles = [f64; 3];

/// What Spark's `taskSummary` says of the tasks that succeeded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Summary {
    /// How many tasks had succeeded.
    pub(super) of_tasks: u64,
    /// How long tasks ran, in ms.
    pub(super) run_time: Option<Quantiles>,
    /// Shuffle data that tasks read, in bytes.
    pub(super) shuffle_read: Option<Quantiles>,
}

impl Summary {
    /// What an answer says, when so many tasks had succeeded.
    pub(super) fn read(fields: &Fields, of_tasks: u64) -> Self {
        let shuffle = fields.get("shuffleReadMetrics");
        Self {
            of_tasks,
            run_time: quantiles(fields.get("executorRunTime")),
            shuffle_read: quantiles(shuffle.and_then(|it| it.get("readBytes"))),
        }
    }

    /// How many times as long as the median task the longest one took, where that says something.
    pub(super) fn skew(&self) -> Option<f64> {
        let [median, _, longest] = self.run_time?;
        (self.of_tasks >= ENOUGH_TASKS && median > 0.0).then(|| longest / median)
    }
}

fn quantiles(value: Option<&Value>) -> Option<Quantiles> {
    let values: Vec<f64> = value?.as_array()?.iter().filter_map(Value::as_f64).collect();
    values.try_into().ok().filter(|values: &Quantiles| values.iter().all(|value| *value >= 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str, tasks: u64) -> Summary {
        Summary::read(&Fields::parse(json.as_bytes()).unwrap(), tasks)
    }

    #[test]
    fn the_skew_is_the_longest_task_by_the_median_one() {
        let answer =
            r#"{"executorRunTime":[20.0,40.0,300.0],"shuffleReadMetrics":{"readBytes":[1,2,3]}}"#;
        let summary = of(answer, 8);
        assert_eq!((summary.skew(), summary.shuffle_read), (Some(15.0), Some([1.0, 2.0, 3.0])));
        assert_eq!(of(answer, 7).skew(), None);
    }

    #[test]
    fn what_is_no_three_numbers_is_nothing() {
        for run_time in ["[]", "[1,2]", "[1,2,\"x\"]", "[-1,0,1]", "null", "7"] {
            assert_eq!(
                of(&format!("{{\"executorRunTime\":{run_time}}}"), 9),
                Summary { of_tasks: 9, ..Summary::default() }
            );
        }
        assert_eq!(of(r#"{"executorRunTime":[0,0,9]}"#, 9).skew(), None);
    }
}
