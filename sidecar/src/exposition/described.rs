//! What is said of a metric before there is a value: by the page, and by the documentation.

use super::{Kind, Page, Part};

/// One metric: its name, type, labels and HELP text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// The name; counters end in `_total`.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

/// A metric, and its value of a `T` where there is one.
pub type Row<T> = (Described, fn(&T) -> Option<f64>);

impl Described {
    /// A gauge.
    #[must_use]
    pub const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Gauge, labels, help }
    }

    /// A counter.
    #[must_use]
    pub const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }
}

impl Page {
    /// A page with these families and no sample, for documentation; the names of their labels are
    /// there, too.
    #[must_use]
    pub fn of_described<'a>(metrics: impl IntoIterator<Item = &'a Described>) -> Self {
        let mut page = Self::new();
        for metric in metrics {
            page.family(metric.name, metric.kind, metric.help);
            page.document_labels(metric.labels);
        }
        page
    }

    /// Adds what each of these metrics has for a value, where it has anything.
    pub fn put_all<T>(&mut self, table: &[Row<T>], labels: &[(&str, &str)], of: &T) {
        for (metric, value) in table {
            if let Some(value) = value(of) {
                self.put(metric, labels, value);
            }
        }
    }

    /// Tells the names of labels that samples of a page without samples would have.
    pub fn document_labels(&mut self, names: &[&str]) {
        for name in names {
            self.labels(&[(name, "")]);
        }
    }

    /// The names of the labels that a page for documentation tells.
    pub fn documented_labels(&self) -> impl Iterator<Item = &str> {
        self.label_texts().filter_map(|text| text.split_once('=')).map(|(name, _)| name)
    }

    /// Adds one value of a metric.
    pub fn put(&mut self, metric: &Described, labels: &[(&str, &str)], value: f64) {
        let family = self.family(metric.name, metric.kind, metric.help);
        let labels = self.labels(labels);
        self.push(family, Part::Value, labels, value);
    }
}
