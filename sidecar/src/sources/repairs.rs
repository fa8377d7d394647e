//! The account of what became of Spark's lines.

use std::ops::AddAssign;

/// Why a line was mended or left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A label value held a quote, a backslash or a line feed as it is: escaped.
    UnescapedLabel,
    /// A label value was not UTF-8: the bad bytes are replaced by U+FFFD.
    NotUtf8,
    /// A label that the scraper sets itself (`instance`, `job`, ...), or came twice: left out.
    ReservedLabel,
    /// A label value was longer than what scrapers and stores take: its beginning is kept.
    LongLabel,
    /// The value is `null`, a text or a collection: line left out.
    NotANumber,
    /// A counter is negative, infinite or no number, or a quantile negative: sample left out.
    ImpossibleValue,
    /// There is no value: line left out.
    NoValue,
    /// Not a sample at all: line left out.
    Malformed,
    /// Longer than any line of Spark's: left out.
    TooLong,
    /// One name or executor more than a page may hold: left out.
    TooMany,
    /// A page has more bytes than are read: what is behind them is left out.
    PageTooLarge,
    /// Nothing is left of the name in letters and digits: line left out.
    NoName,
    /// The name is taken by a family of another type: left out.
    NameTaken,
    /// A name that this page of Spark's does not have: left out.
    Foreign,
}

impl Reason {
    /// All reasons, for a metric that starts at zero for each.
    pub const ALL: [Self; 14] = [
        Self::UnescapedLabel,
        Self::NotUtf8,
        Self::ReservedLabel,
        Self::LongLabel,
        Self::NotANumber,
        Self::ImpossibleValue,
        Self::NoValue,
        Self::Malformed,
        Self::TooLong,
        Self::TooMany,
        Self::PageTooLarge,
        Self::NoName,
        Self::NameTaken,
        Self::Foreign,
    ];

    /// The reason as a label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnescapedLabel => "unescaped_label",
            Self::NotUtf8 => "not_utf8",
            Self::ReservedLabel => "reserved_label",
            Self::LongLabel => "long_label",
            Self::NotANumber => "not_a_number",
            Self::ImpossibleValue => "impossible_value",
            Self::NoValue => "no_value",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::PageTooLarge => "page_too_large",
            Self::NoName => "no_name",
            Self::NameTaken => "name_taken",
            Self::Foreign => "foreign",
        }
    }
}

/// How often what was wrong with Spark's lines.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Repairs {
    counts: [u64; Reason::ALL.len()],
}

impl Repairs {
    /// How many lines had that wrong with them.
    #[must_use]
    pub const fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }

    /// Each reason with its count, zeros too.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.into_iter().map(|reason| (reason, self.count(reason)))
    }

    /// A line that is mended or left out.
    pub(crate) const fn add(&mut self, reason: Reason) {
        self.add_all(reason, 1);
    }

    /// So many of them.
    pub(crate) const fn add_all(&mut self, reason: Reason, count: u64) {
        self.counts[reason as usize] += count;
    }
}

impl AddAssign<&Self> for Repairs {
    fn add_assign(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_place_and_word() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            let same = Reason::ALL.iter().filter(|other| other.as_str() == reason.as_str());
            assert_eq!(same.count(), 1, "{}", reason.as_str());
        }
    }

    #[test]
    fn accounts_add_up() {
        let (mut first, mut second) = (Repairs::default(), Repairs::default());
        first.add(Reason::NoValue);
        second.add(Reason::NotUtf8);
        second.add(Reason::NotUtf8);
        first += &second;
        let there: Vec<_> = first.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(there, [(Reason::NotUtf8, 2), (Reason::NoValue, 1)]);
    }
}
