//! What each source gave last, which stands in for it once Spark has ended and not before: while
//! Spark runs, a figure that is not fresh is not served. A total that stood still before the end is
//! not served after it either.

use std::collections::HashMap;
use std::sync::Arc;

use crate::exposition::Page;
use crate::sources::Reading;

/// The last pages that showed Spark at work, by source.
#[derive(Debug, Default)]
pub(super) struct LastValues {
    pages: HashMap<&'static str, Arc<Page>>,
    /// The last ones under Spark's own names, where they are wanted.
    servlet: HashMap<&'static str, Arc<Page>>,
}

/// What of a source's last page stands in for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Nothing: Spark runs.
    Nothing,
    /// All of it.
    Everything,
    /// What was seen last of things that go up and down.
    AllButTotals,
}

impl LastValues {
    /// Keeps a page in the place of what the source gave last.
    pub(super) fn keep(&mut self, source: &'static str, page: Page) {
        self.pages.insert(source, Arc::new(page));
    }

    /// Adds what is to be served of a source that has given this, or nothing; what is worth it is
    /// kept for the end.
    pub(super) fn serve(
        &mut self,
        source: &'static str,
        reading: Option<&Reading>,
        keeps: Keeps,
        pages: &mut Vec<Arc<Page>>,
    ) {
        let ended = keeps != Keeps::Nothing;
        if let Some(servlet) = reading.and_then(|reading| reading.servlet.as_ref()) {
            self.servlet.insert(source, Arc::clone(servlet));
            pages.push(Arc::clone(servlet));
        } else if ended {
            pages.extend(self.servlet.get(source).cloned());
        }
        match reading {
            Some(reading) if reading.shows_spark => {
                self.pages.insert(source, Arc::clone(&reading.page));
                pages.push(Arc::clone(&reading.page));
            }
            // After the end a look at the processes works as before; it only finds nothing.
            Some(reading) if !ended || !self.pages.contains_key(source) => {
                pages.push(Arc::clone(&reading.page));
            }
            None if !ended => {}
            Some(_) | None => {
                if let Some(page) = self.pages.get_mut(source) {
                    if keeps == Keeps::AllButTotals && page.has_totals() {
                        Arc::make_mut(page).drop_totals();
                    }
                    pages.push(Arc::clone(page));
                }
            }
        }
    }
}
