//! Several sources' pages as one text, which is written while it is sent: it never exists as a
//! whole, since with thousands of executors it is several times as large as what it is made of.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use crate::exposition::{Declared, Format, Page, PodLabels, SeriesNames, encode};

/// What begins like this is the sidecar's own, whatever a source says.
const RESERVED: &str = "emberscope_";

/// What goes for all pages but the sidecar's own.
#[derive(Debug)]
pub struct MergeOptions {
    /// What every sample carries.
    pub pod_labels: PodLabels,
    /// Most samples of a text.
    pub max_series: usize,
}

/// A family, and how many of its samples are served, from the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    page: usize,
    family: usize,
    samples: usize,
    declared: Declared,
}

/// The pages of one scrape, every family once.
#[derive(Debug)]
pub struct MergedPage {
    pages: Vec<Arc<Page>>,
    /// The families that are served.
    families: Vec<Shown>,
    left_out: u64,
    options: Arc<MergeOptions>,
    /// The number of the page with the sidecar's own figures, once it is there.
    own: Option<usize>,
}

impl MergedPage {
    /// Merges the pages. A name belongs to the first family that takes it: Prometheus wants a name's
    /// lines together, and sources do not share names unless something is wrong.
    #[must_use]
    pub fn new(pages: Vec<Arc<Page>>, options: Arc<MergeOptions>) -> Self {
        let (mut families, mut left_out) = (Vec::new(), 0);
        let mut names = SeriesNames::default();
        for (number, page) in pages.iter().enumerate() {
            for (index, family) in page.families().iter().enumerate() {
                if family.samples.is_empty() {
                    continue;
                }
                if family.name.starts_with(RESERVED) || !names.take(family) {
                    left_out += family.samples.len() as u64;
                } else {
                    let samples = family.samples.len();
                    let declared = Declared::AsItIs;
                    families.push(Shown { page: number, family: index, samples, declared });
                }
            }
        }
        let most = each(families.iter().map(|shown| shown.samples), options.max_series);
        for shown in &mut families {
            shown.samples = shown.samples.min(most);
            shown.declared = names.declare(&pages[shown.page].families()[shown.family]);
        }
        drop(names);
        Self { pages, families, left_out, options, own: None }
    }

    /// How many samples are served, the sidecar's own aside.
    #[must_use]
    pub fn samples(&self) -> usize {
        let shown = self.families.iter().filter(|shown| Some(shown.page) != self.own);
        shown.map(|shown| shown.samples).sum()
    }

    /// The families of which not all samples are served because there are too many in all, and how
    /// many are not.
    pub fn cut(&self) -> impl Iterator<Item = (&str, usize)> {
        self.families.iter().filter_map(|shown| {
            let family = &self.pages[shown.page].families()[shown.family];
            let cut = family.samples.len() - shown.samples;
            (cut > 0).then_some((&*family.name, cut))
        })
    }

    /// How many samples are not, because another page has given their family already, or no page
    /// may.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The page that takes the most memory.
    #[must_use]
    pub fn largest(&self) -> Weak<Page> {
        let samples = |page: &&Arc<Page>| page.families().iter().map(|it| it.samples.len()).sum();
        self.pages.iter().max_by_key::<usize, _>(samples).map_or_else(Weak::new, Arc::downgrade)
    }

    /// Puts the sidecar's own figures behind the others.
    pub fn add_own(&mut self, page: Page) {
        let number = self.pages.len();
        let families = page.families().iter().enumerate();
        self.families.extend(families.filter(|(_, family)| !family.samples.is_empty()).map(
            |(index, family)| Shown {
                page: number,
                family: index,
                samples: family.samples.len(),
                declared: Declared::AsItIs,
            },
        ));
        self.pages.push(Arc::new(page));
        self.own = Some(number);
    }
}

/// How many samples each family may have, so that all have no more than `most` together. Small
/// families stay whole; of large ones, which have a sample for each executor, the same executors
/// stay in all of them.
fn each(families: impl Iterator<Item = usize>, most: usize) -> usize {
    let mut sizes: Vec<usize> = families.collect();
    if sizes.iter().sum::<usize>() <= most {
        return usize::MAX;
    }
    sizes.sort_unstable();
    let mut left = most;
    for (place, size) in sizes.iter().enumerate() {
        let share = left / (sizes.len() - place);
        if *size > share {
            return share;
        }
        left -= size;
    }
    usize::MAX
}

/// Which families a client wants: all, or those with these names (`name[]` of the query).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(Option<HashSet<String>>);

impl Selection {
    /// The names in a query; without any, all families.
    #[must_use]
    pub fn of_query(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let names = pairs.filter(|(key, _)| key == "name[]").map(|(_, name)| name.into_owned());
        let names: HashSet<String> = names.collect();
        Self((!names.is_empty()).then_some(names))
    }

    /// Whether nothing is left out.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    fn has(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.contains(name))
    }
}

/// A text on its way: how far it is written.
#[derive(Debug)]
pub struct Text {
    merged: Arc<MergedPage>,
    selection: Selection,
    format: Format,
    family: usize,
    sample: usize,
    ended: bool,
}

impl Text {
    /// The whole text of the families that are selected, from its beginning.
    #[must_use]
    pub const fn new(merged: Arc<MergedPage>, selection: Selection, format: Format) -> Self {
        Self { merged, selection, format, family: 0, sample: 0, ended: false }
    }

    /// Whether all of it has been written.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.ended
    }

    /// Writes the next lines: about so many bytes, or what is left.
    pub fn write(&mut self, about: usize, out: &mut Vec<u8>) {
        let MergedPage { pages, families, own, options, .. } = &*self.merged;
        let no_labels = PodLabels::default();
        while let Some(shown) = families.get(self.family) {
            let page = &pages[shown.page];
            let family = &page.families()[shown.family];
            let labels = if *own == Some(shown.page) { &no_labels } else { &options.pod_labels };
            let wanted = if self.selection.has(&family.name) {
                &family.samples[..shown.samples]
            } else {
                &[]
            };
            for sample in wanted.iter().skip(self.sample) {
                if out.len() >= about {
                    return;
                }
                // With its first sample, so that no header is written twice.
                if self.sample == 0 {
                    encode::header(family, self.format, shown.declared, out);
                }
                encode::sample(page, family, sample, labels, out);
                self.sample += 1;
            }
            (self.family, self.sample) = (self.family + 1, 0);
        }
        out.extend_from_slice(self.format.end().as_bytes());
        self.ended = true;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn options(pod_labels: PodLabels, max_series: usize) -> Arc<MergeOptions> {
        Arc::new(MergeOptions { pod_labels, max_series })
    }

    fn text(merged: MergedPage, about: usize) -> String {
        let mut text = Text::new(Arc::new(merged), Selection::default(), Format::Text);
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
        let (labels, _) = PodLabels::read(&["team=a".to_owned()], &BTreeSet::new());
        let pages = vec![Arc::new(first), Arc::new(second)];
        let mut merged = MergedPage::new(pages, options(labels, usize::MAX));
        let mut own = Page::new();
        own.gauge("emberscope_x", "X.", &[], 1.0);
        merged.add_own(own);
        assert_eq!((merged.samples(), merged.left_out()), (2, 2));
        let expected = "\
# HELP spark_a A.
# TYPE spark_a gauge
spark_a{kind=\"jvm\",team=\"a\"} 1
# HELP spark_b B.
# TYPE spark_b gauge
spark_b{team=\"a\"} 4
# HELP emberscope_x X.
# TYPE emberscope_x gauge
emberscope_x 1
";
        assert_eq!(text(merged, 1000), expected);
    }

    #[test]
    fn only_what_is_asked_for_is_written_and_the_end_is_said_all_the_same() {
        let mut page = Page::new();
        page.gauge("spark_a", "A.", &[], 1.0);
        page.counter("spark_b_total", "B.", &[], 2.0);
        let merged = Arc::new(MergedPage::new(
            vec![Arc::new(page)],
            options(PodLabels::default(), usize::MAX),
        ));
        let selection = Selection::of_query(Some("name[]=spark_b_total&x=y&name%5B%5D=none"));
        assert!(!selection.is_everything());
        assert!(Selection::of_query(Some("x=y")).is_everything());
        let mut text = Text::new(merged, selection, Format::OpenMetrics);
        let mut out = Vec::new();
        text.write(1000, &mut out);
        assert!(text.is_at_end());
        let expected = "# HELP spark_b B.\n# TYPE spark_b counter\nspark_b_total 2\n# EOF\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn of_too_many_series_each_metric_keeps_its_first_ones() {
        let mut page = Page::new();
        page.gauge("spark_small", "Small.", &[], 1.0);
        for name in ["spark_a", "spark_b"] {
            for executor in 0..10 {
                let labels = [("executor_id", &*executor.to_string())];
                page.gauge(name, "One for each.", &labels, 1.0);
            }
        }
        let merged = MergedPage::new(vec![Arc::new(page)], options(PodLabels::default(), 8));
        assert_eq!(merged.samples(), 7);
        assert_eq!(merged.cut().collect::<Vec<_>>(), [("spark_a", 7), ("spark_b", 7)]);
        let text = text(merged, 1000);
        assert!(
            text.contains("spark_small 1\n") && text.contains("spark_a{executor_id=\"2\"} 1\n")
        );
        assert!(!text.contains("executor_id=\"3\""), "{text}");
    }

    proptest! {
        #[test]
        fn the_limit_is_kept_and_used(sizes in proptest::collection::vec(0usize..50, 1..20), most in 0usize..300) {
            let each = each(sizes.iter().copied(), most);
            let shown = |each: usize| sizes.iter().map(|size| (*size).min(each)).sum::<usize>();
            prop_assert!(shown(each) <= most);
            // One more for each would be too many, or there is no more.
            prop_assert!(each == usize::MAX || shown(each + 1) > most);
        }

        #[test]
        fn in_pieces_of_any_size_it_is_the_same_text(
            families in proptest::collection::vec(0usize..20, 0..8),
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
            let merged = MergedPage::new(vec![Arc::new(make())], options(PodLabels::default(), usize::MAX));
            prop_assert_eq!(text(merged, about).into_bytes(), whole);
        }
    }
}
