//! Which names of series a page's families take, so that no two of them meet.
//!
//! A family takes its own name and those that its type adds: a summary `x` takes `x_count` and `x_sum`,
//! in either format; to `OpenMetrics` it takes `x_created` too, and the counter `x_total` takes `x` and
//! `x_created`
//! (<https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#suffixes>).
//! Spark's users call their metrics what they like.

use std::collections::HashSet;

use super::{Family, Kind};

/// What a family is declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// As what it is.
    AsItIs,
    /// As unknown to `OpenMetrics`, which knows no counter `x_total` beside another family `x`.
    Unknown,
}

/// The names that are taken. Each name is kept as what it is without a suffix, and the suffix.
#[derive(Debug, Default)]
pub struct SeriesNames<'a> {
    taken: HashSet<(&'a str, Suffix)>,
    /// Whether there is a name in `_created`, which hardly anybody has.
    any_created: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Suffix {
    None,
    Total,
    Count,
    Sum,
    Created,
}

fn split(name: &str) -> (&str, Suffix) {
    let suffixes = [
        ("_total", Suffix::Total),
        ("_count", Suffix::Count),
        ("_sum", Suffix::Sum),
        ("_created", Suffix::Created),
    ];
    let found = suffixes.iter().find_map(|(end, suffix)| Some((name.strip_suffix(end)?, *suffix)));
    found.unwrap_or((name, Suffix::None))
}

impl<'a> SeriesNames<'a> {
    /// Takes the names of the family's samples; whether they were free. The first family that comes
    /// has them.
    pub fn take(&mut self, family: &'a Family) -> bool {
        let own = split(&family.name);
        let parts = [Suffix::Count, Suffix::Sum, Suffix::Created].map(|it| (&*family.name, it));
        let parts = if family.kind == Kind::Summary { &parts[..] } else { &[] };
        if self.taken.contains(&own) || parts.iter().any(|part| self.taken.contains(part)) {
            return false;
        }
        self.any_created |= family.name.ends_with("_created")
            || (family.kind == Kind::Counter && family.name.ends_with("_created_total"));
        self.taken.insert(own);
        self.taken.extend(parts);
        true
    }

    /// How the family can be declared, once all have taken theirs.
    pub fn declare(&mut self, family: &'a Family) -> Declared {
        let (Kind::Counter, (base, Suffix::Total)) = (family.kind, split(&family.name)) else {
            return Declared::AsItIs;
        };
        let (own, created) = (split(base), (base, Suffix::Created));
        if self.taken.contains(&own) || (self.any_created && self.taken.contains(&created)) {
            return Declared::Unknown;
        }
        if self.any_created {
            self.taken.extend([own, created]);
        }
        Declared::AsItIs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Page;

    /// Which of these families are served, and how the counters among them are declared.
    fn declared(families: &[(&'static str, Kind)]) -> Vec<(String, Declared)> {
        let mut page = Page::new();
        for (name, kind) in families {
            page.family(*name, *kind, "F.");
        }
        let mut names = SeriesNames::default();
        let served: Vec<_> = page.families().iter().filter(|it| names.take(it)).collect();
        served.into_iter().map(|it| (it.name.to_string(), names.declare(it))).collect()
    }

    #[test]
    fn a_counter_beside_a_family_of_its_name_is_unknown_whichever_comes_first() {
        use Declared::{AsItIs, Unknown};
        use Kind::{Counter, Gauge, Summary};
        for (others, expected) in [
            (&[("y", Gauge)][..], AsItIs),
            (&[("x", Gauge)], Unknown),
            (&[("x", Summary)], Unknown),
            (&[("x_created", Gauge)], Unknown),
            (&[("x_total_total", Counter), ("x_count", Gauge)], AsItIs),
        ] {
            let counter = ("x_total", Counter);
            for families in [[others, &[counter]].concat(), [&[counter], others].concat()] {
                let served = declared(&families);
                assert_eq!(served.len(), families.len(), "{families:?}");
                assert!(served.contains(&("x_total".to_owned(), expected)), "{served:?}");
            }
        }
        // Of two counters that would both take x_created, the first is one.
        let served = declared(&[("x_total", Counter), ("x_created_total", Counter)]);
        assert_eq!(served.iter().map(|it| it.1).collect::<Vec<_>>(), [AsItIs, Unknown]);
        let served = declared(&[("x", Summary), ("x_count_total", Counter)]);
        assert_eq!(served[1].1, Unknown);
    }

    #[test]
    fn what_is_called_like_a_summarys_part_is_left_out_and_so_is_the_summary_that_comes_later() {
        for part in ["x_count", "x_sum", "x_created"] {
            for families in [
                [("x", Kind::Summary), (part, Kind::Gauge)],
                [(part, Kind::Gauge), ("x", Kind::Summary)],
            ] {
                let served = declared(&families);
                assert_eq!(served, [(families[0].0.to_owned(), Declared::AsItIs)]);
            }
        }
    }
}
