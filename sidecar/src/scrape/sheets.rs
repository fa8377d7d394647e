//! Several sources' pages as one text, which is written while it is sent: it never exists as a
//! whole, since with thousands of executors it is several times as large as what it is made of.

use std::collections::HashSet;
use std::sync::Arc;

use crate::exposition::{Page, PodLabels, encode};

/// What begins like this is the sidecar's own, whatever a source says.
const RESERVED: &str = "emberscope_";

/// The pages of one scrape, every family once.
#[derive(Debug)]
pub struct Sheets {
    pages: Vec<Arc<Page>>,
    /// The families that are served: number of the page, and of the family on it.
    families: Vec<(usize, usize)>,
    samples: usize,
    left_out: usize,
    /// What every sample of the pages carries.
    pod_labels: Arc<PodLabels>,
    /// The sidecar's own figures, in text format already.
    own: Vec<u8>,
}

impl Sheets {
    /// Merges the pages. A family belongs to the first page that has it: Prometheus wants a name's
    /// lines together, and sources do not share names unless something is wrong.
    #[must_use]
    pub fn merge(pages: Vec<Arc<Page>>, pod_labels: Arc<PodLabels>) -> Self {
        let (mut families, mut samples, mut left_out) = (Vec::new(), 0, 0);
        let mut taken: HashSet<&str> = HashSet::new();
        for (number, page) in pages.iter().enumerate() {
            for (index, family) in page.families().iter().enumerate() {
                if family.samples.is_empty() {
                    continue;
                }
                if family.name.starts_with(RESERVED) || !taken.insert(&family.name) {
                    left_out += family.samples.len();
                } else {
                    samples += family.samples.len();
                    families.push((number, index));
                }
            }
        }
        Self { pages, families, samples, left_out, pod_labels, own: Vec::new() }
    }

    /// How many samples are served.
    #[must_use]
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// How many samples are not, because another page has given their family already, or no page
    /// may.
    #[must_use]
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// Where the sidecar's own figures go, behind the pages.
    pub const fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }
}

/// A text on its way: how far it is written.
#[derive(Debug)]
pub struct Text {
    sheets: Arc<Sheets>,
    family: usize,
    sample: usize,
    own: usize,
}

impl Text {
    /// The whole text, from its beginning.
    #[must_use]
    pub const fn new(sheets: Arc<Sheets>) -> Self {
        Self { sheets, family: 0, sample: 0, own: 0 }
    }

    /// Whether all of it has been written.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.family == self.sheets.families.len() && self.own == self.sheets.own.len()
    }

    /// Writes the next lines: about so many bytes, or what is left.
    pub fn write(&mut self, about: usize, out: &mut Vec<u8>) {
        let Sheets { pages, families, own, pod_labels, .. } = &*self.sheets;
        while let Some(&(page, index)) = families.get(self.family) {
            let page = &pages[page];
            let family = &page.families()[index];
            for sample in &family.samples[self.sample..] {
                if out.len() >= about {
                    return;
                }
                // With its first sample, so that no header is written twice.
                if self.sample == 0 {
                    encode::header(family, out);
                }
                encode::sample(page, family, sample, pod_labels, out);
                self.sample += 1;
            }
            (self.family, self.sample) = (self.family + 1, 0);
        }
        let end = own.len().min(self.own + about.saturating_sub(out.len()));
        out.extend_from_slice(&own[self.own..end]);
        self.own = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(sheets: Sheets, about: usize) -> String {
        let mut text = Text::new(Arc::new(sheets));
        let mut whole = Vec::new();
        // Each piece has a line or a byte at least: a text that does not end fails, and ends here.
        for _ in 0..10_000 {
            if text.is_at_end() {
                return String::from_utf8(whole).unwrap();
            }
            let mut piece = Vec::new();
            text.write(about, &mut piece);
            whole.append(&mut piece);
        }
        panic!("no end in sight");
    }

    #[test]
    fn a_family_belongs_to_the_first_page_that_has_it_and_carries_the_pods_labels() {
        let (mut first, mut second) = (Page::new(), Page::new());
        first.gauge("spark_a", "A.", &[("kind", "jvm")], 1.0);
        second.gauge("spark_a", "Another.", &[], 2.0);
        second.gauge("emberscope_spark_ended", "Not yours.", &[], 3.0);
        second.gauge("spark_b", "B.", &[], 4.0);
        let (labels, _) = PodLabels::read(&["team=a".to_owned()]);
        let pages = vec![Arc::new(first), Arc::new(second)];
        let mut sheets = Sheets::merge(pages, Arc::new(labels));
        sheets.own().extend_from_slice(b"emberscope_x 1\n");
        assert_eq!((sheets.samples(), sheets.left_out()), (2, 2));
        let expected = "\
# HELP spark_a A.
# TYPE spark_a gauge
spark_a{kind=\"jvm\",team=\"a\"} 1
# HELP spark_b B.
# TYPE spark_b gauge
spark_b{team=\"a\"} 4
emberscope_x 1
";
        assert_eq!(text(sheets, 1000), expected);
    }

    proptest! {
        #[test]
        fn in_pieces_of_any_size_it_is_the_same_text(
            families in proptest::collection::vec(0usize..20, 0..8),
            own in "[a-z\n]{0,200}",
            about in 1usize..500,
        ) {
            let make = || {
                let mut page = Page::new();
                for (number, samples) in families.iter().enumerate() {
                    let family = page.family(format!("f{number}"), crate::exposition::Kind::Gauge, "F.");
                    for sample in 0..*samples {
                        let labels = page.labels(&[("n", &sample.to_string())]);
                        page.push(family, crate::exposition::Part::Value, labels, 0.5);
                    }
                }
                page
            };
            let mut whole = Vec::new();
            encode::text(&make(), &mut whole);
            whole.extend_from_slice(own.as_bytes());
            let mut sheets = Sheets::merge(vec![Arc::new(make())], Arc::default());
            sheets.own().extend_from_slice(own.as_bytes());
            prop_assert_eq!(text(sheets, about).into_bytes(), whole);
        }
    }
}
