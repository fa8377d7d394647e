//! Streaming queries.

use super::finding::{Certainty, Found, Provoked, Rule, Severity};
use super::thresholds::{
    STATE_BYTES, STATE_GROWTH, STREAM_BATCH, STREAM_BEHIND as BEHIND, STREAM_SLOWER as SLOWER,
    WATERMARK_BEHIND as WATERMARK,
};
use crate::units::{bytes, number, percent, seconds};

pub(super) const STREAM_BEHIND: Rule = Rule {
    code: "stream_behind",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "A streaming query processes fewer rows than arrive.",
    needs: "rows that arrive and rows that are processed per second, over half an hour",
    advice: "More cores, more partitions of the source, or less work for each row.",
    alert: Some("SparkStreamingFallingBehind"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let ratio = |stream: &&crate::facts::Stream| {
            let input = stream.input_rows_per_second?;
            (input > 0.0).then(|| stream.processed_rows_per_second.unwrap_or_default() / input)
        };
        let behind = case.facts.streams.iter().filter_map(|stream| Some((stream, ratio(&stream)?)));
        let (worst, ratio) =
            behind.filter(|(_, ratio)| *ratio < BEHIND).min_by(|a, b| a.1.total_cmp(&b.1))?;
        let text = format!(
            "{} rows arrive a second, {} are processed",
            number(worst.input_rows_per_second?),
            number(worst.processed_rows_per_second.unwrap_or_default())
        );
        Some(
            Found::new(Severity::Warning, Certainty::Certain, format!("query {} processes {} of the rows that arrive", worst.query, percent(ratio)))
                .figure(text, case.facts.application.last_seen_at, None)
                .advise("more executors, and as many partitions of the source as there are cores (minPartitions for Kafka)"),
        )
    },
};

pub(super) const STREAM_SLOWER: Rule = Rule {
    code: "stream_slower",
    severity: Severity::Warning,
    certainty: Certainty::Certain,
    meaning: "The batches of a streaming query take longer and longer.",
    needs: "how long batches take, at first and at last",
    advice: "Look at its state, and at what arrives.",
    alert: Some("SparkStreamingBatchesSlow"),
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let slower = case.facts.streams.iter().filter_map(|stream| {
            Some((stream, stream.first_batch_seconds?, stream.batch_seconds?))
        });
        let (worst, first, last) = slower
            .filter(|(_, first, last)| *last > STREAM_BATCH && *last > SLOWER * first)
            .max_by(|a, b| a.2.total_cmp(&b.2))?;
        Some(
            Found::new(Severity::Warning, Certainty::Certain, format!("a batch of query {} takes {}, {} times as long as at first", worst.query, seconds(last), number(last / first.max(0.001))))
                .figure(format!("{} at first, {} at last", seconds(first), seconds(last)), case.facts.application.last_seen_at, None)
                .advise("bound what one batch takes (maxOffsetsPerTrigger, maxFilesPerTrigger); state that grows is a finding of its own"),
        )
    },
};

pub(super) const STATE_GROWING: Rule = Rule {
    code: "state_growing",
    severity: Severity::Warning,
    certainty: Certainty::Likely,
    meaning: "The state of a streaming query grows and does not level off.",
    needs: "memory of a query's state, at first and at last",
    advice: "A watermark, or a shorter one; RocksDB for state.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let growing =
            case.facts.streams.iter().filter_map(|stream| Some((stream, stream.state_bytes?)));
        let (worst, [first, last]) = growing
            .filter(|(_, [first, last])| *last >= STATE_BYTES && *last >= STATE_GROWTH * first)
            .max_by(|a, b| a.1[1].total_cmp(&b.1[1]))?;
        let mut found = Found::new(
            Severity::Warning,
            Certainty::Likely,
            format!(
                "the state of query {} grew from {} to {}",
                worst.query,
                bytes(first),
                bytes(last)
            ),
        );
        if let Some([before, after]) = worst.state_rows {
            found = found.figure(
                format!("{} rows at first, {} at last", number(before), number(after)),
                case.facts.application.last_seen_at,
                None,
            );
        }
        Some(
            found
                .advise("withWatermark() on the event time before it aggregates or joins, or a shorter one: state is kept for as long")
                .set("spark.sql.streaming.stateStore.providerClass", "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider", "state beyond the heap"),
        )
    },
};

pub(super) const WATERMARK_BEHIND: Rule = Rule {
    code: "watermark_behind",
    severity: Severity::Warning,
    certainty: Certainty::Likely,
    meaning: "The watermark of a streaming query is far behind the clock: results are late, and state is kept.",
    needs: "a query's watermark against the time at which it was read",
    advice: "One partition of the source that is idle or late holds it back.",
    alert: None,
    provoked: Provoked::RecordedFacts,
    judge: |case| {
        let late = case
            .facts
            .streams
            .iter()
            .filter_map(|stream| Some((stream, stream.watermark_behind_seconds?)));
        let (worst, behind) =
            late.filter(|(_, behind)| *behind >= WATERMARK).max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(
            Found::new(Severity::Warning, Certainty::Likely, format!("the watermark of query {} is {} behind", worst.query, seconds(behind)))
                .figure(format!("{} behind the clock", seconds(behind)), case.facts.application.last_seen_at, None)
                .advise("of several sources the slowest one decides (spark.sql.streaming.multipleWatermarkPolicy=max does not wait for it); or events carry wrong times"),
        )
    },
};
