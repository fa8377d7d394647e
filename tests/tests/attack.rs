//! Whoever can reach the webhook's port can send what he likes. That takes no memory beyond the
//! container's limit, and API servers are answered all the same.

#![allow(clippy::unwrap_used, clippy::panic)] // In a test that is the message.

use std::time::Duration;

use emberscope_tests::load::attack::{self, Attack, Honest};
use emberscope_tests::programs;

/// Of the container, in KiB: `manifests/base/deployment.yaml`.
const MEMORY_LIMIT: u64 = 64 << 10;

/// How long reviews come, and are waited for: other tests take the CPU meanwhile, so how fast answers are
/// is for `load --attack` to say.
const HONEST: Honest = Honest { lasts: Duration::from_secs(5), patience: Duration::from_secs(10) };

#[test]
fn whatever_is_sent_memory_stays_within_its_limit_and_reviews_are_answered() {
    let program = programs::build().unwrap().join("emberscope");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for attack in Attack::ALL {
        let outcome = runtime.block_on(attack::run(attack, &program, HONEST)).unwrap();
        // Of a program with its debug assertions, which takes more than the one that ships.
        let margin = MEMORY_LIMIT * 7 / 8;
        assert!(outcome.peak < margin, "{attack:?}: {} MiB", outcome.peak >> 10);
        let (lost, all) = (outcome.lost.len(), outcome.lost.len() + outcome.times.len());
        assert!(lost * 100 <= all, "{attack:?}: {lost} of {all} lost: {:?}", outcome.lost);
    }
}
