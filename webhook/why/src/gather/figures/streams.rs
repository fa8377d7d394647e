//! Streaming queries over time.

use std::collections::BTreeMap;

use crate::facts::Stream;
use crate::gather::series::Series;

/// What counts as lately, in seconds.
const LATELY: f64 = 1800.0;

/// Every streaming query.
pub(in crate::gather) fn streams(series: &[Series]) -> Vec<Stream> {
    let mut by_query: BTreeMap<&str, Stream> = BTreeMap::new();
    for one in series {
        let (Some(query), Some(first), Some(last)) =
            (one.label("query"), one.samples.first(), one.samples.last())
        else {
            continue;
        };
        let stream = by_query.entry(query).or_default();
        query.clone_into(&mut stream.query);
        let lately = mean(one.samples.iter().filter(|(time, _)| *time > last.0 - LATELY));
        let at_first = mean(one.samples.iter().filter(|(time, _)| *time < first.0 + LATELY));
        match one.name() {
            "spark_driver_structured_streaming_input_rows_per_second" => {
                stream.input_rows_per_second = lately;
            }
            "spark_driver_structured_streaming_processed_rows_per_second" => {
                stream.processed_rows_per_second = lately;
            }
            "spark_driver_structured_streaming_latency_seconds" => {
                stream.batch_seconds = lately;
                // Before that much time there is no first to compare with.
                stream.first_batch_seconds = at_first.filter(|_| last.0 - first.0 >= 2.0 * LATELY);
            }
            "spark_driver_structured_streaming_state_rows" => {
                stream.state_rows = Some([first.1, last.1]);
            }
            "spark_driver_structured_streaming_state_memory_bytes" => {
                stream.state_bytes = at_first
                    .filter(|_| last.0 - first.0 >= 2.0 * LATELY)
                    .map(|first| [first, last.1]);
            }
            "spark_driver_structured_streaming_watermark_timestamp_seconds" if last.1 > 0.0 => {
                stream.watermark_behind_seconds = Some(last.0 - last.1);
            }
            _ => {}
        }
    }
    by_query.into_values().collect()
}

fn mean<'s>(samples: impl Iterator<Item = &'s (f64, f64)>) -> Option<f64> {
    let (sum, count) =
        samples.fold((0.0, 0.0), |(sum, count), (_, value)| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}
