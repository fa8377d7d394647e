//! What real Spark answered, and what nobody would: it becomes a valid page.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::account::Account;
use super::figures::Figures;
use super::plan::{Next, Question};
use crate::exposition::{Page, encode};
use crate::sources::Reason;
use crate::sources::spark::client::Extent;
use crate::sources::spark::tests::{checker, promtool};

macro_rules! captured {
    ($version:literal, $what:literal) => {
        include_str!(concat!(
            "../../../../tests/fixtures/status-api/spark-",
            $version,
            "-",
            $what,
            ".json"
        ))
    };
}

/// What a Spark answered.
struct Captured {
    applications: &'static str,
    stages: &'static str,
    jobs: &'static str,
    executors: &'static str,
    environment: &'static str,
    summary: &'static str,
}

macro_rules! spark {
    ($version:literal) => {
        Captured {
            applications: captured!($version, "applications"),
            stages: captured!($version, "stages"),
            jobs: captured!($version, "jobs"),
            executors: captured!($version, "allexecutors"),
            environment: captured!($version, "environment"),
            summary: captured!($version, "task-summary"),
        }
    };
}

const SPARKS: [Captured; 2] = [spark!("3.5.6"), spark!("4.3.0")];

/// An account that has been told all of it.
fn told(spark: &Captured) -> Account {
    let mut account = Account::new(Instant::now());
    for (question, answer) in [
        (Question::Application, spark.applications),
        (Question::Settings, spark.environment),
        (Question::Executors, spark.executors),
        // The names need the jobs.
        (Question::Ended, spark.stages),
        (Question::Jobs, spark.jobs),
        (Question::Ended, spark.stages),
        (Question::Summary { stage: 0, attempt: 0 }, spark.summary),
    ] {
        account.hear(question, answer.as_bytes());
    }
    account
}

fn text(page: &Page) -> String {
    let mut text = Vec::new();
    encode::text(page, &mut text);
    String::from_utf8(text).unwrap()
}

fn is_readable(text: &str) {
    let opinion = promtool::check(text);
    assert!(opinion.is_readable && opinion.dislikes.is_empty(), "{}\n{text}", opinion.said);
}

/// The stages that are listed, in their order, without the numbers.
fn names(text: &str) -> Vec<(u32, String)> {
    let lines = text.lines().filter(|line| line.starts_with("spark_stage_active{"));
    let mut names: Vec<_> = lines
        .map(|line| {
            let label = |name: &str| {
                let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
                rest.split_once('"').unwrap().0.to_owned()
            };
            (label("stage_id").parse().unwrap(), label("stage"))
        })
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn stages_of_real_jobs_have_names_that_tell_them_apart() {
    for spark in &SPARKS {
        let text = text(&told(spark).reading().page);
        let all = names(&text);
        let names: Vec<&str> = all.iter().map(|(_, name)| &**name).collect();
        let expected = [
            "collect at job.py:14",
            "collect at job.py:14",
            "collect at job.py:16",
            "collect at job.py:16",
            "parquet #1",
            "parquet #2",
            "withThreadLocalCaptured #1",
            "count #1",
            "count #1",
            "reduceByKey at job.py:19",
            "collect at job.py:19",
            "count at job.py:21",
            "start #1",
        ];
        assert_eq!(names[..expected.len()], expected);
        assert!(names.contains(&"start: orders-eu.v2"), "{names:?}");
    }
}

#[test]
fn what_real_sparks_answer_makes_a_page_that_prometheus_reads() {
    for spark in &SPARKS {
        let mut account = told(spark);
        let reading = account.reading();
        assert!(reading.repairs.iter().all(|(_, count)| count == 0), "{:?}", reading.repairs);
        let text = text(&reading.page);
        is_readable(&text);
        for line in [
            "class=\"ZeroDivisionError\"} 1",
            "reason=\"oom_killed\"} 0",
            "spark_user=\"root\"",
            "stage=\"other\",state=\"completed\"} 0",
            "stage_id=\"0\",stage=\"collect at job.py:14\",quantile=\"1\"}",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(text.contains("spark_application_driver_memory_bytes"));
        // Nothing of the environment but figures.
        assert!(!text.contains("extraJavaOptions") && !text.contains("/opt/"), "{text}");
    }
}

#[test]
fn the_oldest_spark_tells_the_same_of_its_stages() {
    let mut account = Account::new(Instant::now());
    for (question, answer) in [
        (Question::Application, captured!("3.0.3", "applications")),
        (Question::Executors, captured!("3.0.3", "allexecutors")),
        (Question::Jobs, captured!("3.0.3", "jobs")),
        (Question::Ended, captured!("3.0.3", "stages")),
    ] {
        account.hear(question, answer.as_bytes());
    }
    let reading = account.reading();
    assert!(reading.repairs.iter().all(|(_, count)| count == 0), "{:?}", reading.repairs);
    let text = text(&reading.page);
    is_readable(&text);
    let expected =
        [(0, "collect at job303.py:6".to_owned()), (2, "count at job303.py:8".to_owned())];
    assert_eq!(names(&text), expected);
    assert!(text.contains("class=\"IllegalArgumentException\"} 2"), "{text}");
    for figure in &super::figures::FIGURES {
        assert!(text.contains(figure.metric.name), "{}", figure.metric.name);
    }
}

#[test]
fn an_answer_that_is_heard_twice_counts_once() {
    for spark in &SPARKS {
        let mut account = told(spark);
        let before = text(&account.reading().page);
        account.hear(Question::Ended, spark.stages.as_bytes());
        account.hear(Question::Executors, spark.executors.as_bytes());
        assert_eq!(text(&account.reading().page), before);
    }
}

#[test]
fn another_context_in_the_same_jvm_begins_anew() {
    let mut account = told(&SPARKS[0]);
    account.hear(Question::Application, SPARKS[1].applications.as_bytes());
    let text = text(&account.reading().page);
    assert!(names(&text).is_empty() && text.contains("version=\"4.3.0\""), "{text}");
}

#[test]
fn a_hundred_thousand_stages_take_no_more_memory_than_a_few() {
    let mut account = told(&SPARKS[0]);
    let first = account.reading().page;
    let stage = |id: u32| {
        format!(
            "{{\"status\":\"COMPLETE\",\"stageId\":{id},\"attemptId\":0,\"numActiveTasks\":0,\
             \"numCompleteTasks\":1,\"executorRunTime\":{},\"name\":\"x at App.scala:{id}\"}}",
            id % 977
        )
    };
    let answer: Vec<String> = (100..100_100).rev().map(stage).collect();
    account.hear(Question::Ended, format!("[{}]", answer.join(",")).as_bytes());
    let page = account.reading().page;
    let samples = |page: &Page| page.families().iter().map(|it| it.samples.len()).sum::<usize>();
    assert!(samples(&page) < 2 * samples(&first), "{}", samples(&page));
    let text = text(&page);
    let tasks: u64 = text
        .lines()
        .filter(|line| line.starts_with("spark_stage_tasks_total") && line.contains("completed"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum();
    let seen: u64 = serde_json::from_str::<Vec<serde_json::Value>>(SPARKS[0].stages)
        .unwrap()
        .iter()
        .filter_map(|stage| stage["numCompleteTasks"].as_u64())
        .sum();
    assert_eq!(tasks, 100_000 + seen);
}

#[test]
fn what_was_pushed_last_completes_the_sums() {
    let mut account = told(&SPARKS[0]);
    let pushed = Figures::of(|figure| (figure.field == "numCompleteTasks").then_some(1000));
    let text = text(&account.last_reading(&pushed).unwrap().page);
    let tasks: f64 = text
        .lines()
        .filter(|line| {
            line.starts_with("spark_stage_tasks_total") && line.contains("\"completed\"")
        })
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert!((tasks - 1000.0).abs() < 0.5, "{tasks}");
    assert!(text.contains("spark_application_ended{application_id=\"local-1795879010678\"} 1"));
    is_readable(&text);
}

#[test]
fn half_an_answer_is_a_failure_and_what_came_of_it_is_kept() {
    let mut account = told(&SPARKS[0]);
    account.hear(Question::Application, b"[ {\"id\":");
    let repairs = account.reading().repairs;
    assert_eq!(repairs.count(Reason::Malformed), 1);
}

/// Answers of Spark's with some of their bytes changed, cut out or put in.
fn broken() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let change =
        (any::<prop::sample::Index>(), 0usize..40, prop::collection::vec(any::<u8>(), 0..4));
    (0usize..6, prop::collection::vec(change, 0..6)).prop_map(|(which, changes)| {
        let spark = &SPARKS[which % 2];
        let answers = [
            spark.applications,
            spark.stages,
            spark.jobs,
            spark.executors,
            spark.environment,
            spark.summary,
        ];
        let mut answer = answers[which].as_bytes().to_vec();
        for (at, length, bytes) in changes {
            let at = at.index(answer.len().max(1)).min(answer.len());
            let end = (at + length).min(answer.len());
            answer.splice(at..end, bytes);
        }
        (which, answer)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_answered_what_is_served_is_a_page(answers in prop::collection::vec(broken(), 0..6)) {
        let mut account = Account::new(Instant::now());
        account.hear(Question::Application, SPARKS[0].applications.as_bytes());
        for (which, answer) in answers {
            let question = [
                Question::Application,
                Question::Running,
                Question::Jobs,
                Question::Executors,
                Question::Settings,
                Question::Summary { stage: 0, attempt: 0 },
            ][which];
            account.hear(question, &answer);
            if let Next::Ask(question) = account.next(Instant::now() + Duration::from_hours(1)) {
                let asked = account.ask(question);
                account.answered(asked, Ok(Extent::Cut), Duration::ZERO, Instant::now());
            }
        }
        let text = text(&account.reading().page);
        prop_assert_eq!(checker::check(&text), Ok(()), "{}", text);
    }
}
