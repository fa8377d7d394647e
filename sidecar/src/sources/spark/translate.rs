//! From Spark's metrics to families: the name, type, unit and labels of each reading.

mod derived;
mod words;

use std::borrow::Cow;
use std::collections::HashMap;

use super::catalog::{self, Entry, Known, Label, Scope, Shape, Unit};
use super::dropwizard::Field;
use super::{Reason, Repairs};
use crate::args::Profile;
use crate::exposition::{FamilyId, Kind, Page, Part};
use derived::Named;

/// How many names that the catalog does not know one page may bring in. Metrics of users' own are
/// a few dozen; whoever has ids in their names would fill Prometheus with them.
const MAX_UNKNOWN: usize = 512;

/// Longest name; Spark's longest, a listener's class in it, have about 150 bytes.
const MAX_NAME: usize = 512;

/// One value of a metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) shape: Shape,
    pub(super) field: Field,
    pub(super) value: f64,
}

impl Reading {
    /// Whether a metric of that type has such a field.
    fn is_consistent(self) -> bool {
        matches!(
            (self.shape, self.field),
            (Shape::Gauge, Field::Value)
                | (Shape::Counter, Field::Count | Field::Rate(_))
                | (
                    Shape::Histogram | Shape::Timer,
                    Field::Count | Field::Quantile(_) | Field::Statistic(_) | Field::Rate(_)
                )
        )
    }
}

/// Writes one process' readings into a page.
#[derive(Debug)]
pub(super) struct Translator<'a> {
    page: &'a mut Page,
    scope: Scope,
    /// The labels that every sample has.
    labels: Vec<(&'static str, &'a str)>,
    /// The unit of timers' durations: the driver page has ns, `GraphiteSink` ms.
    durations: Unit,
    profile: Profile,
    families: HashMap<Cow<'static, str>, (FamilyId, Kind)>,
    unknown: usize,
    /// Counts under an older name, for the case that there are none under the newer one.
    older: Vec<(&'static Known, Reading)>,
    repairs: Repairs,
}

impl<'a> Translator<'a> {
    pub(super) fn new(
        page: &'a mut Page,
        scope: Scope,
        labels: Vec<(&'static str, &'a str)>,
        durations: Unit,
    ) -> Self {
        let (families, older) = (HashMap::new(), Vec::new());
        Self {
            page,
            scope,
            labels,
            durations,
            profile: Profile::default(),
            families,
            unknown: 0,
            older,
            repairs: Repairs::default(),
        }
    }

    /// How much of each metric is wanted; the standard, unless it is said.
    pub(super) const fn profile(&mut self, profile: Profile) {
        self.profile = profile;
    }

    /// A line that brought no reading.
    pub(super) fn bad(&mut self, reason: Reason) {
        self.repairs.add(reason);
    }

    /// Writes one reading of the metric with that folded `<source>_<metric>`.
    pub(super) fn put(&mut self, key: &str, reading: Reading) {
        match reading.field {
            Field::Twin => return,
            Field::Statistic(_) | Field::Rate(_) if self.profile == Profile::Standard => return,
            _ if !reading.is_consistent() => return self.repairs.add(Reason::Malformed),
            _ => {}
        }
        match catalog::find(key).filter(|(known, _)| suits(known.entry, reading)) {
            Some((known, _)) if known.entry.older_name => self.older.push((known, reading)),
            Some((known, part)) => self.put_known(known, part.as_deref(), reading),
            None => self.put_unknown(key, reading),
        }
    }

    /// Writes what had to wait for the other lines, and tells what was wrong with them all.
    pub(super) fn finish(mut self) -> Repairs {
        for (known, reading) in std::mem::take(&mut self.older) {
            if !self.families.contains_key(known.name(self.scope)) {
                self.put_known(known, None, reading);
            }
        }
        self.repairs
    }

    fn put_known(&mut self, known: &'static Known, part: Option<&str>, reading: Reading) {
        let entry = known.entry;
        let (name, help) = (known.name(self.scope), known.help.as_str());
        let unit = match entry.shape {
            Shape::Timer => self.durations,
            _ => entry.unit,
        };
        let label = entry.label.map(Label::name).zip(part);
        let family = Named { name: name.into(), help: help.into(), kind: entry.kind, unit };
        self.sample(family.of(reading.field), label, reading);
    }

    /// By the general rule: the source's and the metric's own words.
    fn put_unknown(&mut self, key: &str, reading: Reading) {
        if key.len() > MAX_NAME {
            return self.repairs.add(Reason::TooLong);
        }
        let words = words::snake_case(key);
        let (name, kind, unit) = match (reading.shape, reading.field) {
            // A summary has series of its own that end in _count and _sum.
            (Shape::Timer, _) => {
                (format!("{}_seconds", words::plain(words)), Kind::Summary, self.durations)
            }
            (Shape::Histogram, _) => (words::plain(words), Kind::Summary, Unit::Base),
            (_, Field::Count | Field::Rate(_)) => {
                let base = words.strip_suffix("_total").unwrap_or(&words);
                (format!("{base}_total"), Kind::Counter, Unit::Base)
            }
            _ => (words::plain(words), Kind::Gauge, Unit::Base),
        };
        let name = self.scope.name(&name);
        if !self.families.contains_key(name.as_str()) {
            if self.unknown == MAX_UNKNOWN {
                return self.repairs.add(Reason::TooMany);
            }
            self.unknown += 1;
        }
        let help = format!("Spark's {key}, which the catalog of this exporter does not know.");
        let family = Named { name: name.into(), help: help.into(), kind, unit };
        self.sample(family.of(reading.field), None, reading);
    }

    fn sample(
        &mut self,
        Named { name, help, kind, unit }: Named,
        label: Option<(&'static str, &str)>,
        reading: Reading,
    ) {
        let part = match (kind, reading.field) {
            (Kind::Summary, Field::Count) => Part::Count,
            _ => Part::Value,
        };
        // A summary's count has no unit; a counter's may.
        let unit = if part == Part::Count { Unit::Base } else { unit };
        let Some(value) = unit.convert(reading.value) else {
            return;
        };
        if kind == Kind::Counter && !(value.is_finite() && value >= 0.0) {
            return self.repairs.add(Reason::NotANumber);
        }
        let Some(family) = self.family(name, help, kind) else {
            return self.repairs.add(Reason::NameTaken);
        };
        let quantile = match reading.field {
            Field::Quantile(quantile) => Some(("quantile", quantile)),
            Field::Rate(window) => Some((derived::WINDOW, window)),
            _ => None,
        };
        let common = self.labels.len();
        let mut labels: Vec<(&str, &str)> = Vec::with_capacity(common + 2);
        labels.extend(self.labels.iter().copied().chain(label).chain(quantile));
        let labels = self.page.labels(&labels);
        self.page.push(family, part, labels, value);
    }

    /// The family of that name, unless it is there already and of another kind.
    fn family(
        &mut self,
        name: Cow<'static, str>,
        help: Cow<'static, str>,
        kind: Kind,
    ) -> Option<FamilyId> {
        if let Some((family, there)) = self.families.get(&name) {
            return (*there == kind).then_some(*family);
        }
        let before = self.page.families().len();
        let family = self.page.family(name.clone(), kind, help);
        let mut there = kind;
        if self.page.families().len() == before {
            // Another source's, or this one's in an earlier push.
            let other = self.page.families().iter().find(|other| other.name == name);
            there = other.map_or(kind, |other| other.kind);
        }
        self.families.insert(name, (family, there));
        (there == kind).then_some(family)
    }
}

/// Whether a reading can be one of that metric's: users may call theirs like Spark's.
fn suits(entry: &Entry, reading: Reading) -> bool {
    let distribution = matches!(reading.shape, Shape::Histogram | Shape::Timer);
    (entry.kind == Kind::Summary) == distribution
}
