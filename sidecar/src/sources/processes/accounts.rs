//! Counters that survive the processes they were read from, without counting anything twice.
//!
//! When a process waits for a child, the kernel adds the child's figures to its own: `cutime` and
//! `cstime` get the child's CPU time, `io` gets its bytes (`wait_task_zombie` in the kernel's
//! `kernel/exit.c`). So what a worker did since it was last seen, and all that a worker did that
//! was never seen, turns up at its daemon. What was already counted while the worker lived turns
//! up there as well, and has to be taken off again: that is what a [`Ledger`] is for.

use super::proc_root::StorageBytes;
use super::stat::Stat;

/// A figure that only grows and contains that of children which were waited for.
///
/// Relies on parents being read before their children: a child that could be read is not yet in
/// the figure of its parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// What was counted for this process.
    counted: u64,
    /// What had been counted for children before they ended, and is expected in the figure.
    children: u64,
}

/// All figures of one process that only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Accounts {
    /// Its own CPU time, in ticks.
    pub(super) cpu: Ledger,
    /// That of children it waited for.
    pub(super) reaped_cpu: Ledger,
    /// Bytes read from storage, children's included.
    pub(super) read: Ledger,
    /// Bytes written to storage, children's included.
    pub(super) written: Ledger,
}

impl Ledger {
    /// Gives up on what is overdue, before anything new is expected.
    ///
    /// A child may be gone a moment before its figures are seen at its parent, so they may be
    /// missing for one scan. If they are still missing in the next, someone else waited for the
    /// child, or nobody did.
    pub(super) fn forgive(&mut self, figure: u64) {
        let overdue = self.total().saturating_sub(figure);
        self.children = self.children.saturating_sub(overdue);
    }

    /// Expects an amount that was counted for a child.
    pub(super) fn expect(&mut self, amount: u64) {
        self.children = self.children.saturating_add(amount);
    }

    /// What has to be counted now that the figure stands where it stands.
    #[must_use]
    pub(super) fn advance(&mut self, figure: u64) -> u64 {
        let new = figure.saturating_sub(self.total());
        self.counted += new;
        new
    }

    /// All that was counted of what the figure contains.
    pub(super) const fn total(&self) -> u64 {
        self.counted.saturating_add(self.children)
    }
}

impl Accounts {
    /// Gives up on what is overdue; see [`Ledger::forgive`].
    pub(super) fn forgive(&mut self, stat: &Stat, storage_bytes: Option<StorageBytes>) {
        self.reaped_cpu.forgive(stat.reaped_cpu);
        let bytes = storage_bytes.unwrap_or_default();
        if let Some(read) = bytes.read {
            self.read.forgive(read);
        }
        if let Some(written) = bytes.written {
            self.written.forgive(written);
        }
    }

    /// Expects all that was counted for a child that ended, or for its children.
    pub(super) fn expect(&mut self, child: &Self) {
        self.reaped_cpu.expect(child.cpu.total().saturating_add(child.reaped_cpu.total()));
        self.read.expect(child.read.total());
        self.written.expect(child.written.total());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_a_childs_figure_only_what_was_not_seen_is_counted_at_its_parent() {
        let mut parent = Ledger::default();
        assert_eq!(parent.advance(5), 5);
        // A child was seen at 70, ended at 73.
        parent.forgive(78);
        parent.expect(70);
        assert_eq!(parent.advance(78), 3);
        assert_eq!(parent.advance(78), 0);
    }

    #[test]
    fn a_child_whose_figures_come_a_scan_late_is_not_counted_twice() {
        let mut parent = Ledger::default();
        parent.forgive(0);
        parent.expect(70);
        assert_eq!(parent.advance(0), 0);
        parent.forgive(73);
        assert_eq!(parent.advance(73), 3);
    }

    #[test]
    fn a_child_that_someone_else_waited_for_does_not_hide_later_ones() {
        let mut parent = Ledger::default();
        parent.expect(70);
        assert_eq!(parent.advance(0), 0);
        parent.forgive(0);
        assert_eq!(parent.advance(4), 4);
    }

    proptest! {
        /// A parent with children that come, work, are seen or not, and are waited for; each scan
        /// sees the parent first.
        #[test]
        fn the_counts_of_all_add_up_to_the_work_of_all(steps in proptest::collection::vec((0u64..50, 0u64..50, any::<bool>(), any::<bool>()), 1..60)) {
            let (mut ledger, mut child_ledger) = (Ledger::default(), None::<Ledger>);
            let (mut figure, mut child, mut worked, mut counted) = (0, 0, 0, 0);
            for (own, childs, ends, scanned) in steps {
                figure += own;
                child += childs;
                worked += own + childs;
                let ended = ends.then_some(child);
                if let Some(all) = ended {
                    figure += all;
                    child = 0;
                    if let Some(seen) = child_ledger.take() {
                        ledger.forgive(figure);
                        ledger.expect(seen.total());
                    }
                }
                if scanned {
                    counted += ledger.advance(figure);
                    counted += child_ledger.get_or_insert_default().advance(child);
                    prop_assert_eq!(counted, worked);
                }
                prop_assert!(counted <= worked);
            }
        }
    }
}
