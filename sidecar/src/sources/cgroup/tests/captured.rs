//! Control groups that a kernel has shown, and what the sidecar served of them at that moment.
//!
//! `tests/fixtures/cgroup/README.md` says which kernel, and how they were captured.

use std::fs;
use std::path::Path;

use super::{JVM, read, spark};
use crate::exposition::{Page, encode};

/// The files of a control group, from one text in which `==> name <==` stands before each.
fn files(text: &str) -> Vec<(&str, &str)> {
    text.split("==> ").filter_map(|part| part.split_once(" <==\n")).collect()
}

/// `UPDATE_GOLDEN=1` writes the pages anew; they are what a sidecar served beside that kernel, so
/// that a difference wants a reason.
#[test]
fn what_was_served_of_a_real_kernels_files_is_served_again() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (name, container) in [
        ("linux-6.1-limited", "spark-kubernetes-driver"),
        ("linux-6.1-limits-of-the-pod", "spark-kubernetes-driver"),
        ("linux-6.1-worker-killed", "spark-kubernetes-executor"),
    ] {
        let text = fs::read_to_string(tests.join(format!("fixtures/cgroup/{name}.txt"))).unwrap();
        let proc = spark("0::/../cri-containerd-spark.scope\n", &files(&text));
        let mut page = Page::new();
        read(proc.path(), JVM).unwrap().write(container, &mut page);
        let mut served = Vec::new();
        encode::text(&page, &mut served);
        let served = String::from_utf8(served).unwrap();
        let golden = tests.join(format!("golden/cgroup/{name}.prom"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &served).unwrap();
        }
        let golden = fs::read_to_string(&golden).unwrap();
        for (served, golden) in served.lines().zip(golden.lines()) {
            assert_eq!(served, golden, "{name}");
        }
        assert_eq!(served.lines().count(), golden.lines().count(), "{name}");
    }
}
