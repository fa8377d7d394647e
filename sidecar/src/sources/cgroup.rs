//! The control group of the Spark container: what it uses, what it may use, what it waits for.
//!
//! `/proc/<pid>/root` leads into the mount namespace of a process, and there `/sys/fs/cgroup` is
//! the container's own: no privilege and no API is needed, only the same user and group. Both
//! versions of the interface are read, and the mixtures of them; what a kernel does not have is
//! absent. The rules and names are cAdvisor's, behind the prefix `spark_container_`.

mod error;
mod figures;
mod groups;
mod held;
mod v1;
mod v2;
mod write;

pub use error::CgroupError;
pub use figures::{Cpu, Figures, Memory, Pids, Pressure, Storage, Waiting};
pub use held::Held;
pub use write::documented;

#[cfg(test)]
mod tests;
