//! What the metrics of one process are served as: family, type, unit and labels of each.
//!
//! The driver page and each pushing process are a registry of Dropwizard's (`MetricRegistry`). What
//! the catalog knows goes by it, the rest by a general rule.

use std::borrow::Cow;
use std::collections::HashMap;

use super::catalog::{self, Found, Label, Metric, MetricType, Unit};
use super::names::{Field, MetricField, fold};
use super::{Reason, Repairs};
use crate::args::{Profile, Role};
use crate::exposition::{Family, FamilyId, Kind, LabelSet, MAX_VALUE, Page, Part};

/// How many names that the catalog does not know one page may bring in. Metrics of users' own are
/// a few dozen; whoever has ids in their names would fill Prometheus with them.
const MAX_UNKNOWN: usize = 512;

/// Longest name, in Spark's words or in ours: it is the value of the label `__name__`. Spark's
/// longest, a listener's class in it, have about 150 bytes.
const MAX_NAME: usize = MAX_VALUE;

/// Writes one process' metrics into a page.
#[derive(Debug)]
pub(super) struct Registry<'a> {
    page: &'a mut Page,
    of: Role,
    /// The unit of timers' durations: the driver page has ns, `GraphiteSink` ms.
    durations: Unit,
    profile: Profile,
    /// The families of what the catalog knows, by its metrics.
    known: Vec<Option<Result<FamilyId, Reason>>>,
    /// Those of what it does not know, and of what Dropwizard derives; users may have given a gauge
    /// and a histogram names that are one here.
    others: HashMap<Cow<'static, str>, (Kind, Result<FamilyId, Reason>)>,
    unknown: usize,
    labels: SeriesLabels<'a>,
    /// Values under an older name, for the case that there are none under the newer one.
    older: Vec<(Found<'static>, Field, f64)>,
    repairs: Repairs,
}

/// What a metric is served as.
#[derive(Debug)]
struct Served<'a> {
    /// Its place in the catalog, if it is there.
    index: Option<usize>,
    name: Cow<'static, str>,
    help: Cow<'static, str>,
    kind: Kind,
    unit: Unit,
    label: Option<(Label, &'a str)>,
}

impl<'a> Registry<'a> {
    /// The registry of a process whose samples all have these labels.
    pub(super) fn new(
        page: &'a mut Page,
        of: Role,
        labels: &'a [(&'static str, &'a str)],
        durations: Unit,
        profile: Profile,
    ) -> Self {
        Self {
            page,
            of,
            durations,
            profile,
            known: vec![None; catalog::metrics().count()],
            others: HashMap::new(),
            unknown: 0,
            labels: SeriesLabels { common: labels, ..SeriesLabels::default() },
            older: Vec::new(),
            repairs: Repairs::default(),
        }
    }

    /// A line that brought no value.
    pub(super) fn bad(&mut self, reason: Reason) {
        self.repairs.add(reason);
    }

    /// Writes one value.
    pub(super) fn put(&mut self, name: MetricField<'_>, value: f64) {
        match name.field {
            Field::Twin => return,
            Field::Statistic(_) | Field::Rate(_) if self.profile == Profile::Standard => return,
            _ if !name.is_consistent() => return self.bad(Reason::Malformed),
            _ => {}
        }
        match catalog::find(name.key).filter(|found| suits(found.metric, name.of)) {
            Some(found) if found.metric.older_name => {
                self.older.push((Found { part: "", ..found }, name.field, value));
            }
            Some(found) => self.sample(&self.known(found), name.field, value),
            None if name.key.len() > MAX_NAME => self.bad(Reason::TooLong),
            None => match self.unknown(name) {
                Ok(served) => self.sample(&served, name.field, value),
                Err(reason) => self.bad(reason),
            },
        }
    }

    /// Writes what had to wait for the other lines, and tells what was wrong with them all.
    pub(super) fn finish(mut self) -> Repairs {
        for (older, field, value) in std::mem::take(&mut self.older) {
            let name = older.metric.name(self.of);
            let same = |other: &Metric| !other.older_name && other.name(self.of) == name;
            let newer = catalog::metrics().position(same);
            if newer.is_none_or(|newer| self.known[newer].is_none()) {
                self.sample(&self.known(older), field, value);
            }
        }
        self.repairs
    }

    fn known<'n>(&self, Found { index, metric, part }: Found<'n>) -> Served<'n> {
        let unit = match metric.metric_type {
            MetricType::Timer => self.durations,
            _ => metric.unit,
        };
        Served {
            index: Some(index),
            name: metric.name(self.of).into(),
            help: metric.help.into(),
            kind: metric.kind,
            unit,
            label: metric.label.map(|label| (label, part)),
        }
    }

    /// By the general rule: the source's and the metric's own words.
    ///
    /// A counter that may go down is no counter to Prometheus, which would take each step down for a
    /// new start; Prometheus' own bridge from Dropwizard has it as a gauge too
    /// (`io.prometheus.metrics.instrumentation.dropwizard`).
    fn unknown(
        &self,
        MetricField { key, of, .. }: MetricField<'_>,
    ) -> Result<Served<'static>, Reason> {
        let words = snake_case(key);
        if words.is_empty() {
            return Err(Reason::NoName);
        }
        let (name, kind, unit) = match of {
            // A summary has series of its own that end in _count and _sum.
            MetricType::Timer => {
                (format!("{}_seconds", plain(words)), Kind::Summary, self.durations)
            }
            MetricType::Histogram => (plain(words), Kind::Summary, Unit::Base),
            MetricType::Meter => {
                let base = words.strip_suffix("_total").unwrap_or(&words);
                (format!("{base}_total"), Kind::Counter, Unit::Base)
            }
            MetricType::Counter | MetricType::Gauge => (plain(words), Kind::Gauge, Unit::Base),
        };
        let name = match self.of {
            Role::Driver => format!("spark_driver_{name}"),
            // Not named twice there, as in the catalog.
            Role::Executor => {
                format!("spark_executor_{}", name.strip_prefix("executor_").unwrap_or(&name))
            }
        };
        if name.len() > MAX_NAME {
            return Err(Reason::TooLong);
        }
        let key = fold(key);
        let which = if of == MetricType::Counter { ", a count that may go down" } else { "" };
        let help =
            format!("Spark's {key}{which}, which the catalog of this exporter does not know.");
        Ok(Served { index: None, name: name.into(), help: help.into(), kind, unit, label: None })
    }

    fn sample(&mut self, metric: &Served<'_>, field: Field, value: f64) {
        let (kind, unit, part) = match field {
            Field::Statistic(_) => (Kind::Gauge, metric.unit, Part::Value),
            Field::Rate(_) => (Kind::Gauge, Unit::Base, Part::Value),
            // A summary's count has no unit; a counter's may.
            Field::Count if metric.kind == Kind::Summary => (metric.kind, Unit::Base, Part::Count),
            _ => (metric.kind, metric.unit, Part::Value),
        };
        // A negative time is none, but for what counts: there it is a fault, which the page tells.
        let counts = kind == Kind::Counter || part == Part::Count;
        if unit.is_time() && value < 0.0 && !counts {
            return;
        }
        let value = unit.convert(value);
        let family = match self.family(metric, field, kind) {
            Ok(family) => family,
            Err(reason) => return self.bad(reason),
        };
        let last = match field {
            Field::Quantile(quantile) => Some(("quantile", quantile)),
            Field::Rate(window) => Some(("window", window)),
            _ => None,
        };
        let labels = self.labels.find(metric.label, last, self.page);
        self.page.push(family, part, labels, value);
    }

    /// The family of a field of that metric; a reason where there can be none.
    fn family(
        &mut self,
        metric: &Served<'_>,
        field: Field,
        kind: Kind,
    ) -> Result<FamilyId, Reason> {
        let derived = derived(metric, field);
        let index = metric.index.filter(|_| derived.is_none());
        if let Some(family) = index.and_then(|index| self.known[index]) {
            return family;
        }
        let (name, help) = derived.unwrap_or_else(|| (metric.name.clone(), metric.help.clone()));
        if let Some((first, family)) = self.others.get(&name) {
            return if *first == kind { *family } else { Err(Reason::NameTaken) };
        }
        if metric.index.is_none() {
            if self.unknown == MAX_UNKNOWN {
                return Err(Reason::TooMany);
            }
            self.unknown += 1;
        }
        let family = add(self.page, name.clone(), kind, help);
        match index {
            Some(index) => self.known[index] = Some(family),
            None => drop(self.others.insert(name, (kind, family))),
        }
        family
    }
}

/// Adds the family to the page, unless it is there already and of another kind: another source's, or
/// another process'.
pub(super) fn add(
    page: &mut Page,
    name: impl Into<Cow<'static, str>>,
    kind: Kind,
    help: impl Into<Cow<'static, str>>,
) -> Result<FamilyId, Reason> {
    let (name, before) = (name.into(), page.families().len());
    let family = page.family(name.clone(), kind, help);
    let is_new = page.families().len() > before;
    let is_other = |there: &Family| there.name == name && there.kind != kind;
    if !is_new && page.families().iter().any(is_other) {
        return Err(Reason::NameTaken);
    }
    Ok(family)
}

/// Whether a value of that type can be one of that metric's: users may call theirs like Spark's.
const fn suits(metric: &Metric, of: MetricType) -> bool {
    let distribution = matches!(of, MetricType::Histogram | MetricType::Timer);
    matches!(metric.kind, Kind::Summary) == distribution
}

/// Name and help of a family of what Dropwizard derives: statistics of the last observations, and
/// rates.
///
/// Prometheus works rates out itself, and cannot add a mean to another; so these are served with
/// `--profile=full` only (<https://prometheus.io/docs/instrumenting/writing_exporters/#drop-less-useful-statistics>).
fn derived(
    Served { name, help, .. }: &Served<'_>,
    field: Field,
) -> Option<(Cow<'static, str>, Cow<'static, str>)> {
    let (name, help) = match field {
        Field::Statistic(statistic) => {
            let words = match statistic {
                "max" => "the greatest",
                "min" => "the least",
                "mean" => "the mean",
                _ => "the standard deviation",
            };
            let help = format!("{help} Here {words} of the last observations.");
            (format!("{name}_{statistic}"), help)
        }
        Field::Rate(_) => {
            let events = name.strip_suffix("_total").unwrap_or(name);
            let help = format!("{help} Here how many of them per second, as Spark has it.");
            (format!("{events}_events_per_second"), help)
        }
        Field::Value | Field::Twin | Field::Count | Field::Quantile(_) => return None,
    };
    Some((name.into(), help.into()))
}

/// A label's name and value.
type LastLabel = Option<(&'static str, &'static str)>;

/// The label sets of samples. Nearly each has been there before, and to make its text again would
/// cost as much as all else that is done with a line.
#[derive(Debug, Default)]
struct SeriesLabels<'a> {
    /// What all samples have.
    common: &'a [(&'static str, &'a str)],
    /// The sets of samples that have nothing but a quantile or a window beside.
    plain: Vec<(LastLabel, LabelSet)>,
    /// What the last sample with a label of its own had: a pool's or a queue's lines follow each other.
    own: Option<OwnLabel>,
    /// Which part of a name each value was made of.
    parts: HashMap<(Label, String), String>,
    /// The sets of samples with that label.
    with_own: Vec<(LastLabel, LabelSet)>,
}

/// A label that is a part of a name.
#[derive(Debug)]
struct OwnLabel {
    label: Label,
    part: String,
    value: String,
}

impl SeriesLabels<'_> {
    fn find(&mut self, own: Option<(Label, &str)>, last: LastLabel, page: &mut Page) -> LabelSet {
        if let Some((label, part)) = own
            && self.own.as_ref().is_none_or(|it| (it.label, &*it.part) != (label, part))
        {
            let value = self.value(label, part);
            self.own = Some(OwnLabel { label, part: part.to_owned(), value });
            self.with_own.clear();
        }
        let sets = if own.is_some() { &mut self.with_own } else { &mut self.plain };
        if let Some((_, set)) = sets.iter().find(|(other, _)| *other == last) {
            return *set;
        }
        let own = own.and(self.own.as_ref()).map(|it| (it.label.name(), &*it.value));
        let labels: Vec<_> = self.common.iter().copied().chain(own).chain(last).collect();
        let set = page.labels(&labels);
        sets.push((last, set));
        set
    }

    /// What the driver page would have; and the part as it is where another one has that value
    /// already: to that page `orders-eu` and `orders.eu` are one query.
    fn value(&mut self, label: Label, part: &str) -> String {
        let value = label_value(label, part);
        let first = self.parts.entry((label, value.to_string()));
        let first = first.or_insert_with(|| part.to_owned());
        if *first == part { value.into_owned() } else { part.to_owned() }
    }
}

/// A label's value, from the part of a name that it is.
///
/// On the driver page all but letters and digits is `_`, and so it is here for a push too. What was
/// there is put back where it can be told: JVM names have spaces, query ids hyphens, and classes dots
/// (one with an underscore gets a dot too many).
fn label_value(label: Label, part: &str) -> Cow<'_, str> {
    let part = fold(part);
    match label {
        Label::Listener => part.replace('_', ".").into(),
        Label::Query if is_uuid(&part) => part.replace('_', "-").into(),
        Label::Queue | Label::Query | Label::Scheme => part,
        Label::Pool | Label::Collector => match JVM_NAMES.into_iter().find(|it| fold(it) == part) {
            Some(name) => name.into(),
            None => part.trim_matches('_').replace('_', " ").into(),
        },
    }
}

/// Names of memory pools (`MemoryPoolMXBean`) that have more in them than letters and spaces.
const JVM_NAMES: [&str; 3] =
    ["CodeHeap 'non-nmethods'", "CodeHeap 'non-profiled nmethods'", "CodeHeap 'profiled nmethods'"];

/// Whether the part is a UUID: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_')
        && part.split('_').map(str::len).eq([8, 4, 4, 4, 12])
}

/// Spark's `<source>_<metric>` in snake case, as part of a metric name.
///
/// Characters that are not ASCII are spelled as their code points, and so are the signs of a part
/// that has nothing else: what stays different is another metric, and what has words has a name.
fn snake_case(key: &str) -> String {
    let chars = spelled(key);
    let mut words = String::with_capacity(key.len() + 8);
    for (index, char) in chars.iter().enumerate() {
        if !char.is_ascii_alphanumeric() {
            if !words.is_empty() && !words.ends_with('_') {
                words.push('_');
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| chars.get(before));
        let after = chars.get(index + 1);
        // A word starts at `aB` and at the second of `ABc`.
        let starts = char.is_ascii_uppercase()
            && (before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                || (before.is_some_and(char::is_ascii_uppercase)
                    && after.is_some_and(char::is_ascii_lowercase)));
        if starts {
            words.push('_');
        }
        words.push(char.to_ascii_lowercase());
    }
    words.truncate(words.trim_end_matches('_').len());
    words
}

/// The key in letters, digits and what separates them: `größe` is `gr_u00f6_u00df_e`.
fn spelled(key: &str) -> Vec<char> {
    if key.is_ascii() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return key.chars().collect();
    }
    let mut chars = Vec::with_capacity(key.len() + 8);
    for part in key.split_inclusive('.') {
        let has_words = part.chars().any(|char| char.is_ascii_alphanumeric() || !char.is_ascii());
        for char in part.chars() {
            let stays = char.is_ascii_alphanumeric() || matches!(char, '_' | '.');
            if stays || (char.is_ascii() && has_words) {
                chars.push(char);
            } else {
                chars.extend(format!("_u{:04x}_", u32::from(char)).chars());
            }
        }
    }
    chars
}

/// A gauge's name without the endings that mean something on other types
/// (<https://prometheus.io/docs/practices/naming/>).
fn plain(mut words: String) -> String {
    let reserved = ["_total", "_count", "_sum", "_bucket", "_info", "_created"];
    if reserved.iter().any(|ending| words.ends_with(ending)) {
        words.push_str("_value");
    }
    words
}

#[cfg(test)]
mod tests;
