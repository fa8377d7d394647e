//! How long a scrape may take, from what Prometheus says.

use std::time::Duration;

use axum::http::HeaderMap;

/// The header in which Prometheus tells how long it will wait, in seconds.
pub const HEADER: &str = "x-prometheus-scrape-timeout-seconds";

/// Without the header: Prometheus' own default timeout.
pub const DEFAULT: Duration = Duration::from_secs(10);

/// Kept back for merging, encoding and the network, as the blackbox exporter does.
const RESERVE: Duration = Duration::from_millis(500);

/// Nobody waits longer; Spark is on the same machine.
const LONGEST: f64 = 60.0;

/// How long the client waits, as it says, and a minute at most. What is no positive number counts as
/// nothing.
#[must_use]
pub fn named(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(HEADER)?.to_str().ok()?.trim().parse().ok()?;
    (seconds.is_finite() && seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST)))
}

/// The time for the sources: what the client says less half a second, or half of it if it is short.
#[must_use]
pub fn budget(named: Option<Duration>) -> Duration {
    named.map_or(DEFAULT, |named| named.saturating_sub(RESERVE).max(named / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(header: &str) -> Option<Duration> {
        named(&HeaderMap::from_iter([(HEADER.try_into().unwrap(), header.try_into().unwrap())]))
    }

    #[test]
    fn half_a_second_is_kept_back() {
        for (header, expected) in [
            ("10", 9.5),
            ("10.000000", 9.5),
            (" 2 ", 1.5),
            ("0.6", 0.3),
            ("0.001", 0.0005),
            ("100000", 59.5),
            ("1e308", 59.5),
        ] {
            assert_eq!(budget(with(header)), Duration::from_secs_f64(expected), "{header}");
        }
    }

    #[test]
    fn nonsense_counts_as_no_header() {
        assert_eq!(budget(named(&HeaderMap::new())), DEFAULT);
        for header in ["", "soon", "-1", "0", "NaN", "inf"] {
            assert_eq!(budget(with(header)), DEFAULT, "{header:?}");
        }
    }
}
