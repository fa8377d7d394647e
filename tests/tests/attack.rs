//! Whoever can reach the webhook's port can send what he likes. That takes no memory beyond the
//! container's limit, and API servers are answered all the same.

#![allow(clippy::unwrap_used, clippy::panic)] // In a test that is the message.

use std::time::Duration;

use emberscope_tests::load::attack::{self, Attack};
use emberscope_tests::programs;

/// Of the container, in KiB: `manifests/base/deployment.yaml`.
const MEMORY_LIMIT: u64 = 64 << 10;

#[test]
fn under_attack_most_reviews_are_answered_and_memory_stays_within_its_limit() {
    let program = programs::build().unwrap().join("emberscope");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for attack in Attack::ALL {
        let run = attack::run(attack, &program, Duration::from_secs(5));
        let outcome = runtime.block_on(run).unwrap();
        // How many, and how fast, is for `load --attack` to say: here other tests take the CPU.
        assert!(outcome.lost.len() < outcome.times.len(), "{attack:?}: {:?}", outcome.lost);
        let margin = MEMORY_LIMIT * 3 / 4;
        assert!(outcome.peak < margin, "{attack:?}: {} MiB", outcome.peak >> 10);
    }
}
