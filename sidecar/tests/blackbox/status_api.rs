//! Spark's status API beside its pages.

use crate::harness::{FakeProc, FakeSpark, Mood, Page, Sidecar, eventually};

const APPLICATIONS: &str = "/api/v1/applications";
const RUNNING: &str = "/api/v1/applications/local-1795879010678/stages?status=active";
const FIRST_STAGE: &str = "/api/v1/applications/local-1795879010678/stages/0?details=false";

/// What a real Spark 3.5.6 answered.
const APPLICATION: &str = include_str!("../fixtures/status-api/spark-3.5.6-applications.json");
const STAGES: &str = include_str!("../fixtures/status-api/spark-3.5.6-stages.json");

fn driver(spark: &FakeSpark, proc: &FakeProc) -> Sidecar {
    let (port, root) = (spark.port.to_string(), proc.path().display().to_string());
    Sidecar::start(&["--role=driver", "--spark-ui-port", &port, "--proc-root", &root])
}

fn json(body: &str) -> Mood {
    Mood::Says(200, "application/json", body.into())
}

/// The first stage of those that were captured, which is the last one in the answer.
fn first_stage() -> String {
    let (_, stage) = STAGES.rsplit_once("\"status\"").expect("stages have one");
    format!("[ {{ \"status\"{stage}")
}

/// A Spark that has done one stage.
fn with_a_stage() -> FakeSpark {
    let spark = FakeSpark::start();
    spark.set(APPLICATIONS, json(APPLICATION));
    spark.set(RUNNING, json("[ ]"));
    spark.set(FIRST_STAGE, json(&first_stage()));
    spark
}

fn until(sidecar: &Sidecar, what: &str, is: impl Fn(&Page) -> bool) -> Page {
    let mut page = sidecar.scrape();
    eventually(what, || {
        page = sidecar.scrape();
        is(&page)
    });
    page
}

#[test]
fn stages_are_on_the_page_and_stay_when_spark_has_closed_its_ui() {
    let (spark, proc) = (with_a_stage(), FakeProc::with_spark());
    let sidecar = driver(&spark, &proc);
    let page = until(&sidecar, "stages are served", |page| page.has("spark_stage_"));
    page.check();
    let labels =
        "application_id=\"local-1795879010678\",stage_id=\"0\",stage=\"collect at job.py:14\"";
    let tasks = format!("spark_stage_tasks_total{{{labels},state=\"completed\"}}");
    assert_eq!(page.value(&tasks), Some(16.0), "{}", page.text());
    let ended = "spark_application_ended{application_id=\"local-1795879010678\"}";
    assert_eq!(page.value(ended), Some(0.0));
    spark.end();
    let page =
        until(&sidecar, "the UI is seen to be closed", |page| page.value(ended) == Some(1.0));
    assert_eq!(page.value(&tasks), Some(16.0), "{}", page.text());
    assert!(!page.up("status_api"));
}

#[test]
fn a_spark_that_is_not_to_be_asked_is_a_reason_and_all_else_is_served() {
    for (status, reason) in [
        (401, "refused"),
        (403, "refused"),
        (302, "redirected"),
        (404, "servlet_off"),
        (500, "status"),
    ] {
        let (spark, proc) = (FakeSpark::start(), FakeProc::with_spark());
        spark.set(APPLICATIONS, Mood::Says(status, "text/html", Vec::new()));
        let sidecar = driver(&spark, &proc);
        let errors =
            format!("emberscope_source_errors_total{{reason=\"{reason}\",source=\"status_api\"}}");
        let page = until(&sidecar, reason, |page| page.value(&errors).is_some_and(|it| it > 0.0));
        assert!(!page.up("status_api") && page.up("driver_page") && page.up("executors_page"));
        assert!(!page.has("spark_stage_"));
    }
}

#[test]
fn an_acl_on_stages_alone_is_one_too() {
    let (spark, proc) = (with_a_stage(), FakeProc::with_spark());
    spark.set(RUNNING, Mood::Says(403, "text/html", Vec::new()));
    let sidecar = driver(&spark, &proc);
    let errors = "emberscope_source_errors_total{reason=\"refused\",source=\"status_api\"}";
    until(&sidecar, "refused", |page| page.value(errors).is_some_and(|it| it > 0.0));
}

#[test]
fn an_answer_of_a_hundred_megabytes_costs_no_memory() {
    let (spark, proc) = (with_a_stage(), FakeProc::with_spark());
    let one =
        "{\"status\":\"COMPLETE\",\"stageId\":7,\"attemptId\":0,\"name\":\"x\",\"details\":\"";
    let large = format!("[{one}{}\"}}]", "\\u0041".repeat(17 << 20));
    spark.set(RUNNING, json(&large));
    drop(large);
    let sidecar = driver(&spark, &proc);
    let resident = "emberscope_process_resident_memory_bytes";
    let before = sidecar.scrape().value(resident).unwrap();
    let page = until(&sidecar, "what was cut is counted", |page| {
        page.value("emberscope_repairs_total{reason=\"page_too_large\"}").is_some_and(|it| it > 0.0)
    });
    let after = page.value(resident).unwrap();
    assert!(after - before < 1.5e6, "{before} {after}");
}
