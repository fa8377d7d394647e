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
    /// The value is `null`, a text or a collection: line left out.
    NotANumber,
    /// There is no value: line left out.
    NoValue,
    /// Not a sample at all: line left out.
    Malformed,
    /// Longer than any line of Spark's: left out.
    TooLong,
    /// One name or executor more than a page may hold: left out.
    TooMany,
    /// The name is taken by a family of another type: left out.
    NameTaken,
    /// A name that this page of Spark's does not have: left out.
    Foreign,
}

impl Reason {
    /// All reasons, for a metric that starts at zero for each.
    pub const ALL: [Self; 10] = [
        Self::UnescapedLabel,
        Self::NotUtf8,
        Self::ReservedLabel,
        Self::NotANumber,
        Self::NoValue,
        Self::Malformed,
        Self::TooLong,
        Self::TooMany,
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
            Self::NotANumber => "not_a_number",
            Self::NoValue => "no_value",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::NameTaken => "name_taken",
            Self::Foreign => "foreign",
        }
    }
}

/// Where the sample lines of one page went; each line counts once.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    /// On the page, mended or not.
    pub kept: u64,
    /// The same value as another line's: Spark prints each gauge as `_Number` and as `_Value`, and
    /// counts some events under an older name too.
    pub twins: u64,
    /// Left out on purpose: rates, mean, min, max, standard deviation, and a time of -1.
    pub by_rule: u64,
    /// Left out because it cannot be served.
    pub bad: u64,
}

/// How often what was wrong with Spark's lines, and where the lines went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Repairs {
    counts: [u64; Reason::ALL.len()],
    lines: Lines,
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

    /// How many repairs there were in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Where the lines went.
    #[must_use]
    pub const fn lines(&self) -> Lines {
        self.lines
    }

    pub(super) const fn kept(&mut self) {
        self.lines.kept += 1;
    }

    pub(super) const fn twin(&mut self) {
        self.lines.twins += 1;
    }

    pub(super) const fn by_rule(&mut self) {
        self.lines.by_rule += 1;
    }

    /// A line that is left out.
    pub(super) const fn bad(&mut self, reason: Reason) {
        self.counts[reason as usize] += 1;
        self.lines.bad += 1;
    }

    /// A line that is kept with a change.
    pub(super) const fn mended(&mut self, reason: Reason) {
        self.counts[reason as usize] += 1;
    }
}

impl AddAssign for Repairs {
    fn add_assign(&mut self, other: Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
        self.lines.kept += other.lines.kept;
        self.lines.twins += other.lines.twins;
        self.lines.by_rule += other.lines.by_rule;
        self.lines.bad += other.lines.bad;
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
        let mut first = Repairs::default();
        first.kept();
        first.bad(Reason::NoValue);
        let mut second = Repairs::default();
        second.mended(Reason::NotUtf8);
        second.twin();
        second.by_rule();
        first += second;
        assert_eq!((first.total(), first.count(Reason::NotUtf8)), (2, 1));
        assert_eq!(first.lines(), Lines { kept: 1, twins: 1, by_rule: 1, bad: 1 });
        assert_eq!(first.iter().filter(|(_, count)| *count > 0).count(), 2);
    }
}
