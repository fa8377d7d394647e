//! When Spark reported, by which the last report shows: it comes before it is due.

use std::time::{Duration, Instant};

/// The last reports.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// The newest first.
    times: [Option<Instant>; 3],
}

impl Reports {
    /// A connection has ended; the last line of any was read then.
    pub(super) fn ended(&mut self, last_line: Option<Instant>) {
        if last_line.is_some() && last_line != self.times[0] {
            let [first, second, _] = self.times;
            self.times = [last_line, first, second];
        }
    }

    /// When the last report came, unless it was the one that was due. Of the first two nobody knows
    /// when they were.
    pub(super) fn not_due(&self) -> Option<Instant> {
        let [last, before, first] = self.times;
        let period = before.zip(first).map(|(before, first)| before.duration_since(first));
        let waited = last.zip(before).map(|(last, before)| last.duration_since(before));
        let was_due = |period: Duration| waited.is_some_and(|waited| waited >= period * 3 / 4);
        last.filter(|_| !period.is_some_and(was_due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_comes_before_it_is_due_is_the_last() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut reports = Reports::default();
        reports.ended(None);
        assert_eq!(reports.not_due(), None);
        for (second, not_due) in
            [(10, true), (20, true), (30, false), (40, false), (43, true), (53, false)]
        {
            reports.ended(Some(at(second)));
            // Somebody connects and says nothing.
            reports.ended(Some(at(second)));
            assert_eq!(reports.not_due(), not_due.then_some(at(second)), "{second}");
        }
    }
}
