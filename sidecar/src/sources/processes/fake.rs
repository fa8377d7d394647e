//! A process file system made of plain files, for tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

/// A tree like `/proc` in a temporary directory.
#[derive(Debug)]
pub(crate) struct FakeProc {
    directory: TempDir,
}

/// One process; what is not said is unremarkable.
#[derive(Debug, Clone)]
pub(crate) struct Fake {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) name: &'static str,
    /// Separated by spaces.
    pub(crate) command: String,
    pub(crate) cgroup: String,
    pub(crate) state: char,
    pub(crate) flags: u64,
    pub(crate) started: u64,
    pub(crate) cpu: u64,
    pub(crate) reaped_cpu: u64,
    pub(crate) threads: u64,
    pub(crate) resident_pages: u64,
    pub(crate) open_fds: u32,
    pub(crate) io: Option<(u64, u64)>,
    pub(crate) owner: (u32, u32),
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            pid: 0,
            parent: 0,
            name: "x",
            command: String::new(),
            cgroup: "0::/../spark\n".into(),
            state: 'S',
            flags: 0x0040_0000,
            started: 0,
            cpu: 0,
            reaped_cpu: 0,
            threads: 1,
            resident_pages: 10,
            open_fds: 3,
            io: Some((0, 0)),
            owner: (185, 185),
        }
    }
}

impl Fake {
    /// A process that starts when its pid says.
    pub(crate) fn new(pid: u32, parent: u32, name: &'static str, command: &str) -> Self {
        let started = u64::from(pid) * 10;
        Self { pid, parent, name, command: command.into(), started, ..Self::default() }
    }
}

impl FakeProc {
    /// A tree in which we are process `own`.
    pub(crate) fn new(own: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        symlink(own.to_string(), directory.path().join("self")).unwrap();
        fs::write(directory.path().join("meminfo"), "MemTotal: 1 kB\n").unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes all files of a process, in the place of what was there.
    pub(crate) fn put(&self, fake: &Fake) {
        let Fake { pid, parent, name, state, flags, cpu, reaped_cpu, threads, started, .. } = fake;
        let directory = self.path().join(pid.to_string());
        let fds = directory.join("fd");
        let _ = fs::remove_dir_all(&fds);
        fs::create_dir_all(&fds).unwrap();
        for fd in 0..fake.open_fds {
            fs::write(fds.join(fd.to_string()), "").unwrap();
        }
        let put = |file: &str, text: String| fs::write(directory.join(file), text).unwrap();
        put(
            "stat",
            format!(
                "{pid} ({name}) {state} {parent} 1 1 0 -1 {flags} 0 0 0 0 {cpu} 0 {reaped_cpu} 0 \
                 20 0 {threads} 0 {started} 4096 {} 18446744073709551615\n",
                fake.resident_pages
            ),
        );
        let (uid, gid) = fake.owner;
        put(
            "status",
            format!(
                "Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\n"
            ),
        );
        let end = if fake.command.is_empty() { "" } else { "\0" };
        put("cmdline", fake.command.replace(' ', "\0") + end);
        put("cgroup", fake.cgroup.clone());
        match fake.io {
            Some((read, written)) => put(
                "io",
                format!(
                    "rchar: 9\nwchar: 9\nread_bytes: {read}\nwrite_bytes: {written}\ncancelled_write_bytes: 0\n"
                ),
            ),
            None => drop(fs::remove_file(directory.join("io"))),
        }
    }

    /// Writes any file below the root, and the directories above it.
    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The process has been waited for.
    pub(crate) fn end(&self, pid: u32) {
        fs::remove_dir_all(self.path().join(pid.to_string())).unwrap();
    }
}
