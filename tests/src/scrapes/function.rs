//! The sidecar's functions, from Spark's bytes to the text that Prometheus gets, with no process and
//! no socket around them. In pieces, as the sidecar reads and writes them.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use emberscope_sidecar::exposition::{Format, Page, PodLabels};
use emberscope_sidecar::scrape::{MergeOptions, MergedPage, Selection, Text};
use emberscope_sidecar::sources::spark::{Wanted, driver_page, executors_page};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::pages;

/// What arrives at once: the buffer of the connection to Spark.
const ARRIVES: usize = 64 * 1024;

/// What is written at once (`http/body.rs`).
const PIECE: usize = 32 * 1024;

/// One of Spark's pages, as bytes.
#[derive(Debug)]
pub struct Body {
    /// For the table.
    pub name: &'static str,
    /// What Spark sent.
    pub bytes: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Driver,
    Executors,
}

/// The pages that are measured, by name.
pub const NAMES: [&str; 6] = [
    "driver, Spark 3.5.6",
    "driver, Spark 4.3.0, all sources",
    "1 executor",
    "100 executors",
    "1,000 executors",
    "10,000 executors",
];

impl Body {
    /// The page of that name.
    pub fn find(root: &Path, name: &str) -> Result<Self> {
        let place = NAMES.iter().position(|known| *known == name);
        let place = place.with_context(|| format!("there is no page '{name}'"))?;
        let (kind, bytes) = match place {
            0 => (Kind::Driver, pages::driver(root, pages::DRIVER)?),
            1 => (Kind::Driver, pages::driver(root, pages::LONG_DRIVER)?),
            place => {
                let count = [1, 100, 1_000, 10_000][place - 2];
                (Kind::Executors, pages::executors(root, count)?)
            }
        };
        Ok(Self { name: NAMES[place], bytes, kind })
    }

    /// Reads it into families and samples.
    #[must_use]
    pub fn read(&self) -> Page {
        let mut page = Page::new();
        match self.kind {
            Kind::Driver => {
                driver_page::write(&self.bytes, &Wanted::default(), &mut page);
            }
            Kind::Executors => {
                let mut reader = executors_page::Reader::default();
                for piece in self.bytes.chunks(ARRIVES) {
                    reader.feed(piece, &mut page);
                }
                reader.finish(&mut page);
            }
        }
        page.drop_duplicates();
        page
    }

    /// Reads it and writes the answer; how many bytes that has.
    #[must_use]
    pub fn answer(&self, gzip: bool) -> usize {
        write(Arc::new(self.read()), gzip)
    }

    /// Answers again and again for about so long; what half of the answers took at most.
    #[must_use]
    pub fn median(&self, gzip: bool, long: Duration) -> Duration {
        let (mut times, start) = (Vec::new(), Instant::now());
        while start.elapsed() < long || times.len() < 5 {
            let began = Instant::now();
            std::hint::black_box(std::hint::black_box(self).answer(gzip));
            times.push(began.elapsed());
        }
        times.sort_unstable();
        times[times.len() / 2]
    }
}

/// Writes a page's text, and compresses it where that is wanted; how many bytes there are.
#[must_use]
pub fn write(page: Arc<Page>, gzip: bool) -> usize {
    let options = MergeOptions { pod_labels: PodLabels::default(), max_series: usize::MAX };
    let merged = Arc::new(MergedPage::new(vec![page], Arc::new(options)));
    let mut text = Text::new(merged, Selection::default(), Format::Text);
    let mut encoder = gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
    let mut length = 0;
    while !text.is_at_end() {
        let mut piece = Vec::with_capacity(PIECE + 512);
        text.write(PIECE, &mut piece);
        match &mut encoder {
            None => length += piece.len(),
            Some(encoder) => {
                // Writing into a `Vec` cannot fail.
                let _ = encoder.write_all(&piece);
                length += std::mem::take(encoder.get_mut()).len();
            }
        }
    }
    length + encoder.and_then(|encoder| encoder.finish().ok()).map_or(0, |rest| rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_answers_are_of_the_whole_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for name in &NAMES[..4] {
            let body = Body::find(&root, name).unwrap();
            let (plain, gzip) = (body.answer(false), body.answer(true));
            assert!(plain > 4_000 && (10..plain / 2).contains(&gzip), "{name}: {plain}, {gzip}");
        }
    }
}
