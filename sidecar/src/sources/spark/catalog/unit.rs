//! The units that Spark counts in, and the base units that are served.

/// The unit of a Spark metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A number of things, bytes, seconds or a ratio: served as it is.
    Base,
    /// 1,048,576 bytes, which Spark calls MB; served in bytes.
    Mebibytes,
    /// Served in seconds.
    Milliseconds,
    /// Served in seconds.
    Nanoseconds,
}

impl Unit {
    /// What Spark calls the unit, where it is not the base unit.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Base => None,
            Self::Mebibytes => Some("MB"),
            Self::Milliseconds => Some("ms"),
            Self::Nanoseconds => Some("ns"),
        }
    }

    /// The value in the base unit; nothing for a negative time, by which Spark means none.
    pub(in crate::sources::spark) fn convert(self, value: f64) -> Option<f64> {
        // Divided, not multiplied by 0.001: 272 ms are 0.272 s and not 0.27200000000000002 s.
        match self {
            Self::Base => Some(value),
            Self::Mebibytes => Some(value * 1_048_576.0),
            Self::Milliseconds | Self::Nanoseconds if value < 0.0 => None,
            Self::Milliseconds => Some(value / 1e3),
            Self::Nanoseconds => Some(value / 1e9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_base_units() {
        assert_eq!(Unit::Mebibytes.convert(1303.0), Some(1_366_294_528.0));
        assert_eq!(Unit::Milliseconds.convert(272.0), Some(0.272));
        assert_eq!(Unit::Nanoseconds.convert(16_310_000_000.0), Some(16.31));
        assert_eq!(Unit::Milliseconds.convert(-1.0), None);
        assert_eq!(Unit::Base.convert(-1.0), Some(-1.0));
    }
}
