//! Whatever Spark sends as its driver page: it becomes a page, without a panic.

#![no_main]

use emberscope_sidecar::exposition::{Page, encode};
use emberscope_sidecar::sources::spark::{Wanted, driver_page};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut page = Page::new();
    driver_page::write(body, &Wanted::default(), &mut page);
    page.drop_duplicates();
    let mut text = Vec::new();
    encode::text(&page, &mut text);
    assert!(std::str::from_utf8(&text).is_ok());
});
