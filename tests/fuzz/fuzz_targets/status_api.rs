//! Whatever Spark's status API answers: it becomes a page, without a panic.

#![no_main]

use std::time::Instant;

use emberscope_sidecar::exposition::encode;
use emberscope_sidecar::sources::spark::status_api::{Account, Question};
use libfuzzer_sys::fuzz_target;

const APPLICATION: &[u8] = br#"[{"id":"app-1","attempts":[{"startTimeEpoch":1}]}]"#;

fuzz_target!(|input: (u8, &[u8], &[u8])| {
    let (which, first, second) = input;
    let questions = [
        Question::Application,
        Question::Running,
        Question::Stage(0),
        Question::Ended,
        Question::Jobs,
        Question::Summary { stage: 0, attempt: 0 },
        Question::Settings,
        Question::Executors,
        Question::Queries(0),
    ];
    let mut account = Account::new(Instant::now());
    account.hear(Question::Application, APPLICATION);
    account.hear(questions[usize::from(which) % questions.len()], first);
    account.hear(questions[usize::from(which) / questions.len() % questions.len()], second);
    let mut text = Vec::new();
    encode::text(&account.reading().page, &mut text);
    assert!(std::str::from_utf8(&text).is_ok());
});
