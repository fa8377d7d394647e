//! Pages for tests.

use super::{Described, Page};

impl Page {
    /// Adds a gauge with one value.
    pub(crate) fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        self.put(&Described::gauge(name, &[], help), labels, value);
    }

    /// Adds a counter with one value.
    pub(crate) fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        self.put(&Described::counter(name, &[], help), labels, value);
    }
}
