//! Finding a metric in the catalog by what is left of its name on Spark's page.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Entry, Scope, entries};

/// A metric of the catalog, with its texts made once.
#[derive(Debug)]
pub(in crate::sources::spark) struct Known {
    pub(in crate::sources::spark) entry: &'static Entry,
    driver: String,
    executor: String,
    pub(in crate::sources::spark) help: String,
}

impl Known {
    /// The full name in that scope.
    pub(in crate::sources::spark) fn name(&self, scope: Scope) -> &str {
        match scope {
            Scope::Driver => &self.driver,
            Scope::Executor => &self.executor,
        }
    }
}

/// Metrics with a part that varies, by what is before it.
#[derive(Debug)]
struct Patterns {
    before: String,
    /// What is after the part, and the metric's place.
    after: Vec<(String, usize)>,
}

#[derive(Debug, Default)]
struct Index {
    known: Vec<Known>,
    exact: HashMap<String, usize>,
    patterns: Vec<Patterns>,
    sources: Vec<String>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for entry in entries() {
        let known = index.known.len();
        let key = format!("{}.{}", entry.source, entry.metric);
        if let Some((before, rest)) = key.split_once('<') {
            let after = rest.split_once('>').map_or("", |(_, after)| after);
            index.add_pattern(fold(before), fold(after), known);
        } else {
            index.exact.insert(fold(&key), known);
        }
        let source = fold(entry.source.split('<').next().unwrap_or_default().trim_end_matches('.'));
        if !source.is_empty() && !index.sources.contains(&source) {
            index.sources.push(source);
        }
        index.known.push(Known {
            entry,
            driver: Scope::Driver.name(entry.name),
            executor: Scope::Executor.name(entry.name),
            help: entry.help(),
        });
    }
    // Sources of users' own: their names are known, their metrics are not.
    index.sources.extend(["plugin", "AccumulatorSource"].map(str::to_owned));
    // The more of a name a pattern fixes, the sooner it is tried.
    index.patterns.sort_by_key(|patterns| std::cmp::Reverse(patterns.before.len()));
    index
});

impl Index {
    fn add_pattern(&mut self, before: String, after: String, known: usize) {
        match self.patterns.iter_mut().find(|patterns| patterns.before == before) {
            Some(patterns) => patterns.after.push((after, known)),
            None => self.patterns.push(Patterns { before, after: vec![(after, known)] }),
        }
    }
}

/// A name in which all but letters and digits is `_`, as on Spark's driver page
/// (`PrometheusServlet.normalizeKey`).
pub(in crate::sources::spark) fn fold(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect()
}

/// The metric of a folded `<source>_<metric>`, and the value of its label if it has one.
pub(in crate::sources::spark) fn find(key: &str) -> Option<(&'static Known, Option<String>)> {
    let index = &*INDEX;
    if let Some(known) = index.exact.get(key).and_then(|known| index.known.get(*known)) {
        return Some((known, None));
    }
    index.patterns.iter().find_map(|patterns| {
        let rest = key.strip_prefix(&*patterns.before)?;
        patterns.after.iter().find_map(|(after, known)| {
            let part = rest.strip_suffix(&**after).filter(|part| !part.is_empty())?;
            let known = index.known.get(*known)?;
            Some((known, known.entry.label.map(|label| label.value(part))))
        })
    })
}

/// Whether a folded key starts with a source of Spark's.
pub(in crate::sources::spark) fn is_source(key: &str) -> bool {
    INDEX.sources.iter().any(|source| {
        key.strip_prefix(&**source).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })
}
