//! Whatever stands in a web configuration: it is one or an error, without a panic.

#![no_main]

use std::path::Path;

use emberscope_sidecar::serve::WebConfig;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|yaml: &str| {
    let _ = WebConfig::parse(yaml, Path::new("web.yml"));
});
