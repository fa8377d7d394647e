//! Whatever the files of a control group hold: each parser of one comes to an end.

#![no_main]

use emberscope_sidecar::sources::cgroup;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| cgroup::read_as_each_file(file));
