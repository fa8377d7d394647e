//! Whatever is pushed as an executor's figures: it becomes a page, without a panic.

#![no_main]

use std::time::Instant;

use emberscope_sidecar::exposition::{Page, encode};
use emberscope_sidecar::sources::spark::Wanted;
use emberscope_sidecar::sources::spark::push::{Of, Store};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: &[u8]| {
    let store = Store::default();
    store.take(lines.split(|byte| *byte == b'\n'), Instant::now());
    let mut page = Page::new();
    store.write(Of::All, &Wanted::default(), &mut page);
    page.drop_duplicates();
    let mut text = Vec::new();
    encode::text(&page, &mut text);
    assert!(std::str::from_utf8(&text).is_ok());
});
