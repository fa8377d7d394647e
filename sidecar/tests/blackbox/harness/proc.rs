//! A process file system of plain files, with a Spark JVM in it that comes and goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

const JVM: u32 = 30;

/// A tree like `/proc` in which the sidecar is process 7.
#[derive(Debug)]
pub(crate) struct FakeProc {
    directory: TempDir,
}

impl FakeProc {
    /// Without Spark.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        symlink("7", directory.path().join("self")).unwrap();
        let fake = Self { directory };
        fake.process(7, "emberscope-side", "/emberscope-sidecar\0", "0::/\n");
        fake
    }

    /// With Spark.
    pub(crate) fn with_spark() -> Self {
        let fake = Self::new();
        fake.start_spark();
        fake
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Spark's JVM, in a container of its own that uses 100 MiB.
    pub(crate) fn start_spark(&self) {
        let command = "/usr/bin/java\0-Xmx1g\0org.apache.spark.deploy.SparkSubmit\0job.py\0";
        self.process(JVM, "java", command, "0::/../spark\n");
        let cgroup = self.path().join(format!("{JVM}/root/sys/fs/cgroup"));
        fs::create_dir_all(&cgroup).unwrap();
        for (file, text) in [
            ("cgroup.controllers", "cpu memory\n"),
            ("cgroup.events", "populated 1\nfrozen 0\n"),
            ("cgroup.type", "domain\n"),
            ("memory.current", "104857600\n"),
            ("memory.max", "1073741824\n"),
            ("memory.stat", "anon 90000000\nfile 1000000\ninactive_file 500000\n"),
            ("memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n"),
            ("cpu.stat", "usage_usec 5000000\nuser_usec 4000000\nsystem_usec 1000000\n"),
        ] {
            fs::write(cgroup.join(file), text).unwrap();
        }
    }

    /// The JVM has ended and was waited for.
    pub(crate) fn end_spark(&self) {
        let gone = self.path().join(format!("gone-{JVM}"));
        fs::rename(self.path().join(JVM.to_string()), gone).unwrap();
    }

    fn process(&self, pid: u32, name: &str, command: &str, cgroup: &str) {
        // Under another name first: a scan sees a process whole or not at all.
        let made = self.path().join(format!("made-{pid}"));
        fs::create_dir_all(made.join("fd")).unwrap();
        let stat = format!(
            "{pid} ({name}) S 1 1 1 0 -1 4194560 0 0 0 0 250 50 0 0 20 0 9 0 {pid}00 4096 2560 \
             18446744073709551615\n"
        );
        let ids = "185\t185\t185\t185";
        for (file, text) in [
            ("stat", stat.as_str()),
            ("status", &format!("Name:\t{name}\nUid:\t{ids}\nGid:\t{ids}\nVmRSS:\t   2048 kB\n")),
            ("cmdline", command),
            ("cgroup", cgroup),
            ("io", "rchar: 1\nwchar: 1\nread_bytes: 1\nwrite_bytes: 1\n"),
        ] {
            fs::write(made.join(file), text).unwrap();
        }
        fs::rename(made, self.path().join(pid.to_string())).unwrap();
    }
}
