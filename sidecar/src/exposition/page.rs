//! One page: its families, by name, and their samples.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{LabelSet, LabelSets};

/// What a family's values mean to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only goes up; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Quantiles with a count.
    Summary,
    /// Nobody said.
    Untyped,
}

impl Kind {
    /// The word of a `# TYPE` line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }
}

/// Which of a family's series a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The series that is called like the family; a summary's quantiles too.
    Value,
    /// A summary's `_count`.
    Count,
}

impl Part {
    /// What the part appends to the family's name.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Count => "_count",
        }
    }
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The labels, all but the ones that Prometheus adds.
    pub labels: LabelSet,
    /// Which of the family's series.
    pub part: Part,
    /// The value, in the family's base unit.
    pub value: f64,
}

/// All series of one name.
#[derive(Debug, Clone)]
pub struct Family {
    /// A valid metric name.
    pub name: Cow<'static, str>,
    /// One sentence.
    pub help: Cow<'static, str>,
    /// What the values mean.
    pub kind: Kind,
    /// The values, in the order of arrival until the page is finished.
    pub samples: Vec<Sample>,
}

/// Number of a family within one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyId(usize);

/// Everything that one scrape answers.
#[derive(Debug, Clone, Default)]
pub struct Page {
    families: Vec<Family>,
    by_name: HashMap<Cow<'static, str>, FamilyId>,
    labels: LabelSets,
    impossible: u64,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The family of that name; the first to name it decides type and help.
    ///
    /// A name that is none is repaired: what is not a letter, a digit, `_` or `:` becomes `_`.
    pub fn family(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        kind: Kind,
        help: impl Into<Cow<'static, str>>,
    ) -> FamilyId {
        let name = valid_name(name.into());
        if let Some(id) = self.by_name.get(&name) {
            return *id;
        }
        let id = FamilyId(self.families.len());
        self.by_name.insert(name.clone(), id);
        self.families.push(Family { name, help: help.into(), kind, samples: Vec::new() });
        id
    }

    /// The number of a label set, for samples that share it.
    pub fn labels(&mut self, labels: &[(&str, &str)]) -> LabelSet {
        self.labels.intern(labels)
    }

    /// The texts of all label sets.
    pub(super) fn label_texts(&self) -> impl Iterator<Item = &str> {
        self.labels.texts()
    }

    /// The text of a label set, between the braces.
    #[must_use]
    pub fn label_text(&self, set: LabelSet) -> &str {
        self.labels.text(set)
    }

    /// Adds one value to a family, unless such a family cannot have it: a counter is neither negative nor
    /// infinite and a number, a summary's count a whole one, and to `OpenMetrics` no quantile is negative.
    pub fn push(&mut self, family: FamilyId, part: Part, labels: LabelSet, value: f64) {
        let Some(family) = self.families.get_mut(family.0) else { return };
        let is_possible = match (family.kind, part) {
            (_, Part::Count) => value.is_finite() && value >= 0.0 && value.fract() == 0.0,
            (Kind::Counter, Part::Value) => value.is_finite() && value >= 0.0,
            (Kind::Summary, Part::Value) => value.is_nan() || value >= 0.0,
            (Kind::Gauge | Kind::Untyped, Part::Value) => true,
        };
        if is_possible {
            family.samples.push(Sample { labels, part, value });
        } else {
            self.impossible += 1;
        }
    }

    /// How many samples were left out because of their values.
    #[must_use]
    pub const fn impossible(&self) -> u64 {
        self.impossible
    }

    /// How many values of labels were cut.
    #[must_use]
    pub const fn cut_labels(&self) -> u64 {
        self.labels.cut()
    }

    /// Makes room for so many samples of a family at once: what grows by and by takes up to twice as
    /// much memory, and leaves holes in it.
    pub fn reserve(&mut self, family: FamilyId, samples: usize) {
        if let Some(family) = self.families.get_mut(family.0) {
            family.samples.reserve_exact(samples);
        }
    }

    /// How many samples the largest family has.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.families.iter().map(|family| family.samples.len()).max().unwrap_or(0)
    }

    /// Gives back the memory that only a page needs which is still being written. A page is kept
    /// until the next one is complete, so two of them are in memory. Nothing is to be added to it.
    pub fn close(&mut self) {
        for Family { samples, .. } in &mut self.families {
            // A little room more is not worth moving them.
            if samples.capacity() - samples.len() > samples.len() / 16 {
                samples.shrink_to_fit();
            }
        }
        self.labels.close();
    }

    /// Removes all but the last sample of each series; how many went is returned. Then the parts of
    /// each summary stand together.
    ///
    /// Prometheus refuses a page with two samples of one series, and `OpenMetrics` forbids that the
    /// metrics of a family are interleaved.
    pub fn drop_duplicates(&mut self) -> u64 {
        let dropped = self.drop_repeated();
        let labels = &self.labels;
        for family in self.families.iter_mut().filter(|family| family.kind == Kind::Summary) {
            family.samples.sort_by_cached_key(|one| {
                (without_quantile(labels.text(one.labels)), one.part, one.labels)
            });
        }
        dropped
    }

    fn drop_repeated(&mut self) -> u64 {
        let mut dropped = 0;
        for family in &mut self.families {
            let key = |sample: &Sample| (sample.labels, sample.part);
            if family.samples.is_sorted_by(|a, b| key(a) < key(b)) {
                continue;
            }
            let before = family.samples.len();
            // Stable, and reversed first: of equal keys the latest comes first and stays.
            family.samples.reverse();
            family.samples.sort_by_key(key);
            family.samples.dedup_by_key(|sample| key(sample));
            dropped += (before - family.samples.len()) as u64;
        }
        dropped
    }

    /// Whether there is a sample of a counter.
    #[must_use]
    pub fn has_totals(&self) -> bool {
        self.families.iter().any(|one| one.kind == Kind::Counter && !one.samples.is_empty())
    }

    /// Removes all samples of counters.
    pub fn drop_totals(&mut self) {
        for family in self.families.iter_mut().filter(|family| family.kind == Kind::Counter) {
            family.samples = Vec::new();
        }
    }

    /// The families, in the order in which they were first named.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Whether the page holds no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.families.iter().all(|family| family.samples.is_empty())
    }
}

/// What the labels of a summary's parts have in common. The quantile is the last of them.
fn without_quantile(labels: &str) -> String {
    let (common, _) = labels.split_once("quantile=\"").unwrap_or((labels, ""));
    common.trim_end_matches(',').to_owned()
}

/// A metric name as <https://prometheus.io/docs/concepts/data_model/> has it.
fn valid_name(name: Cow<'static, str>) -> Cow<'static, str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let starts_well = name.starts_with(|c: char| allowed(c) && !c.is_ascii_digit());
    if starts_well && name.chars().all(allowed) {
        return name;
    }
    let mut repaired = String::with_capacity(name.len() + 1);
    if !starts_well {
        repaired.push('_');
    }
    repaired.extend(name.chars().map(|c| if allowed(c) { c } else { '_' }));
    Cow::Owned(repaired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_samples_of_one_series_the_later_stays() {
        let mut page = Page::new();
        page.gauge("a", "A.", &[("x", "1")], 1.0);
        page.gauge("a", "A.", &[("x", "2")], 2.0);
        page.gauge("a", "A.", &[("x", "1")], 3.0);
        assert_eq!(page.drop_duplicates(), 1);
        let values: Vec<f64> = page.families()[0].samples.iter().map(|s| s.value).collect();
        assert_eq!(values, [3.0, 2.0]);
    }

    #[test]
    fn what_counts_takes_nothing_but_counts() {
        let mut page = Page::new();
        let (counter, gauge) =
            (page.family("a_total", Kind::Counter, "A."), page.family("b", Kind::Gauge, "B."));
        let summary = page.family("c_seconds", Kind::Summary, "C.");
        let labels = page.labels(&[]);
        for value in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1.5, 1e18] {
            page.push(counter, Part::Value, labels, value);
            page.push(gauge, Part::Value, labels, value);
            page.push(summary, Part::Count, labels, value);
            page.push(summary, Part::Value, labels, value);
        }
        let kept = page.families().iter().map(|family| family.samples.len());
        assert_eq!(kept.collect::<Vec<_>>(), [3, 7, 2 + 5]);
        assert_eq!(page.impossible(), 4 + 5 + 2);
    }

    #[test]
    fn the_parts_of_a_summary_stand_together() {
        let mut page = Page::new();
        let family = page.family("a_seconds", Kind::Summary, "A.");
        for queue in ["x", "y"] {
            let labels = page.labels(&[("queue", queue)]);
            page.push(family, Part::Count, labels, 1.0);
        }
        for queue in ["y", "x"] {
            for quantile in ["0.5", "0.99"] {
                let labels = page.labels(&[("queue", queue), ("quantile", quantile)]);
                page.push(family, Part::Value, labels, 1.0);
            }
        }
        page.drop_duplicates();
        let family = &page.families()[0];
        let queues: Vec<String> = family
            .samples
            .iter()
            .map(|one| without_quantile(page.label_text(one.labels)))
            .collect();
        assert_eq!(queues, [["queue=\"x\""; 3], ["queue=\"y\""; 3]].concat());
    }

    #[test]
    fn a_closed_page_takes_no_more_than_it_needs() {
        let mut page = Page::new();
        let family = page.family("a", Kind::Gauge, "A.");
        page.reserve(family, 1000);
        for number in 0..100 {
            let labels = page.labels(&[("x", &number.to_string())]);
            page.push(family, Part::Value, labels, 1.0);
        }
        page.close();
        assert!(page.families()[0].samples.capacity() <= 106);
        let last = page.families()[0].samples[99].labels;
        assert_eq!(page.label_text(last), "x=\"99\"");
    }

    #[test]
    fn a_name_that_is_none_is_repaired() {
        for (given, valid) in [("ok_1", "ok_1"), ("9a", "_9a"), ("a-b.c", "a_b_c"), ("", "_")] {
            assert_eq!(valid_name(Cow::Owned(given.into())), valid);
        }
    }
}
