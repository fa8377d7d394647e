//! A cgroup of its own for the Spark job, with a CPU quota and a memory limit: what a container is
//! to the figures that the sidecar reads.
//!
//! With cgroup v1 it is a child of the group that this process is in, controller by controller.
//! With v2 a group with processes cannot have limited children, so the nearest ancestor that can is
//! taken. Where neither is allowed, the job runs without, and its figures are the machine's.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The v1 controllers whose files the sidecar reads.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "cpuacct"];

/// What the job may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory: u64,
    /// CPU time per 100 ms, in microseconds.
    pub quota: u64,
}

impl Limits {
    /// Three quarters of the machine's cores, so that throttling is seen, and 4 GiB.
    #[must_use]
    pub fn of_cores(cores: usize) -> Self {
        Self { memory: 4 << 30, quota: 75_000 * cores.clamp(1, 4) as u64 }
    }
}

/// The group's folders; none where the machine allows no group. Removed when dropped.
#[derive(Debug)]
pub struct Enclosure {
    folders: Vec<PathBuf>,
    missing: Option<String>,
}

impl Enclosure {
    /// Makes the group `name` where this process may.
    #[must_use]
    pub fn here(name: &str, limits: Limits) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::make("/sys/fs/cgroup".as_ref(), &own, name, limits)
    }

    /// Makes the group under `mount` (`/sys/fs/cgroup`); `own` is the text of `/proc/self/cgroup`.
    fn make(mount: &Path, own: &str, name: &str, limits: Limits) -> Self {
        let made = if mount.join("cgroup.controllers").exists() {
            make_v2(mount, own, name, limits)
        } else {
            make_v1(mount, own, name, limits)
        };
        match made {
            Ok(folders) => Self { folders, missing: None },
            Err(why) => Self { folders: Vec::new(), missing: Some(why) },
        }
    }

    /// Why there is no group.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// The files that a process writes its id to in order to enter.
    pub fn entrances(&self) -> impl Iterator<Item = PathBuf> {
        self.folders.iter().map(|folder| folder.join("cgroup.procs"))
    }
}

impl Drop for Enclosure {
    fn drop(&mut self) {
        for _ in 0..20 {
            self.folders.retain(|folder| fs::remove_dir(folder).is_err() && folder.exists());
            if self.folders.is_empty() {
                return;
            }
            // Only the job ever entered: what is still inside is a part of it that was left over.
            for process in self.entrances().flat_map(|file| processes(&file)).collect::<Vec<_>>() {
                let _ = kill_process(process, Signal::KILL);
            }
            sleep(Duration::from_millis(100));
        }
    }
}

fn processes(file: &Path) -> Vec<Pid> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw).collect()
}

fn make_v1(mount: &Path, own: &str, name: &str, limits: Limits) -> Result<Vec<PathBuf>, String> {
    let mut folders = Vec::new();
    for controller in CONTROLLERS {
        let path = own_path(own, controller)
            .ok_or_else(|| format!("the kernel has no cgroup controller {controller}"))?;
        let folder = mount.join(controller).join(path).join(name);
        if let Err(why) = make(&folder) {
            remove(&folders);
            return Err(why);
        }
        folders.push(folder);
    }
    let [memory, cpu, _] = folders.as_slice() else {
        return Ok(folders);
    };
    let set = write(&memory.join("memory.limit_in_bytes"), &limits.memory.to_string())
        .and_then(|()| write(&cpu.join("cpu.cfs_period_us"), "100000"))
        .and_then(|()| write(&cpu.join("cpu.cfs_quota_us"), &limits.quota.to_string()));
    set.inspect_err(|_| remove(&folders)).map(|()| folders)
}

fn make_v2(mount: &Path, own: &str, name: &str, limits: Limits) -> Result<Vec<PathBuf>, String> {
    let own = mount.join(own_path(own, "").unwrap_or_default());
    let mut why = String::new();
    for parent in own.ancestors().take_while(|parent| parent.starts_with(mount)) {
        match make_under(parent, name, limits) {
            Ok(folder) => return Ok(vec![folder]),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn make_under(parent: &Path, name: &str, limits: Limits) -> Result<PathBuf, String> {
    let enabled = fs::read_to_string(parent.join("cgroup.subtree_control")).unwrap_or_default();
    for controller in ["cpu", "memory"] {
        if !enabled.split_whitespace().any(|one| one == controller) {
            write(&parent.join("cgroup.subtree_control"), &format!("+{controller}"))?;
        }
    }
    let folder = parent.join(name);
    make(&folder)?;
    let set = write(&folder.join("memory.max"), &limits.memory.to_string())
        .and_then(|()| write(&folder.join("cpu.max"), &format!("{} 100000", limits.quota)));
    set.inspect_err(|_| remove(std::slice::from_ref(&folder))).map(|()| folder)
}

/// The path of this process's group for a v1 controller, or of its v2 group for "".
fn own_path<'a>(own: &'a str, controller: &str) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        let path = parts.next()?;
        controllers.split(',').any(|one| one == controller).then(|| path.trim_start_matches('/'))
    })
}

fn make(folder: &Path) -> Result<(), String> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(format!("{} could not be made: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn write(file: &Path, value: &str) -> Result<(), String> {
    // Never create: a missing file means that the controller is not there.
    let opened = fs::OpenOptions::new().write(true).open(file);
    let written =
        opened.and_then(|mut open| std::io::Write::write_all(&mut open, value.as_bytes()));
    written.map_err(|error| format!("{} could not be set to {value}: {error}", file.display()))
}

fn remove(folders: &[PathBuf]) {
    for folder in folders {
        let _ = fs::remove_dir(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_both_versions_are_read_from_one_text() {
        let own = "12:cpu,cpuacct:/a\n4:memory:/b/c\n0::/user.slice/x.scope\n";
        assert_eq!(own_path(own, "cpuacct"), Some("a"));
        assert_eq!(own_path(own, "memory"), Some("b/c"));
        assert_eq!(own_path(own, ""), Some("user.slice/x.scope"));
        assert_eq!(own_path(own, "pids"), None);
    }

    #[test]
    fn a_machine_that_allows_no_group_says_why() {
        let mount = tempfile::tempdir().unwrap();
        let made = Enclosure::make(mount.path(), "4:memory:/\n", "a", Limits::of_cores(2));
        assert!(made.missing().unwrap().contains("memory"), "{made:?}");
        assert_eq!(made.entrances().count(), 0);
    }
}
