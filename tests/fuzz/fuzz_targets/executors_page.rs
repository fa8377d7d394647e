//! Whatever Spark sends as its executors page: it becomes a page, without a panic.

#![no_main]

use emberscope_sidecar::exposition::{Page, encode};
use emberscope_sidecar::sources::spark::executors_page;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut page = Page::new();
    let mut reader = executors_page::Reader::default();
    reader.feed(body, &mut page);
    reader.finish(&mut page);
    page.drop_duplicates();
    let mut text = Vec::new();
    encode::text(&page, &mut text);
    assert!(std::str::from_utf8(&text).is_ok());
});
