//! Where the files of a process's control groups are.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use super::{CgroupError, v1};
use crate::sources::processes::membership::{Membership, memberships};
use crate::sources::processes::proc_root::ProcRoot;

/// The directories of one process's control groups, seen from where the process is.
#[derive(Debug)]
pub(super) struct Location {
    /// The control group file system.
    pub(super) base: PathBuf,
    /// cgroup v2.
    pub(super) v2: Option<PathBuf>,
    /// cgroup v1: what is read, and the directory of its controller.
    pub(super) v1: Vec<(&'static [&'static str], PathBuf)>,
}

impl Location {
    /// Finds the groups of a process. A root group is the machine's, and left out.
    pub(super) fn find(root: &mut ProcRoot, pid: u32) -> Result<Self, CgroupError> {
        let base = root.directory(pid).join("root/sys/fs/cgroup");
        if let Err(error) = fs::metadata(&base) {
            return Err(unreadable(root, pid, base, error));
        }
        let file = root.cgroup(pid).unwrap_or_default();
        let lines: Vec<Membership<'_>> = memberships(file).collect();
        let is_v2 = |mount: &PathBuf| mount.join("cgroup.controllers").exists();
        // All of it, and what looks like a controller is but a group; or beside v1.
        let all = is_v2(&base);
        let mount = if all { base.clone() } else { base.join("unified") };
        let of_v2 = lines.iter().find(|line| line.controllers.is_empty());
        let v2 = Some(mount).filter(is_v2).map(|mount| below(mount, of_v2));
        let mut v1 = Vec::new();
        if !all {
            let find = |(name, files)| Some((files, controller(&base, name, &lines)?));
            v1.extend(v1::CONTROLLERS.into_iter().filter_map(find));
        }
        let mut found = Self { base, v2, v1 };
        if found.is_empty() {
            return Err(CgroupError::NoFileSystem { path: found.base });
        }
        found.v2 = found.v2.filter(|group| !is_root(group));
        found.v1.retain(|(_, group)| !is_root(group));
        if found.is_empty() {
            return Err(CgroupError::RootGroup { pid });
        }
        Ok(found)
    }

    const fn is_empty(&self) -> bool {
        self.v2.is_none() && self.v1.is_empty()
    }
}

/// The directory of a v1 controller. Controllers that are mounted together have one between them,
/// called `cpu,cpuacct` or the other way round, and usually links of their single names to it.
fn controller(base: &Path, name: &str, lines: &[Membership<'_>]) -> Option<PathBuf> {
    let named = |line: &&Membership<'_>| line.controllers.split(',').any(|other| other == name);
    let line = lines.iter().find(named);
    let together = line.map_or(name, |line| line.controllers);
    let turned: Vec<&str> = together.rsplit(',').collect();
    let mount = [together, name, &turned.join(",")]
        .into_iter()
        .filter(|name| !name.contains('/'))
        .map(|name| base.join(name))
        .find(|mount| mount.is_dir())?;
    Some(below(mount, line))
}

/// The group within a mount.
///
/// In a container the mount's root is the container's group already, and the path is the host's
/// (v1) or leads out of our own namespace (`/../<id>`, v2): it does not exist below. On a host it
/// does.
fn below(mount: PathBuf, line: Option<&Membership<'_>>) -> PathBuf {
    let path = Path::new(line.map_or("", |line| line.path.trim_start_matches('/')));
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    let group = mount.join(path);
    if inside && path.components().next().is_some() && group.is_dir() { group } else { mount }
}

/// A root group has files of its own in v1 and lacks some in v2
/// (`CFTYPE_ONLY_ON_ROOT` and `CFTYPE_NOT_ON_ROOT` in the kernel's `kernel/cgroup`).
fn is_root(group: &Path) -> bool {
    let v2 = group.join("cgroup.controllers").exists();
    if v2 { !group.join("cgroup.events").exists() } else { group.join("release_agent").exists() }
}

/// Why the control group file system of a process could not be reached.
fn unreadable(root: &mut ProcRoot, pid: u32, path: PathBuf, source: io::Error) -> CgroupError {
    if source.kind() == ErrorKind::PermissionDenied {
        return match (root.owner(pid), root.own_owner()) {
            (Some(target), Some(own)) if target != own => {
                CgroupError::OtherOwner { path, target, own }
            }
            _ => CgroupError::Refused { path, source },
        };
    }
    if root.directory(pid).join("root").exists() {
        CgroupError::NoFileSystem { path }
    } else {
        CgroupError::NoProcess { pid, proc_root: root.path().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::processes::fake::{Fake, FakeProc};

    #[test]
    fn a_refusal_says_which_user_and_group_it_takes() {
        let proc = FakeProc::new(12);
        let sidecar = Fake { owner: (185, 0), ..Fake::new(12, 0, "sidecar", "") };
        proc.put(&sidecar);
        proc.put(&Fake { owner: (999, 1000), ..Fake::new(21, 0, "java", "java") });
        let mut root = ProcRoot::new(proc.path().into());
        let mut refuse = || {
            let refusal = io::Error::from(ErrorKind::PermissionDenied);
            unreadable(&mut root, 21, "/proc/21/root/sys/fs/cgroup".into(), refusal)
        };
        let error = refuse();
        assert_eq!(error.reason(), "other_owner");
        assert_eq!(
            error.to_string(),
            "cannot read /proc/21/root/sys/fs/cgroup: its process runs with uid 999 and gid 1000, \
             this one with uid 185 and gid 0; the sidecar needs runAsUser: 999 and runAsGroup: 1000"
        );
        proc.put(&Fake { owner: (999, 1000), ..sidecar });
        assert_eq!(refuse().reason(), "refused");
    }
}
