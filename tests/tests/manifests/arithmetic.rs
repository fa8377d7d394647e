//! The figures of docs/remote-write.md: what follows from the series of a pod, and from the limit of
//! Prometheus' memory.

use super::rendered;

/// The rows of a table in docs/remote-write.md: series of a pod, by preset.
pub(crate) fn row(pod: &str, counts: [usize; 2]) -> String {
    format!("| {pod} | {} | {} |", grouped(counts[0]), grouped(counts[1]))
}

/// What the page works out of that: of 100 jobs at a time with 20 executors each, scraped every 15 s,
/// for 10 minutes.
pub(crate) fn arithmetic(driver: [usize; 2], executor: [usize; 2]) -> Vec<String> {
    let job = [0, 1].map(|preset| driver[preset] + 20 * executor[preset]);
    let figures = |what: &str, of: fn(usize) -> usize| row(what, job.map(of));
    vec![
        format!("{} + {} E series", driver[0], executor[0]),
        format!("(`essential`: {} + {} E)", driver[1], executor[1]),
        figures("series of a job", |job| job),
        figures("series at a time", |job| 100 * job),
        figures("samples per second", |job| (100 * job + 7) / 15),
        figures("series within two hours (12 rounds of jobs)", |job| 1200 * job),
        memory(job[0]),
    ]
}

/// Rows of the table in docs/cost.md: one application that runs for a month of 30 days, scraped every 15 s, in
/// Amazon Managed Prometheus.
pub(crate) fn dollars(driver: [usize; 2], executor: [usize; 2]) -> Vec<String> {
    let row = |executors: usize, preset: usize| {
        let series = driver[preset] + executors * executor[preset];
        let samples = series * (30 * 86_400 / 15);
        // $0.90 for 10 million of the first 2 billion is 9 cents for a million, $0.35 is 3.5.
        let first = samples.min(2_000_000_000);
        let cents = (first * 9 + (samples - first) * 35 / 10) / 1_000_000;
        format!(
            "| {} | {} | {} | {} | {} |",
            grouped(executors),
            ["full", "essential"][preset],
            grouped(series),
            grouped(samples),
            grouped((cents + 50) / 100)
        )
    };
    [10, 100, 1000]
        .iter()
        .flat_map(|executors| [0, 1].map(|preset| row(*executors, preset)))
        .collect()
}

/// What the page reckons with for a series in Prometheus' memory.
const BYTES_OF_SERIES: usize = 2_500;

/// How far the limit of Prometheus' pod goes, of which it tells Go 90%. What is scraped counts, not
/// what is sent.
fn memory(job: usize) -> String {
    let objects = rendered("manifests/overlays/amp");
    let server = objects.iter().find(|object| object["kind"] == "StatefulSet").unwrap();
    let container = &server["spec"]["template"]["spec"]["containers"][0];
    let limit = container["resources"]["limits"]["memory"].as_str().unwrap();
    let limit: usize = limit.strip_suffix("Gi").unwrap().parse().unwrap();
    let series = (limit << 30) * 9 / 10 / BYTES_OF_SERIES;
    let all = 1800 * job;
    let tenths = (all * BYTES_OF_SERIES + 50_000_000) / 100_000_000;
    format!(
        "may have {limit}, which is enough for {} series: {} jobs of the example within\n\
         three hours. The example has 1,800 in that time, with {} series, and takes {}.{} GB.",
        grouped(series),
        series / job,
        grouped(all),
        tenths / 10,
        tenths % 10,
    )
}

/// With a comma before every third digit.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let comma = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    digits
        .char_indices()
        .flat_map(|(at, digit)| comma(at).then_some(',').into_iter().chain([digit]))
        .collect()
}
