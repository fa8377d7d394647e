//! The control group of the Spark container: what it uses, what it may use, what it waits for.
//!
//! `/proc/<pid>/root` leads into the mount namespace of a process, and there `/sys/fs/cgroup` is
//! the container's own: no privilege and no API is needed, only the same user and group. Both
//! versions of the interface are read, and the mixtures of them; what a kernel does not have is
//! absent. The rules and names are cAdvisor's, behind the prefix `spark_container_`.

mod error;
mod figures;
mod groups;
mod v1;
mod v2;
mod write;

use std::path::Path;

pub use error::CgroupError;
pub use figures::{Cpu, Figures, Memory, Pids, Pressure, Storage, Waiting};
pub use write::documented;

use crate::processes::files::Reader;
use crate::processes::proc_root::ProcRoot;
use groups::Groups;

/// Reads the figures of the control group that a process is in.
///
/// `proc_root` is where the process file system is mounted. A file that is missing, refused or
/// malformed leaves its figures absent; it is an error only if nothing can be read at all.
pub fn read(proc_root: &Path, pid: u32) -> Result<Figures, CgroupError> {
    let mut root = ProcRoot::new(proc_root.to_owned());
    let groups = Groups::find(&mut root, pid)?;
    let mut reader = Reader::default();
    let mut figures = Figures::default();
    if let Some(directory) = &groups.unified {
        v2::read(directory, &mut reader, &mut figures);
    }
    // Where both exist, a controller is in one of the two; v1 is the one with a directory for it.
    v1::read(&groups, &mut reader, &mut figures);
    if figures == Figures::default() {
        return Err(CgroupError::NothingReadable { path: groups.base });
    }
    Ok(figures)
}

#[cfg(test)]
mod tests;
