//! Whatever an API server, or somebody else, posts: it is answered, and the answer allows.

#![no_main]

use emberscope_core::{AllSettings, Config, Namespaces};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let settings = AllSettings::offline(Config::default());
    let admission = emberscope_core::admission::answer(body, &settings, &Namespaces::default());
    let answer: Value = serde_json::from_slice(&admission.body).unwrap();
    assert_eq!(answer["response"]["allowed"], true);
});
