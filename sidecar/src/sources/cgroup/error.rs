//! Why the Spark container's control group cannot be read.

use std::io;
use std::path::PathBuf;

use crate::sources::processes::Owner;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The process has ended.
    #[error("no process {pid} under {proc_root}")]
    NoProcess {
        /// The process that was asked for.
        pid: u32,
        /// The root of the process file system.
        proc_root: PathBuf,
    },
    /// The process belongs to someone else.
    #[error(
        "cannot read {path}: its process runs with {target}, this one with {own}; \
         the sidecar needs runAsUser: {} and runAsGroup: {}", target.uid, target.gid
    )]
    OtherOwner {
        /// What the kernel refused.
        path: PathBuf,
        /// User and group of the process: those that the sidecar needs.
        target: Owner,
        /// User and group of the sidecar.
        own: Owner,
    },
    /// The process belongs to us, and still the kernel refuses.
    #[error(
        "cannot read {path}: {source}, though user and group are the same; either its process has \
         capabilities that this one has not, or AppArmor or SELinux forbids it"
    )]
    Refused {
        /// What the kernel refused.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The container has no control group file system.
    #[error("no control group file system at {path}")]
    NoFileSystem {
        /// Where it should be.
        path: PathBuf,
    },
    /// The process is in no group of its own.
    #[error("process {pid} is in the root control group, whose figures are the whole machine's")]
    RootGroup {
        /// The process that was asked for.
        pid: u32,
    },
    /// There is a group, and none of its files could be read.
    #[error("no readable control group file below {path}")]
    NothingReadable {
        /// The control group file system.
        path: PathBuf,
    },
}

impl CgroupError {
    /// Every reason that there may be.
    pub const REASONS: [&str; 6] = [
        "no_process",
        "other_owner",
        "refused",
        "no_cgroup_file_system",
        "root_cgroup",
        "nothing_readable",
    ];

    /// The reason as a label's value.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoProcess { .. } => "no_process",
            Self::OtherOwner { .. } => "other_owner",
            Self::Refused { .. } => "refused",
            Self::NoFileSystem { .. } => "no_cgroup_file_system",
            Self::RootGroup { .. } => "root_cgroup",
            Self::NothingReadable { .. } => "nothing_readable",
        }
    }
}
