//! `emberscope why` on real Spark jobs with one fault each, and on some with none.

#![allow(clippy::unwrap_used, clippy::panic)] // In a test that is the message.

mod api_server;

use emberscope_tests::verdict_of_why::{CASES, Case, Trial};

/// Runs one case, and says what was found that should not be, or not found that should.
async fn hold(name: &str) {
    let case: &Case = CASES.iter().find(|case| case.name == name).unwrap();
    match Trial::of(case).await.unwrap() {
        Trial::NotTried(why) => eprintln!("{name} was not tried: {why}"),
        Trial::Answered { wrong: None, .. } => {}
        Trial::Answered { wrong: Some(wrong), text, .. } => panic!("{name}: {wrong}\n{text}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_record_is_named_with_its_line() {
    hold("broken_record").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jvm_that_the_kernel_killed_is_found_with_what_it_held() {
    hold("oom_jvm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_worker_that_the_kernel_killed_is_found_with_what_it_held() {
    hold("oom_worker").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_job_has_no_finding() {
    hold("clean").await;
}
