//! Which attempts of stages are accounted for, each once.

use std::collections::{BTreeSet, VecDeque};

/// So many stages back it is remembered one by one; all before are accounted for. Spark keeps 1,000
/// unless it is told otherwise (`spark.ui.retainedStages`).
const STAGES: u32 = 1 << 17;

/// So many further attempts are remembered.
const RETRIES: usize = 4096;

const BITS: u32 = u64::BITS;

/// A bit for each stage: numbers are given in their order.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// In words of 64 stages: how many there are before the first that is kept.
    before: u32,
    words: VecDeque<u64>,
    retries: BTreeSet<(u32, u32)>,
}

impl Settled {
    /// Whether that attempt is accounted for.
    pub(super) fn contains(&self, stage: u32, attempt: u32) -> bool {
        let Some(word) = (stage / BITS).checked_sub(self.before) else { return true };
        if attempt > 0 {
            return self.retries.contains(&(stage, attempt));
        }
        self.words.get(word as usize).is_some_and(|bits| bits & (1 << (stage % BITS)) != 0)
    }

    /// That attempt is accounted for from now on.
    pub(super) fn insert(&mut self, stage: u32, attempt: u32) {
        let before = (stage / BITS).saturating_sub(STAGES / BITS - 1);
        if before > self.before {
            let gone = (before - self.before) as usize;
            self.words.drain(..gone.min(self.words.len()));
            self.before = before;
            self.retries = self.retries.split_off(&(before * BITS, 0));
        }
        let Some(word) = (stage / BITS).checked_sub(self.before) else { return };
        if attempt > 0 {
            self.retries.insert((stage, attempt));
            if self.retries.len() > RETRIES {
                self.retries.pop_first();
            }
            return;
        }
        let word = word as usize;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (stage % BITS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_is_remembered_by_itself() {
        let mut settled = Settled::default();
        for (stage, attempt) in [(0, 0), (63, 0), (64, 1), (1000, 0), (5, 2)] {
            assert!(!settled.contains(stage, attempt));
            settled.insert(stage, attempt);
            assert!(settled.contains(stage, attempt));
        }
        for (stage, attempt) in [(1, 0), (64, 0), (5, 1), (999, 0), (4_000_000_000, 0)] {
            assert!(!settled.contains(stage, attempt));
        }
    }

    #[test]
    fn the_memory_of_it_has_an_end() {
        let mut settled = Settled::default();
        for stage in (0..3_000_000).step_by(7).chain([u32::MAX, u32::MAX - 1]) {
            settled.insert(stage, 0);
            settled.insert(stage, 1);
        }
        assert!(
            settled.words.len() <= (STAGES / BITS) as usize && settled.retries.len() <= RETRIES
        );
        assert!(settled.contains(12, 0) && settled.contains(u32::MAX, 0));
        assert!(!settled.contains(u32::MAX - 7, 0));
    }
}
