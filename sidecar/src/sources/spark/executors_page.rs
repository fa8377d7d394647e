//! Spark's executors page, `/metrics/executors/prometheus/`: names unchanged, types added.
//!
//! `org.apache.spark.status.api.v1.PrometheusResource` prints `spark_info` and, for the driver and
//! each executor that is alive, about 40 lines with the labels `application_id`,
//! `application_name` and `executor_id`. The names are good and dashboards know them; missing are
//! HELP and TYPE, and the escapes of an application's name.

mod families;

pub use families::documented;

use super::text::{Line, Lines, MAX_LINE, labels};
use super::{Reason, Repairs, registry};
use crate::exposition::{FamilyId, LabelSet, Page, Part};

/// The labels of an executor's lines, in Spark's order.
const LABELS: [&str; 3] = ["application_id", "application_name", "executor_id"];

/// Those of `spark_info`.
const INFO_LABELS: [&str; 2] = ["version", "revision"];

/// How many names a page may have; Spark 4.3 has 42.
const MAX_NAMES: usize = 256;

/// Room is made for so many executors at most before they are there.
const MAX_EXPECTED: usize = 20_000;

/// Reads an executors page while it arrives, so that it need not be held: with 10,000 executors it
/// has 52 MB.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a line whose end has not arrived.
    begun: Vec<u8>,
    /// Whether that line is too long and its end is to be skipped.
    skips: bool,
    families: Families,
    labels: LastLabels,
    repairs: Repairs,
}

impl Reader {
    /// A reader of a page that has about so many executors.
    #[must_use]
    pub fn expecting(executors: usize) -> Self {
        let families = Families { room: executors.min(MAX_EXPECTED), ..Families::default() };
        Self { families, ..Self::default() }
    }

    /// Writes the lines that `chunk` completes into `page`; always the same page.
    pub fn feed(&mut self, chunk: &[u8], page: &mut Page) {
        let mut chunk = chunk;
        if self.skips {
            let Some(end) = memchr::memchr(b'\n', chunk) else {
                return;
            };
            chunk = &chunk[end + 1..];
            self.skips = false;
        }
        if self.begun.is_empty() {
            let rest = self.read(Lines::beginning(chunk), page);
            self.begun.extend_from_slice(&chunk[chunk.len() - rest..]);
        } else {
            let mut text = std::mem::take(&mut self.begun);
            text.extend_from_slice(chunk);
            let rest = self.read(Lines::beginning(&text), page);
            text.drain(..text.len() - rest);
            self.begun = text;
        }
        if self.begun.len() > MAX_LINE && !self.begun.contains(&b'\n') {
            self.repairs.add(Reason::TooLong);
            self.begun = Vec::new();
            self.skips = true;
        }
    }

    /// Writes the last line, if it had no end, and tells what was wrong with them all.
    pub fn finish(mut self, page: &mut Page) -> Repairs {
        let text = std::mem::take(&mut self.begun);
        self.read(Lines::new(&text), page);
        self.repairs
    }

    /// Tells what was wrong with the lines of a page that was not read to its end, where it may have
    /// stopped within a line.
    #[must_use]
    pub fn cut(mut self) -> Repairs {
        self.repairs.add(Reason::PageTooLarge);
        self.repairs
    }

    /// Writes the samples; how many bytes are left over is returned.
    fn read(&mut self, mut samples: Lines<'_>, page: &mut Page) -> usize {
        for sample in samples.by_ref() {
            match sample {
                Ok(sample) => self.sample(&sample, page),
                Err(reason) => self.repairs.add(reason),
            }
        }
        samples.remainder().len()
    }

    fn sample(&mut self, sample: &Line<'_>, page: &mut Page) {
        let family = match self.families.find(sample.name, page) {
            Ok(family) => family,
            Err(reason) => return self.repairs.add(reason),
        };
        match self.labels.find(sample.labels, page) {
            None => self.repairs.add(Reason::Malformed),
            Some((labels, mended)) => {
                page.push(family, Part::Value, labels, sample.value);
                if let Some(reason) = mended {
                    self.repairs.add(reason);
                }
            }
        }
    }
}

/// The longest name; Spark's longest has 50 characters.
const MAX_NAME: usize = 256;

/// The most bytes of labels on one page: those of 10,000 executors are about 1 MiB, and a page that
/// is not Spark's must not take the sidecar's memory.
const MAX_LABELS: usize = 6 << 20;

/// The families of one page.
///
/// Spark prints the same names in the same order for each executor: the one that is looked for is
/// nearly always the one after the last.
#[derive(Debug, Default)]
struct Families {
    seen: Vec<(Box<str>, Result<FamilyId, Reason>)>,
    next: usize,
    /// How many samples each is going to have, as far as that is known.
    room: usize,
}

impl Families {
    fn find(&mut self, name: &str, page: &mut Page) -> Result<FamilyId, Reason> {
        if name.len() > MAX_NAME {
            return Err(Reason::TooLong);
        }
        let (done, ahead) = self.seen.split_at(self.next.min(self.seen.len()));
        let places = (done.len()..self.seen.len()).zip(ahead).chain((0..).zip(done));
        for (place, (seen, family)) in places {
            if **seen == *name {
                let family = *family;
                self.next = place + 1;
                return family;
            }
        }
        if self.seen.len() == MAX_NAMES {
            return Err(Reason::TooMany);
        }
        let family = match families::find(name) {
            Some((name, kind, help)) => registry::add(page, name, kind, help),
            None => Err(Reason::Foreign),
        };
        if let Ok(family) = family {
            page.reserve(family, self.room);
        }
        self.seen.push((name.into(), family));
        self.next = self.seen.len();
        family
    }
}

/// The labels of the sample before: an executor's lines follow each other and share theirs.
#[derive(Debug, Default)]
struct LastLabels {
    /// What was between the braces.
    block: Vec<u8>,
    set: Option<Mended>,
    /// Size of all sets so far.
    bytes: usize,
}

/// A label set, and what had to be mended in it.
type Mended = (LabelSet, Option<Reason>);

impl LastLabels {
    /// The label set of what is between a sample's braces; nothing where those are no labels.
    fn find(&mut self, block: &[u8], page: &mut Page) -> Option<Mended> {
        if self.set.is_none() || self.block != block {
            self.set = if self.bytes > MAX_LABELS { None } else { label_set(block, page) };
            // A long name is cut: what was between the braces does not count.
            self.bytes += self.set.map_or(0, |(set, _)| page.label_text(set).len());
            self.block.clear();
            self.block.extend_from_slice(block);
        }
        self.set
    }
}

fn label_set(block: &[u8], page: &mut Page) -> Option<Mended> {
    let labels = labels(block, &LABELS)?;
    let mut mended = labels.mended;
    let mut kept: Vec<(&str, &str)> = Vec::with_capacity(labels.pairs.len());
    for (name, value) in &labels.pairs {
        let twice = kept.iter().any(|(other, _)| other == name);
        // Others, of some builds, may be the target's or the pod's too.
        let known = LABELS.iter().chain(&INFO_LABELS).any(|known| known == name);
        if twice || !known {
            mended = mended.or(Some(Reason::ReservedLabel));
        } else {
            kept.push((name, value));
        }
    }
    Some((page.labels(&kept), mended))
}

#[cfg(test)]
mod tests;
