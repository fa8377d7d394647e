//! What a stage is called, so that it is called the same in the next run.
//!
//! Spark names a stage after the place in the program that asked for it: `collect at job.py:14`. What
//! Python calls through Java's reflection has no such place, and everything is `parquet at
//! NativeMethodAccessorImpl.java:0`. There the method stands alone, with what tells its calls apart:
//!
//! | the stage is of | called |
//! |---|---|
//! | a streaming query with a name | `start: orders` |
//! | a job with a group (`setJobGroup`) | `parquet: nightly load` |
//! | anything else | `parquet #2`: the second query or job of that method, streaming queries by themselves |
//!
//! Groups that are made up for each run, as ids are, tell nothing and are passed over.

use std::collections::{BTreeMap, HashMap};

/// Longest name, in bytes.
pub(super) const MAX_NAME: usize = 80;

/// Of so many stages it is remembered which job they are of; Spark's answer has 1,000 unless it is told
/// otherwise.
const MAX_STAGES: usize = 4096;

/// So many methods and queries are counted.
const MAX_COUNTED: usize = 1024;

/// Files of the call sites that say nothing: how Java calls by reflection, on 8 to 25, and the threads
/// in which Spark's queries begin some of their jobs.
const NOWHERE: [&str; 7] = [
    "CompletableFuture.java",
    "FutureTask.java",
    "NativeMethodAccessorImpl.java",
    "DirectMethodHandleAccessor.java",
    "GeneratedMethodAccessor",
    "<unknown>",
    "null",
];

/// What the names of one application are made from.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By stage.
    tellers: BTreeMap<u32, Teller>,
    /// Of stages up to this one it is known which job they are of, where Spark still knows.
    known_up_to: Option<u32>,
    /// The first job that has no number yet.
    next_job: u32,
    /// How many jobs or queries there were of each method.
    counts: HashMap<Box<str>, u32>,
    /// The numbers of streaming queries without a name, by their ids.
    queries: HashMap<Box<str>, u32>,
}

/// What tells the stages of one call site apart.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Teller {
    Group(Box<str>),
    Number(u32),
}

/// A job, as far as names go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// Its number.
    pub(super) id: u32,
    /// Its call site.
    pub(super) call_site: Box<str>,
    /// The group that the program set.
    pub(super) group: Option<Box<str>>,
    /// Its stages.
    pub(super) stages: Vec<u32>,
}

/// Which name a stage has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// This one.
    As(String),
    /// It cannot be told before it is known which job the stage is of.
    NeedsJobs,
}

impl Names {
    /// The name of a stage with that call site and description (`spark.job.description`).
    pub(super) fn name(&mut self, stage: u32, call_site: &str, description: Option<&str>) -> Named {
        let Some(method) = method_from_nowhere(call_site) else {
            return Named::As(clean(call_site));
        };
        if let Some(query) = description.and_then(streaming_query) {
            return Named::As(match query {
                StreamingQuery::Named(name) => with_teller(method, name),
                StreamingQuery::Unnamed(id) => numbered(method, self.number_of_query(method, id)),
            });
        }
        match self.tellers.get(&stage) {
            Some(Teller::Group(group)) => Named::As(with_teller(method, group)),
            Some(Teller::Number(number)) => Named::As(numbered(method, *number)),
            None if self.known_up_to.is_none_or(|known| known < stage) => Named::NeedsJobs,
            None => Named::As(clean(method)),
        }
    }

    /// Spark has told its jobs, after it had told a stage with that number.
    pub(super) fn learn(&mut self, mut jobs: Vec<Job>, stage: u32) {
        jobs.sort_by_key(|job| job.id);
        let next_job = self.next_job;
        for job in jobs.into_iter().filter(|job| job.id >= next_job) {
            self.next_job = job.id.saturating_add(1);
            let Some(method) = method_from_nowhere(&job.call_site) else { continue };
            let group = job.group.filter(|group| !is_made_up(group));
            let teller = group.map_or_else(|| Teller::Number(self.count(method)), Teller::Group);
            for stage in job.stages {
                // A stage is of the first job that has it; others only use what it has done.
                self.tellers.entry(stage).or_insert_with(|| teller.clone());
            }
        }
        while self.tellers.len() > MAX_STAGES {
            self.tellers.pop_first();
        }
        self.known_up_to = self.known_up_to.max(Some(stage));
    }

    fn number_of_query(&mut self, method: &str, id: &str) -> u32 {
        if let Some(number) = self.queries.get(id) {
            return *number;
        }
        let number = self.count(&format!("{method} (streaming)"));
        if self.queries.len() < MAX_COUNTED {
            self.queries.insert(id.into(), number);
        }
        number
    }

    fn count(&mut self, what: &str) -> u32 {
        if let Some(count) = self.counts.get_mut(what) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.counts.len() < MAX_COUNTED {
            self.counts.insert(what.into(), 1);
        }
        1
    }
}

/// The method of a call site that tells nothing else.
fn method_from_nowhere(call_site: &str) -> Option<&str> {
    let (method, place) = call_site.rsplit_once(" at ")?;
    let method = within_anonymous(method);
    NOWHERE.iter().any(|file| place.starts_with(file)).then_some(method)
}

/// Scala calls a function within `x` something like `$anonfun$x$1`.
fn within_anonymous(method: &str) -> &str {
    let Some(rest) = method.strip_prefix("$anonfun$") else { return method };
    match rest.rsplit_once('$') {
        Some((name, number))
            if !name.is_empty() && number.bytes().all(|it| it.is_ascii_digit()) =>
        {
            name
        }
        _ => rest,
    }
}

/// A streaming query, as its stages' description tells it (`StreamExecution.getBatchDescriptionString`).
enum StreamingQuery<'a> {
    Named(&'a str),
    Unnamed(&'a str),
}

fn streaming_query(description: &str) -> Option<StreamingQuery<'_>> {
    let (before, rest) = description.split_once("id = ")?;
    let (id, rest) = rest.split_once('\n')?;
    rest.starts_with("runId = ").then_some(())?;
    let name = before.trim();
    Some(if name.is_empty() { StreamingQuery::Unnamed(id) } else { StreamingQuery::Named(name) })
}

/// Whether a description is that of a batch of a streaming query.
pub(super) fn is_streaming(description: &str) -> bool {
    streaming_query(description).is_some()
}

fn with_teller(method: &str, teller: &str) -> String {
    clean(&format!("{method}: {teller}"))
}

fn numbered(method: &str, number: u32) -> String {
    // The number stays, whatever is cut.
    format!("{} #{number}", cut(method, MAX_NAME - 12))
}

/// Whether a group has a UUID in it, or another long number: it is another one in the next run.
fn is_made_up(group: &str) -> bool {
    let words = group.split(|c: char| !c.is_ascii_alphanumeric());
    words.into_iter().any(|word| {
        let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        (word.len() >= 8 && is_hex && digits > 0) || digits >= 6
    })
}

/// A call site without the folders of its file, which may be others in the next run; on one line.
fn clean(call_site: &str) -> String {
    let on_one_line = call_site.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = on_one_line.filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let name = match name.rsplit_once(" at ") {
        None => shortened(&name),
        Some((method, place)) => {
            let file = place.rsplit_once('/').map_or(place, |(_, file)| file);
            // Where it is says more than what it is called.
            let room = MAX_NAME.saturating_sub(file.len() + " at ".len());
            match within_anonymous(method) {
                method if method.len() <= room => format!("{method} at {file}"),
                method if room > 3 => format!("{}… at {file}", cut(method, room - 3)),
                method => shortened(&format!("{method} at {file}")),
            }
        }
    };
    // The sum of those that have no name of their own is called so.
    if name == super::families::OTHER { format!("{name} ") } else { name }
}

fn shortened(text: &str) -> String {
    if text.len() <= MAX_NAME { text.to_owned() } else { format!("{}…", cut(text, MAX_NAME - 3)) }
}

fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFLECTED: &str = "parquet at NativeMethodAccessorImpl.java:0";

    fn job(id: u32, group: Option<&str>, stages: &[u32]) -> Job {
        let group = group.map(Into::into);
        Job { id, call_site: REFLECTED.into(), group, stages: stages.to_vec() }
    }

    #[test]
    fn a_call_site_is_a_name_without_its_folders() {
        let mut names = Names::default();
        for (call_site, name) in [
            ("collect at /tmp/spark-1f2e/job.py:14", "collect at job.py:14"),
            ("count at App.scala:33", "count at App.scala:33"),
            ("$anonfun$x$2\n at\tApp.scala:1", "x at App.scala:1"),
            ("other", "other "),
            ("", ""),
        ] {
            assert_eq!(names.name(3, call_site, None), Named::As(name.into()));
        }
    }

    #[test]
    fn a_long_name_is_cut_and_says_where_it_is() {
        for (call_site, end) in [
            (format!("{} at App.scala:33", "ü".repeat(200)), "… at App.scala:33"),
            (format!("x at {}", "y".repeat(200)), "…"),
            ("z".repeat(4000), "…"),
        ] {
            let name = clean(&call_site);
            assert!(name.len() <= MAX_NAME && name.ends_with(end), "{name}");
        }
    }

    #[test]
    fn what_python_calls_is_told_apart_by_query_group_or_number() {
        let mut names = Names::default();
        let start = "start at DirectMethodHandleAccessor.java:103";
        let description =
            |query: &str, id: &str| format!("{query}id = {id}\nrunId = 1fd2\nbatch = 2");
        for (query, id, name) in [
            ("orders-eu.v2\n", "a", "start: orders-eu.v2"),
            ("", "b", "start #1"),
            ("", "c", "start #2"),
            ("", "b", "start #1"),
        ] {
            let description = description(query, id);
            assert_eq!(names.name(9, start, Some(&description)), Named::As(name.into()));
        }
        assert_eq!(names.name(2, REFLECTED, Some("Loading orders")), Named::NeedsJobs);
        let made_up = "1fd282e5-1b02-43b3-a921-e0d3be10f1cd";
        let jobs = vec![
            job(2, Some(made_up), &[5, 6]),
            job(0, None, &[0, 1]),
            job(1, Some("load"), &[1, 2, 3]),
        ];
        names.learn(jobs, 6);
        for (stage, name) in [
            (0, "parquet #1"),
            (1, "parquet #1"),
            (2, "parquet: load"),
            (6, "parquet #2"),
            (4, "parquet"),
        ] {
            assert_eq!(names.name(stage, REFLECTED, None), Named::As(name.into()), "{stage}");
        }
        assert_eq!(names.name(7, REFLECTED, None), Named::NeedsJobs);
        // Jobs that are told again have their numbers.
        names.learn(vec![job(2, None, &[5, 6]), job(3, None, &[7])], 7);
        assert_eq!(names.name(7, REFLECTED, None), Named::As("parquet #3".into()));
    }

    #[test]
    fn a_group_that_is_made_up_for_a_run_is_told_from_one_that_is_not() {
        for group in [
            "1fd282e5-1b02-43b3-a921-e0d3be10f1cd",
            "load 20261128",
            "job_1732790000123",
            "0a1b2c3d4e5f",
        ] {
            assert!(is_made_up(group), "{group}");
        }
        for group in
            ["nightly load", "load-orders", "step 12", "2026", "facade", "deadbeef", "zeppelin"]
        {
            assert!(!is_made_up(group), "{group}");
        }
    }

    #[test]
    fn the_memory_of_jobs_has_an_end() {
        let mut names = Names::default();
        for id in 0..300 {
            let stages: Vec<u32> = (id * 100..id * 100 + 100).collect();
            names.learn(vec![job(id, None, &stages)], id * 100);
        }
        assert_eq!(names.tellers.len(), MAX_STAGES);
    }
}
