//! Whatever the files of a process hold (`stat`, `status`, `io`, `cgroup`, `cmdline`,
//! `smaps_rollup`): each parser of one comes to an end.

#![no_main]

use emberscope_sidecar::sources::processes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| processes::read_as_each_file(file));
