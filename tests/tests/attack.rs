//! Whoever can reach the webhook's port can send what he likes. That takes no memory beyond the
//! container's limit. How many reviews are answered meanwhile, and how fast, `load --attack` measures.

#![allow(clippy::unwrap_used, clippy::panic)] // In a test that is the message.

use std::time::Duration;

use emberscope_tests::load::attack::{self, Attack};
use emberscope_tests::programs;

/// Of the container, in KiB: `manifests/base/deployment.yaml`.
const MEMORY_LIMIT: u64 = 64 << 10;

#[test]
fn whatever_is_sent_memory_stays_within_its_limit() {
    let program = programs::build().unwrap().join("emberscope");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for attack in Attack::ALL {
        let run = attack::run(attack, &program, Duration::from_secs(5));
        let outcome = runtime.block_on(run).unwrap();
        let margin = MEMORY_LIMIT * 3 / 4;
        assert!(outcome.peak < margin, "{attack:?}: {} MiB", outcome.peak >> 10);
    }
}
