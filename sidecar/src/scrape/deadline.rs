//! How long a scrape may take, from what Prometheus says.

use std::time::Duration;

/// The header in which Prometheus tells how long it will wait, in seconds.
pub const HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// Without the header: Prometheus' own default timeout.
pub const DEFAULT: Duration = Duration::from_secs(10);

/// Kept back for merging, encoding and the network, as the blackbox exporter does.
const RESERVE: f64 = 0.5;

/// Nobody waits longer; Spark is on the same machine.
const LONGEST: f64 = 60.0;

/// The time for the sources: the header's less half a second, or half of it if it is short.
///
/// What is no positive number counts as no header.
#[must_use]
pub fn budget(header: Option<&str>) -> Duration {
    let seconds = header
        .and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    match seconds {
        Some(seconds) => {
            let seconds = (seconds - RESERVE).max(seconds / 2.0).min(LONGEST);
            Duration::from_secs_f64(seconds)
        }
        None => DEFAULT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_kept_back() {
        for (header, expected) in [
            ("10", 9.5),
            ("10.000000", 9.5),
            (" 2 ", 1.5),
            ("0.6", 0.3),
            ("0.001", 0.0005),
            ("100000", 60.0),
            ("1e308", 60.0),
        ] {
            assert_eq!(budget(Some(header)), Duration::from_secs_f64(expected), "{header}");
        }
    }

    #[test]
    fn nonsense_counts_as_no_header() {
        for header in
            [None, Some(""), Some("soon"), Some("-1"), Some("0"), Some("NaN"), Some("inf")]
        {
            assert_eq!(budget(header), DEFAULT, "{header:?}");
        }
    }
}
