//! The processes of the Spark container: which they are, and what they use, by kind.
//!
//! In a pod with a shared process namespace every container's processes are visible: the pause
//! container's, our own, and next to Spark's JVM all that it has started. [`Tracker::scan`] finds
//! the JVM, tells the container's processes from the others', and adds up what they use.
//!
//! `/proc` is read here, not through `sysinfo`: that crate reads nothing but the machine's own
//! `/proc`, walks each thread for a count of threads that `stat` has, knows nothing of `cutime`,
//! and takes more than twice the CPU time. A test holds the figures against its own.

mod accounts;
#[cfg(test)]
pub(crate) mod fake;
pub(crate) mod files;
mod kind;
pub(crate) mod membership;
mod owner;
mod page_size;
pub(crate) mod proc_root;
mod program;
mod pss;
mod snapshot;
pub(crate) mod stat;
mod tracker;

use std::io;
use std::path::PathBuf;

pub use kind::Kind;
pub use owner::Owner;
pub use pss::Pss;
pub use snapshot::{Identity, Snapshot, Usage, documented};
pub use tracker::Tracker;

/// Why no processes can be told.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The process file system cannot be listed.
    #[error("cannot list the processes in {path}: {source}")]
    Unlistable {
        /// The root of the process file system.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The pod's containers do not share their process namespace: we are process 1 of our own.
    #[error(
        "the Spark container's processes are not visible: the pod does not set shareProcessNamespace"
    )]
    NotShared,
}

impl ProcessError {
    /// The reason as a label's value.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unlistable { .. } => "proc_unlistable",
            Self::NotShared => "process_namespace_not_shared",
        }
    }
}
