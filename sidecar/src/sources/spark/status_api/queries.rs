//! The queries that take or took longest.

use super::fields::Fields;
use super::names::is_streaming;
use crate::exposition::{Described, Page, Row};

/// The fields of a query that are read.
pub(super) const FIELDS: [&str; 7] =
    ["id", "status", "description", "duration", "runningJobIds", "successJobIds", "failedJobIds"];

/// So many are served.
const PLACES: usize = 10;

/// A query that runs is served from so many milliseconds on: most are over before anybody has looked, and
/// each would be a series.
const AT_WORK_MS: u64 = 10_000;

/// So many queries are asked for at once.
pub(super) const AT_ONCE: u32 = 256;

const LABELS: &[&str] = &["application_id", "query_id", "query"];

#[rustfmt::skip]
const OF_QUERY: [Row<Query>; 4] = [
    (Described::gauge("spark_sql_query_duration_seconds", LABELS, "How long the query has run, or ran; queries are told since Spark 3.1."),
        |query| Some(query.duration_ms as f64 / 1e3)),
    (Described::gauge("spark_sql_query_running", LABELS, "Whether the query runs (1)."),
        |query| Some(f64::from(u8::from(query.status == Status::Running)))),
    (Described::gauge("spark_sql_query_failed", LABELS, "Whether the query failed (1)."),
        |query| Some(f64::from(u8::from(query.status == Status::Failed)))),
    (Described::gauge("spark_sql_query_jobs", LABELS, "Jobs that the query has had."),
        |query| Some(query.jobs as f64)),
];

/// A query, as it was seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Query {
    id: u32,
    /// Tells those of one description from others, and not what it says: that may be anything.
    hash: u32,
    status: Status,
    duration_ms: u64,
    jobs: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Running,
    Failed,
    Completed,
}

/// The queries of an application.
#[derive(Debug, Default)]
pub(super) struct Queries {
    /// The longest, those that run first.
    longest: Vec<Query>,
    /// The place in Spark's list from which on some may not have ended.
    offset: u32,
    /// Where in the list the answer is that is being read.
    at: u32,
    /// The first place of it where a query runs.
    runs: Option<u32>,
}

impl Queries {
    /// From where on they are to be asked for.
    pub(super) const fn offset(&self) -> u32 {
        self.offset
    }

    /// Takes a query; nothing where it is none.
    pub(super) fn take(&mut self, fields: &Fields) -> Option<()> {
        let place = self.at;
        self.at = self.at.saturating_add(1);
        let (id, status) = (fields.id("id")?, fields.text("status")?);
        let status = match status {
            "RUNNING" => Status::Running,
            "FAILED" => Status::Failed,
            _ => Status::Completed,
        };
        if status == Status::Running {
            self.runs.get_or_insert(place);
        }
        self.longest.retain(|query| query.id != id);
        let description = fields.text("description").unwrap_or_default();
        let duration_ms = fields.count("duration").unwrap_or_default();
        // A streaming query is a query for each of its batches, and has figures of its own.
        if is_streaming(description) || (status == Status::Running && duration_ms < AT_WORK_MS) {
            return Some(());
        }
        let jobs = ["runningJobIds", "successJobIds", "failedJobIds"];
        let jobs = jobs.map(|name| fields.ids(name).count() as u64).iter().sum();
        self.longest.push(Query { id, hash: hash(description), status, duration_ms, jobs });
        self.longest.sort_by_key(|query| {
            (query.status != Status::Running, std::cmp::Reverse(query.duration_ms))
        });
        self.longest.truncate(PLACES);
        Some(())
    }

    /// The answer has ended.
    pub(super) fn ended(&mut self) {
        // Spark forgets its oldest queries, and those behind them move up.
        let is_lost = self.at == self.offset && self.offset > 0;
        self.offset = if is_lost { 0 } else { self.runs.unwrap_or(self.at) };
        self.begin();
    }

    /// The next answer begins.
    pub(super) const fn begin(&mut self) {
        self.at = self.offset;
        self.runs = None;
    }

    /// Writes them.
    pub(super) fn write(&self, application_id: &str, page: &mut Page) {
        for query in &self.longest {
            let (id, hash) = (query.id.to_string(), format!("{:08x}", query.hash));
            let labels =
                [("application_id", application_id), ("query_id", &*id), ("query", &*hash)];
            page.put_all(&OF_QUERY, &labels, query);
        }
    }

    /// The families, for documentation.
    pub(super) fn described() -> impl Iterator<Item = &'static Described> {
        OF_QUERY.iter().map(|(metric, _)| metric)
    }
}

/// FNV-1a, which is the same in every run.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(id: u32, status: &str, duration: u64, description: &str) -> Fields {
        let json = format!(
            r#"{{"id":{id},"status":"{status}","duration":{duration},"description":"{description}","successJobIds":[1,2]}}"#
        );
        Fields::parse(json.as_bytes()).unwrap()
    }

    fn ids(queries: &Queries) -> Vec<u32> {
        queries.longest.iter().map(|query| query.id).collect()
    }

    #[test]
    fn the_longest_are_served_and_those_that_run_first() {
        let mut queries = Queries::default();
        for id in 0..20 {
            queries.take(&query(id, "COMPLETED", u64::from(id) * 1000, "x")).unwrap();
        }
        queries.take(&query(20, "RUNNING", 10_500, "x")).unwrap();
        queries.take(&query(21, "RUNNING", 9_500, "x")).unwrap();
        queries
            .take(&query(22, "COMPLETED", 99_000, r"name\nid = 1\nrunId = 2\nbatch = 0"))
            .unwrap();
        assert_eq!(ids(&queries), [20, 19, 18, 17, 16, 15, 14, 13, 12, 11]);
    }

    #[test]
    fn those_that_have_ended_are_not_asked_for_again() {
        let mut queries = Queries::default();
        for (id, status) in [(0, "COMPLETED"), (1, "RUNNING"), (2, "COMPLETED")] {
            queries.take(&query(id, status, 50_000, "x")).unwrap();
        }
        queries.ended();
        assert_eq!(queries.offset(), 1);
        for (id, status) in [(1, "FAILED"), (2, "COMPLETED")] {
            queries.take(&query(id, status, 60_000, "x")).unwrap();
        }
        queries.ended();
        assert_eq!((queries.offset(), ids(&queries).len()), (3, 3));
        // Nothing there: there is nothing new, or Spark has forgotten some.
        queries.ended();
        assert_eq!(queries.offset(), 0);
    }

    #[test]
    fn a_description_is_told_from_others_and_not_told() {
        assert_eq!(hash("select * from patients"), hash("select * from patients"));
        assert_ne!(hash("a"), hash("b"));
        let mut queries = Queries::default();
        queries.take(&query(0, "COMPLETED", 1, "secret")).unwrap();
        let mut page = Page::new();
        queries.write("app-1", &mut page);
        let labels = page.label_text(page.families()[0].samples[0].labels);
        assert!(!labels.contains("secret") && labels.contains("query=\""), "{labels}");
    }
}
