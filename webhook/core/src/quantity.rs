//! Kubernetes quantities: `5m`, `16Mi`, `1e3`
//! (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A quantity as it was written, and what it is worth.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Quantity {
    text: String,
    /// In billionths: the finest unit that the format knows (`n`).
    nanos: i128,
}

/// What quantities are rounded to that are worked out: thousandths for CPU, mebibytes for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milli,
    Mebi,
}

impl Unit {
    /// One of it, in billionths.
    pub(crate) const fn nanos(self) -> i128 {
        match self {
            Self::Milli => 1_000_000,
            Self::Mebi => (1 << 20) * 1_000_000_000,
        }
    }
}

/// A quantity as people write it: `16Mi`, or a bare number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Number(serde_json::Number),
}

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a Kubernetes quantity such as 5m, 0.5, 16Mi or 1G")]
pub struct NotAQuantity(String);

impl Quantity {
    /// Nothing: `0`.
    #[must_use]
    pub fn zero() -> Self {
        Self { text: "0".to_owned(), nanos: 0 }
    }

    /// So many thousandths: `5m`.
    #[must_use]
    pub fn milli(count: u32) -> Self {
        Self { text: format!("{count}m"), nanos: i128::from(count) * 1_000_000 }
    }

    /// So many mebibytes: `16Mi`.
    #[must_use]
    pub fn mebi(count: u32) -> Self {
        Self { text: format!("{count}Mi"), nanos: (i128::from(count) << 20) * 1_000_000_000 }
    }

    /// The least multiple of `unit` that is no less than so many billionths, written in that unit.
    pub(crate) fn at_least(nanos: i128, unit: Unit) -> Self {
        Self::counted(nanos.saturating_add(unit.nanos() - 1) / unit.nanos(), unit)
    }

    /// The highest multiple of `unit` that is no more than so many billionths, and no less than 0.
    pub(crate) fn at_most(nanos: i128, unit: Unit) -> Self {
        Self::counted(nanos.max(0) / unit.nanos(), unit)
    }

    fn counted(count: i128, unit: Unit) -> Self {
        let suffix = match unit {
            Unit::Milli => "m",
            Unit::Mebi => "Mi",
        };
        Self { text: format!("{count}{suffix}"), nanos: count.saturating_mul(unit.nanos()) }
    }

    /// Its value in billionths.
    pub(crate) const fn nanos(&self) -> i128 {
        self.nanos
    }

    /// The quantity as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.nanos == 0
    }
}

impl FromStr for Quantity {
    type Err = NotAQuantity;

    /// Negative quantities are refused: no resource has one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NotAQuantity(text.chars().take(64).collect());
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // More digits than these are no resource of any machine, and would overflow below.
        let sane = whole.len() <= 19 && fraction.len() <= 9 && !fraction.contains('.');
        if !sane || (whole.is_empty() && fraction.is_empty()) {
            return Err(error());
        }
        // The digits as a whole number of billionths: the fraction padded to nine digits.
        let nanos: i128 = format!("{whole}{fraction:0<9}").parse().map_err(|_| error())?;
        let nanos = match suffix {
            "" => Some(nanos),
            "n" => Some(nanos / 1_000_000_000),
            "u" => Some(nanos / 1_000_000),
            "m" => Some(nanos / 1_000),
            "Ki" => nanos.checked_mul(1 << 10),
            "Mi" => nanos.checked_mul(1 << 20),
            "Gi" => nanos.checked_mul(1 << 30),
            "Ti" => nanos.checked_mul(1 << 40),
            "Pi" => nanos.checked_mul(1 << 50),
            "Ei" => nanos.checked_mul(1 << 60),
            suffix => decimal_exponent(suffix).and_then(|exponent| shift(nanos, exponent)),
        };
        nanos.map(|nanos| Self { text: text.to_owned(), nanos }).ok_or_else(error)
    }
}

/// The power of ten of `k`, `M`, … `E`, or of `e3`, `E-3`.
fn decimal_exponent(suffix: &str) -> Option<i32> {
    match suffix {
        "k" => Some(3),
        "M" => Some(6),
        "G" => Some(9),
        "T" => Some(12),
        "P" => Some(15),
        "E" => Some(18),
        exponent => exponent.strip_prefix(['e', 'E'])?.parse().ok(),
    }
}

fn shift(nanos: i128, exponent: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    if exponent < 0 { nanos.checked_div(power) } else { nanos.checked_mul(power) }
}

impl TryFrom<Written> for Quantity {
    type Error = NotAQuantity;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Text(text) => text.parse(),
            Written::Number(number) => number.to_string().parse(),
        }
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.text
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_amount_is_equal_however_it_is_written() {
        for (a, b) in [
            ("1", "1000m"),
            ("0.5", "500m"),
            ("1Ki", "1024"),
            ("1k", "1e3"),
            ("16Mi", "16777216"),
            (".5", "0.500"),
            ("1E", "1E18"),
            ("1000000n", "1m"),
        ] {
            assert_eq!(quantity(a), quantity(b), "{a} {b}");
        }
        assert!(quantity("16Mi") < quantity("17M"));
    }

    #[test]
    fn what_is_no_quantity_is_refused_and_named() {
        for text in ["", ".", "32MB", "1.2.3", "-1", "1 Gi", "Mi", "9999999999999999999Ei", "1e99"]
        {
            let error = text.parse::<Quantity>().unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}") {
            if let Ok(quantity) = text.parse::<Quantity>() {
                prop_assert_eq!(quantity.as_str(), text);
            }
        }

        #[test]
        fn thousandths_are_exact(count in 0..2_000_000_000_u32) {
            prop_assert_eq!(quantity(&format!("{count}m")), Quantity::milli(count));
            let whole = format!("{}.{:03}", count / 1000, count % 1000);
            prop_assert_eq!(quantity(&whole), Quantity::milli(count));
        }
    }
}
