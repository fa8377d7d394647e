//! The bars that a figure is held against, and how both are written.

use std::fmt;
use std::time::Duration;

/// A figure, and the most that it may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    value: f64,
    most: Option<f64>,
    unit: &'static str,
}

/// Memory, given in KiB.
#[must_use]
pub(super) fn memory(kibibytes: u64, most: Option<f64>) -> Held {
    Held { value: kibibytes as f64 / 1024.0, most, unit: "MiB" }
}

/// A time.
#[must_use]
pub(super) fn time(time: Duration, most: Option<f64>) -> Held {
    Held { value: time.as_secs_f64() * 1000.0, most, unit: "ms" }
}

/// The size of a file, in bytes.
#[must_use]
pub(super) fn size(bytes: u64, most: Option<f64>) -> Held {
    Held { value: bytes as f64 / 1e6, most, unit: "MB" }
}

/// As many digits as say something, with a bar `12.3 MiB (≤ 12: over)`, without one `12.3 MiB`.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, most, unit } = *self;
        let digits = match value {
            ..1.0 => 3,
            1.0..10.0 => 2,
            10.0..1000.0 => 1,
            _ => 0,
        };
        write!(f, "{value:.digits$} {unit}")?;
        match most {
            Some(most) if value <= most => write!(f, " (≤ {most}: ok)"),
            Some(most) => write!(f, " (≤ {most}: **over**)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_whether_it_is_over_its_bar() {
        assert_eq!(memory(12_595, Some(12.0)).to_string(), "12.3 MiB (≤ 12: **over**)");
        let quick = time(Duration::from_micros(421), Some(0.5));
        assert_eq!(quick.to_string(), "0.421 ms (≤ 0.5: ok)");
        assert_eq!(size(5_400_000, None).to_string(), "5.40 MB");
    }
}
