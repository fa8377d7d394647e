//! How Spark's container ended, from what can be known without the Kubernetes API.
//!
//! An out-of-memory kill leaves one trace that a neighbour may read: the count in the container's
//! control group, which is gone within a second, since the container runtime removes the group. So
//! that group is held open and watched, and read once more at the moment when the JVM ends.
//!
//! ```text
//! a scan finds the JVM ──> Watcher: its pidfd, its cgroup ──readings──> Verdict ──> Evidence
//!                              │ every second, at memory.events, and when the JVM ends
//!                              └──> Scraper: look now, Spark has ended
//! ```
//!
//! The count does not say whom a kill met. `fate` and `perf_data` tell how the JVM ended, `kills`
//! whether it was seen to go on after a kill, and `verdict` is the whole rule, over what was observed.
//!
//! | evidence | what is known |
//! |---|---|
//! | `oom_kill` | the kernel counted an out-of-memory kill in the container, and the JVM was killed |
//! | `process_oom_kill` | the kernel killed another process of the container for want of memory, and the JVM went on or left by itself |
//! | `unattributed_oom_kill` | the kernel counted a kill in the container within two seconds before the JVM ended, and how the JVM ended could not be seen |
//! | `no_oom_kill` | the JVM ended, and up to then no kill is known |
//! | `node_oom_kill` | the JVM ended, the count could not be read in time, and within that second the kernel killed a process on the node |
//! | `memory_at_limit` | the JVM ended, no count could be read in time, and a second before the working set was at 95 % of the limit or more |
//! | `process_gone` | the JVM ended, no count could be read in time, and memory was not short |
//! | `sigterm` | no process could be seen; the kubelet's SIGTERM says that the container ended |

mod events;
mod fate;
mod interval;
mod kills;
mod node;
mod perf_data;
mod readings;
mod verdict;
mod watcher;

pub use watcher::Watcher;

use crate::exposition::{Described, Page};

const LAST_STATE: Described = Described::gauge(
    "spark_container_last_state",
    &["container", "evidence"],
    "Always 1, once Spark has ended: evidence tells what is known of how.",
);

/// What is known of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The kernel counted an out-of-memory kill, and it was the JVM's.
    OomKill,
    /// The kernel killed another process of the container, and the JVM ended otherwise.
    ProcessOomKill,
    /// The kernel counted one shortly before the JVM ended, and nobody knows whom it met.
    UnattributedOomKill,
    /// None is known up to the JVM's end.
    NoOomKill,
    /// The count could not be read, and just before the JVM ended the kernel killed something on the
    /// node.
    NodeOomKill,
    /// No count could be read, and memory was short.
    MemoryAtLimit,
    /// The JVM was there and is gone. No count could not be read, and memory was not short or is
    /// not known.
    ProcessGone,
    /// Nothing is known but that the kubelet asked the sidecar to end.
    Sigterm,
}

impl Evidence {
    /// Every value that there may be.
    pub const ALL: [Self; 8] = [
        Self::OomKill,
        Self::ProcessOomKill,
        Self::UnattributedOomKill,
        Self::NoOomKill,
        Self::NodeOomKill,
        Self::MemoryAtLimit,
        Self::ProcessGone,
        Self::Sigterm,
    ];

    /// The label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OomKill => "oom_kill",
            Self::ProcessOomKill => "process_oom_kill",
            Self::UnattributedOomKill => "unattributed_oom_kill",
            Self::NoOomKill => "no_oom_kill",
            Self::NodeOomKill => "node_oom_kill",
            Self::MemoryAtLimit => "memory_at_limit",
            Self::ProcessGone => "process_gone",
            Self::Sigterm => "sigterm",
        }
    }
}

/// The page that says so.
#[must_use]
pub fn page(container: &str, evidence: Evidence) -> Page {
    let mut page = Page::new();
    let labels = [("container", container), ("evidence", evidence.as_str())];
    page.put(&LAST_STATE, &labels, 1.0);
    page
}

/// A page with the family and no sample, for documentation.
#[must_use]
pub fn documented() -> Page {
    Page::of_described(&[LAST_STATE])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_evidence_has_a_word_of_its_own() {
        for one in Evidence::ALL {
            let same = Evidence::ALL.iter().filter(|other| other.as_str() == one.as_str());
            assert_eq!(same.count(), 1, "{}", one.as_str());
        }
    }
}
